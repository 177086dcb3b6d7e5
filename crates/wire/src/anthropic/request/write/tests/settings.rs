//! Limits, sampling, reasoning and the form of the answer.

use super::*;
use crate::chat::{Effort, OutputFormat, ReasoningAmount, ToolChoice};

#[test]
fn the_limit_is_the_clients_the_models_or_a_default() {
    let check = |said: Option<u64>, most: Option<u64>, expected: u64, noted: &[&str]| {
        let request = ChatRequest { max_output_tokens: said, ..hello() };
        let found = written_for(&request, &facts(|facts| facts.max_output_tokens = most));
        assert_eq!(found.body["max_tokens"], expected, "{said:?} {most:?}");
        assert_eq!(found.noted(), noted);
    };
    check(None, None, 4096, &[]);
    check(None, Some(64_000), 64_000, &[]);
    check(Some(100), Some(64_000), 100, &[]);
    check(Some(0), None, 0, &[]);
    check(Some(100_000), Some(64_000), 64_000, &["max_tokens"]);
}

#[test]
fn sampling_follows_what_the_model_takes() {
    let check = |support: SamplingSupport,
                 temperature: f64,
                 top_p: f64,
                 expected: Value,
                 noted: &[&str]| {
        let mut request = hello();
        request.sampling.temperature = Some(temperature);
        request.sampling.top_p = Some(top_p);
        request.sampling.top_k = Some(5);
        let body = written_for(&request, &facts(|facts| facts.sampling = support));
        let found = json!([body.body["temperature"], body.body["top_p"], body.body["top_k"]]);
        assert_eq!(
            (&found, &*body.noted()),
            (&expected, noted),
            "{support:?} {temperature} {top_p}"
        );
    };
    check(SamplingSupport::All, 0.5, 0.9, json!([0.5, 0.9, 5]), &[]);
    check(SamplingSupport::All, 1.7, 0.9, json!([1.0, 0.9, 5]), &["temperature"]);
    check(SamplingSupport::NotBoth, 0.5, 0.9, json!([0.5, null, 5]), &["top_p"]);
    check(SamplingSupport::None, 1.0, 1.0, json!([null, null, null]), &["top_k"]);
    check(
        SamplingSupport::None,
        0.5,
        0.9,
        json!([null, null, null]),
        &["temperature", "top_p", "top_k"],
    );
}

#[test]
fn fields_without_an_equal_are_dropped_and_defaults_are_not_noted() {
    let mut request = hello();
    request.sampling.seed = Some(1);
    request.sampling.presence_penalty = Some(0.5);
    request.sampling.frequency_penalty = Some(0.5);
    request.sampling.logprobs = Some(true);
    request.sampling.n = Some(1);
    request.sampling.stop = vec!["END".to_owned(), "\n\n".to_owned()];
    request.sampling.logit_bias = Some(json!({"1": 2}));
    request.verbosity = Some("low".to_owned());
    request.metadata.insert("a".to_owned(), json!("b"));
    request.cache_key = Some("k".to_owned());
    request.service_tier = Some("default".to_owned());
    request.extra.insert("prediction".to_owned(), json!({}));
    let found = written(&request);
    let expected = [
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "logit_bias",
        "verbosity",
        "metadata",
        "prediction",
    ];
    assert_eq!(found.dropped(), expected);
    assert_eq!(found.body["stop_sequences"], json!(["END"]));
    assert_eq!(found.body["service_tier"], "standard_only");

    let mut request = hello();
    request.sampling.presence_penalty = Some(0.0);
    request.sampling.logprobs = Some(false);
    assert!(written(&request).noted().is_empty());
}

#[test]
fn several_answers_are_refused_and_all_refusals_come_at_once() {
    let mut request = hello();
    request.sampling.n = Some(2);
    request.audio = Some(crate::chat::AudioOutput::default());
    request.wants_images = true;
    request.extra.insert("moderation".to_owned(), json!({}));
    assert_eq!(refused(&request), ["n", "audio", "modalities", "moderation"]);
    request.origin = Some(WireFormat::Gemini);
    request.extra.clear();
    request.audio = None;
    request.wants_images = false;
    assert_eq!(refused(&request), ["generationConfig.candidateCount"]);
}

#[test]
fn service_tiers_are_those_of_the_vendor() {
    let check = |said: &str, expected: Option<&str>| {
        let mut request = hello();
        request.service_tier = Some(said.to_owned());
        let found = written(&request);
        assert_eq!(found.body["service_tier"].as_str(), expected, "{said}");
        assert_eq!(found.dropped().is_empty(), expected.is_some(), "{said}");
    };
    check("auto", Some("auto"));
    check("default", Some("standard_only"));
    check("priority", None);
}

