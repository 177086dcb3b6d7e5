use super::*;

#[test]
fn settings_are_carried() {
    let mut request = hi();
    request.delivery.stream = true;
    request.sampling = Sampling {
        temperature: Some(0.5),
        top_p: Some(0.9),
        logprobs: Some(true),
        top_logprobs: Some(3),
        ..Sampling::default()
    };
    request.max_output_tokens = Some(900);
    request.end_user = Some("u".to_owned());
    request.metadata.insert("a".to_owned(), json!("b"));
    request.cache_key = Some("k".to_owned());
    request.cache_retention = Some("24h".to_owned());
    request.service_tier = Some("flex".to_owned());
    request.verbosity = Some("low".to_owned());
    request.output = OutputFormat::JsonObject;

    let (body, notes) = written(&request);

    assert_eq!(
        body,
        json!({
            "model": "gpt-5",
            "stream": true,
            "store": false,
            "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
            "max_output_tokens": 900,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_logprobs": 3,
            "text": {"format": {"type": "json_object"}, "verbosity": "low"},
            "safety_identifier": "u",
            "metadata": {"a": "b"},
            "prompt_cache_key": "k",
            "prompt_cache_retention": "24h",
            "service_tier": "flex",
            "input": [{"type": "message", "role": "user", "content": "hi"}],
        })
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn what_this_format_has_not_is_noted_and_stops_are_cut_here() {
    let mut request = hi();
    request.sampling = Sampling {
        top_k: Some(5),
        seed: Some(1),
        presence_penalty: Some(0.5),
        frequency_penalty: Some(0.0),
        logit_bias: Some(json!({"1": 5})),
        stop: vec!["END".to_owned()],
        n: Some(1),
        ..Sampling::default()
    };

    let (body, notes, aftercare) = write(&request, &ModelFacts::default());

    assert_eq!(notes, ["~stop", "-top_k", "-seed", "-presence_penalty", "-logit_bias"]);
    assert_eq!(aftercare.stop, ["END"]);
    assert!(body.get("stop").is_none() && body.get("seed").is_none());
}

#[test]
fn what_would_change_the_answer_is_refused_by_the_clients_name() {
    let check = |origin, change: fn(&mut ChatRequest), field: &str| {
        let mut request = hi();
        request.origin = Some(origin);
        change(&mut request);
        assert_eq!(refusals(&request), [field]);
    };
    check(WireFormat::OpenAiChat, |request| request.sampling.n = Some(2), "n");
    check(
        WireFormat::Gemini,
        |request| request.sampling.n = Some(2),
        "generationConfig.candidateCount",
    );
    check(WireFormat::Anthropic, |request| request.max_output_tokens = Some(0), "max_tokens");
    check(
        WireFormat::OpenAiChat,
        |request| request.audio = Some(AudioOutput::default()),
        "modalities",
    );
    check(
        WireFormat::Gemini,
        |request| drop(request.extra.insert("cachedContent".to_owned(), json!("c"))),
        "cachedContent",
    );
}

#[test]
fn members_of_others_are_sent_dropped_or_silent() {
    let mut request = hi();
    request.extra.insert("store".to_owned(), json!(true));
    request.extra.insert("moderation".to_owned(), json!({"model": "x"}));
    request.extra.insert("prediction".to_owned(), json!({}));

    let (body, notes) = written(&request);

    assert_eq!((&body["store"], &body["moderation"]), (&json!(false), &json!({"model": "x"})));
    assert_eq!(notes, ["-prediction"]);
}

#[test]
fn its_own_members_come_back_to_their_places() {
    let mut request = hi();
    request.origin = Some(WireFormat::OpenAiResponses);
    request.reasoning.amount = ReasoningAmount::Effort(Effort::Low);
    request.extra.insert("truncation".to_owned(), json!("auto"));
    request.extra.insert("reasoning.mode".to_owned(), json!("pro"));
    request.extra.insert("include".to_owned(), json!(["web_search_call.results"]));

    let (body, notes) = written(&request);

    assert_eq!(body["truncation"], "auto");
    assert_eq!(body["reasoning"], json!({"effort": "low", "mode": "pro"}));
    assert_eq!(body["include"], json!(["reasoning.encrypted_content", "web_search_call.results"]));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn limits_are_fitted() {
    let check = |said: u64, expected: u64, note: &[&str]| {
        let mut request = hi();
        request.max_output_tokens = Some(said);
        let facts = ModelFacts { max_output_tokens: Some(500), ..ModelFacts::default() };
        let (body, notes, _) = write(&request, &facts);
        assert_eq!(
            (&body["max_output_tokens"], notes.as_slice()),
            (&json!(expected), &*strings(note))
        );
    };
    check(400, 400, &[]);
    check(900, 500, &["~max_tokens"]);
    check(5, 16, &["~max_tokens"]);
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn facts_decide_what_sampling_is_left() {
    let mut request = hi();
    request.sampling.temperature = Some(0.2);
    request.sampling.top_p = Some(1.0);
    request.sampling.logprobs = Some(true);
    let check = |sampling, temperature: Value, top_p: Value, note: &[&str]| {
        let facts = ModelFacts { sampling, ..ModelFacts::default() };
        let (body, notes, _) = write(&request, &facts);
        assert_eq!((&body["temperature"], &body["top_p"]), (&temperature, &top_p));
        assert_eq!(notes, strings(note));
    };
    check(SamplingSupport::All, json!(0.2), json!(1.0), &[]);
    check(SamplingSupport::NotBoth, json!(0.2), Value::Null, &["-top_p"]);
    check(SamplingSupport::None, Value::Null, Value::Null, &["-temperature", "-logprobs"]);
}

#[test]
fn amounts_of_reasoning_become_efforts() {
    let check = |amount: ReasoningAmount, expected: Value, note: &[&str]| {
        let mut request = hi();
        request.origin = Some(WireFormat::Gemini);
        request.reasoning.amount = amount;
        let (body, notes) = written(&request);
        assert_eq!((&body["reasoning"], notes), (&expected, strings(note)));
    };
    let budget = "~generationConfig.thinkingConfig";
    check(ReasoningAmount::NotSaid, Value::Null, &[]);
    check(ReasoningAmount::Adaptive, Value::Null, &[]);
    check(ReasoningAmount::Off, json!({"effort": "none"}), &[]);
    check(ReasoningAmount::Effort(Effort::Max), json!({"effort": "max"}), &[]);
    check(ReasoningAmount::Budget(8192), json!({"effort": "medium"}), &[budget]);
}

#[test]
fn a_summary_is_asked_for_where_the_client_shall_see_it() {
    let effort = || ReasoningAmount::Effort(Effort::Low);
    let check = |origin, amount: ReasoningAmount, show: Option<bool>, expected: bool| {
        let mut request = hi();
        request.origin = Some(origin);
        request.reasoning.amount = amount;
        request.reasoning.show = show;
        let (body, _, aftercare) = write(&request, &ModelFacts::default());
        let asked = body["reasoning"]["summary"] == "auto";
        assert_eq!(asked, expected, "{origin}: {:?}", request.reasoning);
        assert_eq!(aftercare.hide_reasoning, show == Some(false));
    };
    check(WireFormat::OpenAiChat, effort(), None, true);
    check(WireFormat::OpenAiChat, effort(), Some(false), false);
    check(WireFormat::OpenAiChat, ReasoningAmount::NotSaid, None, false);
    check(WireFormat::OpenAiChat, ReasoningAmount::Off, Some(true), false);
    check(WireFormat::Anthropic, ReasoningAmount::Budget(2000), None, true);
    check(WireFormat::Anthropic, ReasoningAmount::Adaptive, None, false);
    check(WireFormat::Anthropic, ReasoningAmount::Adaptive, Some(true), true);
    check(WireFormat::Gemini, ReasoningAmount::NotSaid, Some(true), true);
    check(WireFormat::Gemini, effort(), None, false);
    check(WireFormat::OpenAiResponses, effort(), None, false);
}

#[test]
fn a_model_that_does_not_reason_is_not_asked_to() {
    let mut request = hi();
    request.reasoning.amount = ReasoningAmount::Effort(Effort::Low);
    let facts = ModelFacts { thinking: ThinkingControl::None, ..ModelFacts::default() };

    let (body, notes, _) = write(&request, &facts);

    assert!(body.get("reasoning").is_none() && body.get("include").is_none(), "{body}");
    assert_eq!(notes, ["-reasoning_effort"]);
}

#[test]
fn end_users_of_other_vendors_are_hashed() {
    let check = |origin, user: &str, length: usize| {
        let mut request = hi();
        request.origin = Some(origin);
        request.end_user = Some(user.to_owned());
        let (body, _) = written(&request);
        let sent = body["safety_identifier"].as_str().unwrap();
        assert_eq!((sent.len(), sent == user), (length, length != 64), "{sent}");
    };
    check(WireFormat::OpenAiChat, "u", 1);
    check(WireFormat::Anthropic, "user_account_session", 64);
    check(WireFormat::OpenAiChat, &"u".repeat(129), 64);
}

#[test]
fn a_schema_has_a_name_and_is_fitted_only_if_strict() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let map = json!({"type": "object", "additionalProperties": true});
    let check = |name: Option<&str>, strict, schema: &Value, expected: Value, note: &[&str]| {
        let mut request = hi();
        request.output = OutputFormat::JsonSchema {
            name: name.map(str::to_owned),
            description: None,
            schema: raw(schema),
            strict,
        };
        let (body, notes) = written(&request);
        assert_eq!((&body["text"]["format"], notes), (&expected, strings(note)));
    };
    let kind = "json_schema";
    check(None, None, &schema, json!({"type": kind, "name": "response", "schema": schema}), &[]);
    check(
        Some("n"),
        Some(false),
        &schema,
        json!({"type": kind, "name": "n", "strict": false, "schema": schema}),
        &[],
    );
    let fitted = json!({
        "type": "object", "properties": {"a": {"type": ["string", "null"]}},
        "additionalProperties": false, "required": ["a"],
    });
    let note = "~response_format.json_schema.strict";
    check(
        Some("n"),
        Some(true),
        &schema,
        json!({"type": kind, "name": "n", "strict": true, "schema": fitted}),
        &[note],
    );
    check(
        Some("n"),
        Some(true),
        &map,
        json!({"type": kind, "name": "n", "strict": false, "schema": map}),
        &[note],
    );
}