#[test]
fn a_long_answer_is_asked_for_as_a_stream() {
    let check = |limit: Option<u64>, most: Option<u64>, is_streamed: bool| {
        let mut request = hello();
        request.max_output_tokens = limit;
        let facts = facts(|facts| facts.max_output_tokens = most);
        let target = Target::new("claude", &facts);
        let found = write(&request, &target, &mut Notes::default()).unwrap();
        assert_eq!(found.stream, is_streamed, "{limit:?} {most:?}");
        let body: Value = serde_json::from_slice(&found.body).unwrap();
        assert_eq!(body["stream"] == true, is_streamed, "{limit:?} {most:?}");
    };
    check(Some(21_000), None, false);
    check(Some(21_001), None, true);
    check(None, None, false);
    check(None, Some(64_000), true);
}

#[test]
fn own_extra_members_come_back() {
    let mut request = hello();
    request.origin = Some(WireFormat::Anthropic);
    request.extra.insert("mcp_servers".to_owned(), json!([{"name": "x"}]));
    let found = written(&request);
    assert_eq!(found.body["mcp_servers"], json!([{"name": "x"}]));
    assert!(found.noted().is_empty());
}

fn reasoning(amount: ReasoningAmount, control: ThinkingControl, limit: Option<u64>) -> Written {
    let mut request = ChatRequest { max_output_tokens: limit, ..hello() };
    request.reasoning.amount = amount;
    let facts = facts(|facts| {
        facts.thinking = control;
        facts.max_output_tokens = Some(64_000);
    });
    written_for(&request, &facts)
}

#[test]
fn budget_models_get_a_budget() {
    use ReasoningAmount::*;
    let check =
        |amount: ReasoningAmount, limit: Option<u64>, expected: Option<u64>, is_noted: bool| {
            let found = reasoning(amount.clone(), ThinkingControl::Budget, limit);
            let expected = expected
                .map_or(Value::Null, |budget| json!({"type": "enabled", "budget_tokens": budget}));
            assert_eq!(found.body["thinking"], expected, "{amount:?} {limit:?}");
            assert_eq!(!found.noted().is_empty(), is_noted, "{amount:?} {limit:?}");
            assert!(found.body["output_config"].is_null());
        };
    check(NotSaid, None, None, false);
    check(Off, None, None, false);
    check(Adaptive, None, Some(8192), true);
    check(Effort(crate::chat::Effort::Minimal), None, Some(1024), false);
    check(Effort(crate::chat::Effort::Low), None, Some(1024), false);
    check(Effort(crate::chat::Effort::Medium), None, Some(8192), false);
    check(Effort(crate::chat::Effort::High), None, Some(24_576), false);
    check(Effort(crate::chat::Effort::XHigh), None, Some(32_768), false);
    check(Effort(crate::chat::Effort::Max), None, Some(63_999), false);
    check(Budget(2000), Some(3000), Some(2000), false);
    check(Budget(500), None, Some(1024), true);
    check(Budget(9000), Some(5000), Some(4999), true);
    check(Budget(9000), Some(1024), None, true);
}

#[test]
fn adaptive_models_get_an_effort() {
    use ReasoningAmount::*;
    let check =
        |amount: ReasoningAmount, kind: Option<&str>, effort: Option<&str>, is_noted: bool| {
            let found = reasoning(amount.clone(), ThinkingControl::Adaptive, None);
            assert_eq!(found.body["thinking"]["type"].as_str(), kind, "{amount:?}");
            assert_eq!(found.body["output_config"]["effort"].as_str(), effort, "{amount:?}");
            assert_eq!(!found.noted().is_empty(), is_noted, "{amount:?}");
        };
    let adaptive = Some("adaptive");
    check(NotSaid, None, None, false);
    check(Off, Some("disabled"), None, false);
    check(Adaptive, adaptive, None, false);
    check(Effort(crate::chat::Effort::Minimal), adaptive, Some("low"), true);
    check(Effort(crate::chat::Effort::Low), adaptive, Some("low"), false);
    check(Effort(crate::chat::Effort::Medium), adaptive, Some("medium"), false);
    check(Effort(crate::chat::Effort::High), adaptive, Some("high"), false);
    check(Effort(crate::chat::Effort::XHigh), adaptive, Some("xhigh"), false);
    check(Effort(crate::chat::Effort::Max), adaptive, Some("max"), false);
    check(Budget(512), adaptive, Some("low"), true);
    check(Budget(4096), adaptive, Some("low"), true);
    check(Budget(8192), adaptive, Some("medium"), true);
    check(Budget(24_576), adaptive, Some("high"), true);
    check(Budget(40_000), adaptive, Some("xhigh"), true);
}

#[test]
fn unknown_models_get_what_was_asked_and_room_for_it() {
    let mut request = hello();
    request.reasoning.amount = ReasoningAmount::Effort(Effort::Medium);
    let found = written(&request);
    assert_eq!(found.body["thinking"], json!({"type": "enabled", "budget_tokens": 8192}));
    assert_eq!(found.body["max_tokens"], 8192 + 4096);
    request.reasoning.amount = ReasoningAmount::Off;
    assert_eq!(written(&request).body["thinking"], json!({"type": "disabled"}));
}

#[test]
fn models_that_do_not_reason_are_not_asked_to() {
    let asked = reasoning(ReasoningAmount::Effort(Effort::High), ThinkingControl::None, None);
    assert!(asked.body["thinking"].is_null());
    assert_eq!(asked.dropped(), ["reasoning_effort"]);
    let off = reasoning(ReasoningAmount::Off, ThinkingControl::None, None);
    assert!(off.noted().is_empty());
}

#[test]
fn a_budget_gives_way_to_forced_calls_and_unsigned_steps() {
    let facts = facts(|facts| facts.thinking = ThinkingControl::Budget);
    let mut forced = hello();
    forced.reasoning.amount = ReasoningAmount::Budget(2048);
    forced.tools = vec![tool("f", None)];
    assert_eq!(written_for(&forced, &facts).body["thinking"]["type"], "enabled");
    forced.tool_choice = ToolChoice::Required;
    let found = written_for(&forced, &facts);
    assert!(found.body["thinking"].is_null());
    assert_eq!(
        (found.body["max_tokens"].as_u64(), &*found.noted()),
        (Some(4096), &["reasoning_effort"][..])
    );

    let mut step = request(vec![
        text(Role::User, "go"),
        turn(Role::Assistant, vec![call("c1", "f", "{}")]),
        turn(Role::Tool, vec![result("c1", vec![])]),
    ]);
    step.reasoning.amount = ReasoningAmount::Budget(2048);
    assert!(written_for(&step, &facts).body["thinking"].is_null());
}

#[test]
fn a_model_that_always_thinks_does_the_least_it_can() {
    let facts = facts(|facts| {
        facts.thinking = ThinkingControl::Adaptive;
        facts.always_thinks = true;
    });
    let mut request = hello();
    request.reasoning.amount = ReasoningAmount::Off;

    let found = written_for(&request, &facts);

    assert_eq!(found.body["thinking"], json!({"type": "between_tools"}));
    assert_eq!(found.noted(), ["reasoning_effort"]);
}

#[test]
fn a_call_is_not_demanded_of_a_model_that_refuses_it() {
    let facts = facts(|facts| facts.no_forced_calls = true);
    let mut request = hello();
    request.tools = vec![tool("f", None)];
    request.tool_choice = ToolChoice::Auto;
    assert_eq!(written_for(&request, &facts).body["tool_choice"]["type"], "auto");

    request.tool_choice = ToolChoice::One("f".to_owned());
    let target = Target::new("m", &facts);
    let refused = write(&request, &target, &mut Notes::default());

    let error = refused.unwrap_err().to_string();
    assert!(error.starts_with("`tool_choice` cannot be sent"), "{error}");
}

#[test]
fn a_budget_excludes_other_sampling() {
    let facts = facts(|facts| facts.thinking = ThinkingControl::Budget);
    let mut request = hello();
    request.reasoning.amount = ReasoningAmount::Budget(2048);
    request.sampling.temperature = Some(0.2);
    request.sampling.top_p = Some(0.5);
    request.sampling.top_k = Some(3);
    let found = written_for(&request, &facts);
    assert_eq!(found.dropped(), ["temperature", "top_k", "top_p"]);
    request.sampling.top_p = Some(0.97);
    assert_eq!(written_for(&request, &facts).body["top_p"], 0.97);
}

#[test]
fn what_is_shown_is_said_only_if_the_client_did() {
    let check = |show: Option<bool>, expected: Option<&str>| {
        let mut request = hello();
        request.reasoning.amount = ReasoningAmount::Adaptive;
        request.reasoning.show = show;
        let facts = facts(|facts| facts.thinking = ThinkingControl::Adaptive);
        let found = written_for(&request, &facts);
        assert_eq!(found.body["thinking"]["display"].as_str(), expected);
    };
    check(None, None);
    check(Some(true), Some("summarized"));
    check(Some(false), Some("omitted"));
}

#[test]
fn reasoning_that_is_to_be_seen_is_asked_for() {
    let mut request = hello();
    request.reasoning.show = Some(true);
    let adaptive = facts(|facts| facts.thinking = ThinkingControl::Adaptive);
    let found = written_for(&request, &adaptive);
    assert_eq!(found.body["thinking"], json!({"type": "adaptive", "display": "summarized"}));

    request.reasoning.show = Some(false);
    assert!(written_for(&request, &adaptive).body["thinking"].is_null());
    let aftercare = sent(&request, &adaptive).aftercare;
    assert!(aftercare.hide_reasoning, "the model may think unasked");
}

#[test]
fn older_models_think_between_calls_only_with_a_beta() {
    let mut request = hello();
    request.reasoning.amount = ReasoningAmount::Budget(2048);
    let budget = facts(|facts| {
        facts.thinking = ThinkingControl::Budget;
        facts.max_output_tokens = Some(9000);
    });
    assert!(sent(&request, &budget).headers.is_empty());
    request.tools = vec![tool("f", None)];
    let beta = [("anthropic-beta", "interleaved-thinking-2025-05-14")];
    assert_eq!(sent(&request, &budget).headers, beta);
    let adaptive = facts(|facts| facts.thinking = ThinkingControl::Adaptive);
    assert!(sent(&request, &adaptive).headers.is_empty());
}

#[test]
fn the_form_of_the_answer_is_enforced_or_asked_for() {
    let schema = "{\"type\" : \"object\",\"additionalProperties\":false}";
    let mut request = hello();
    request.output = OutputFormat::JsonSchema {
        name: Some("n".to_owned()),
        description: None,
        schema: raw(schema),
        strict: Some(true),
    };

    let native = facts(|facts| facts.structured_output = true);
    let mut notes = Notes::default();
    let body = write(&request, &Target::new("m", &native), &mut notes).unwrap().body;
    let expected = format!(
        "\"output_config\":{{\"format\":{{\"type\":\"json_schema\",\"schema\":{schema}}}}}"
    );
    assert!(
        String::from_utf8(body).unwrap().contains(&expected),
        "the schema keeps its characters"
    );
    assert_eq!(notes, Notes::default());

    let forced = written(&request);
    assert!(forced.body["output_config"].is_null());
    let tools = &forced.body["tools"];
    assert_eq!(tools[0]["name"], "json_output");
    assert_eq!(tools[0]["input_schema"], serde_json::from_str::<Value>(schema).unwrap());
    assert_eq!(forced.body["tool_choice"]["name"], "json_output");
    assert_eq!(forced.noted(), ["response_format"]);
    let aftercare = sent(&request, &ModelFacts::default()).aftercare;
    assert_eq!(aftercare.answer_tool.as_deref(), Some("json_output"));

    let asked = |found: &Written| {
        assert!(found.body["system"][0]["text"].as_str().unwrap().ends_with(schema));
        assert_eq!(found.noted(), ["response_format"]);
    };
    let mut beside_tools = request.clone();
    beside_tools.tools = vec![tool("f", None)];
    asked(&written(&beside_tools));
    let mut thinking = request.clone();
    thinking.reasoning.amount = ReasoningAmount::Budget(2000);
    asked(&written_for(&thinking, &facts(|facts| facts.thinking = ThinkingControl::Budget)));

    request.output = OutputFormat::JsonObject;
    let object = written_for(&request, &native);
    assert!(object.body["system"][0]["text"].as_str().unwrap().contains("JSON object"));
}

#[test]
fn a_request_of_an_own_client_survives_reading_and_writing() {
    let body = json!({
        "model": "m", "max_tokens": 5000, "stream": true,
        "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "summarized"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "string"}}},
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "text", "text": "ok"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "r"}], "is_error": true},
                {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            ]},
        ],
    });
    let bytes = body.to_string().into_bytes();
    let peek = crate::splice::peek_body(&bytes).unwrap();
    let request = crate::anthropic::request::read(&bytes, &peek).unwrap();
    let native = facts(|facts| {
        facts.structured_output = true;
        facts.thinking = ThinkingControl::Budget;
    });

    let mut found = written_for(&request, &native);
    found.body["model"] = json!("m");
    assert_eq!(found.body, body);
    assert!(found.noted().is_empty(), "{:?}", found.notes);
}
