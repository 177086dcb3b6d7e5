use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::WireFormat;
use crate::chat::{
    AudioOutput, CallKind, ChatRequest, Effort, Media, MediaSource, Opaque, OpaqueKind, Origin,
    Part, PartKind, RawJson, Reasoning, ReasoningAmount, Role, Sampling, Tool, ToolChoice,
    ToolKind, Turn, Vendor, WebSearch,
};
use crate::codec::{Codec, Target, WireError, Written};
use crate::envelope::family;
use crate::model_facts::{ModelFacts, SamplingSupport};
use crate::notes::{Mark, Notes};
use crate::openai_chat::OpenAiChat;

fn raw(json: &str) -> RawJson {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts, name: None }
}

fn user(text: &str) -> Turn {
    turn(Role::User, vec![Part::text(text)])
}

fn call(id: &str, name: &str, kind: CallKind, arguments: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        arguments: arguments.to_owned(),
    })
}

fn result(id: &str, text: &str) -> Part {
    let (call, parts) = (id.to_owned(), vec![Part::text(text)]);
    Part::new(PartKind::ToolResult { call, name: None, parts, is_error: None })
}

fn thought(text: &str, vendor: Option<Vendor>) -> Part {
    let mut part = Part::new(PartKind::Reasoning(text.to_owned()));
    part.opaque = vendor.map(|vendor| Opaque::new(vendor, OpaqueKind::Signature, "c2ln"));
    part
}

fn tool(name: &str, kind: ToolKind) -> Tool {
    let name = name.to_owned();
    Tool { name, description: None, schema: None, strict: None, cache: None, kind }
}

/// A request of an Anthropic client.
fn of(turns: Vec<Turn>) -> ChatRequest {
    ChatRequest { origin: Some(WireFormat::Anthropic), turns, ..ChatRequest::default() }
}

/// What was written, what it asks of the reply, and the notes as `≈name` and `✗name`.
fn write(request: &ChatRequest, facts: &ModelFacts) -> (Value, Written, Vec<String>) {
    let mut notes = Notes::default();
    let target = Target::new("m2", facts);
    let written = OpenAiChat.write_request(request, &target, &mut notes).unwrap();
    let shown = notes.entries().iter().map(|note| {
        let mark = if note.mark == Mark::Dropped { '✗' } else { '≈' };
        format!("{mark}{}", note.field)
    });
    (serde_json::from_slice(&written.body).unwrap(), written.clone(), shown.collect())
}

fn refused(request: &ChatRequest) -> Vec<String> {
    let facts = ModelFacts::default();
    let target = Target::new("m2", &facts);
    let fault = OpenAiChat.write_request(request, &target, &mut Notes::default()).unwrap_err();
    let WireError::Unsupported { fields } = fault else { panic!("{fault}") };
    fields.into_iter().map(|(name, _)| name).collect()
}

fn openai() -> ModelFacts {
    ModelFacts { max_completion_tokens: true, custom_tools: true, ..ModelFacts::default() }
}

#[test]
fn custom_tools_are_functions_of_one_text_where_the_model_knows_no_other() {
    let format = Some(raw(r#"{"type":"grammar","syntax":"lark","definition":"start: A"}"#));
    let mut request = of(vec![
        user("a"),
        turn(Role::Assistant, vec![call("c", "patch", CallKind::Custom, "x\n\"y\"")]),
        turn(Role::User, vec![result("c", "ok")]),
    ]);
    request.tools.push(tool("patch", ToolKind::Custom { format }));
    request.tool_choice = ToolChoice::One("patch".to_owned());

    let (body, written, notes) = write(&request, &ModelFacts::default());
    let function = &body["tools"][0]["function"];
    assert_eq!(function["parameters"]["required"], json!(["input"]));
    assert!(function["description"].as_str().unwrap().ends_with("start: A"));
    let arguments = &body["messages"][1]["tool_calls"][0]["function"]["arguments"];
    assert_eq!(arguments, r#"{"input":"x\n\"y\""}"#);
    assert_eq!(body["tool_choice"]["type"], "function");
    assert_eq!(written.aftercare.custom.into_iter().collect::<Vec<_>>(), ["patch"]);
    assert_eq!(notes, ["≈tool_use.input", "≈tools"]);

    let (body, written, notes) = write(&request, &openai());
    assert_eq!(
        body["tools"][0],
        json!({"type": "custom", "custom": {"name": "patch", "format":
            {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}}}})
    );
    assert_eq!(body["messages"][1]["tool_calls"][0]["custom"]["input"], "x\n\"y\"");
    assert_eq!(body["tool_choice"], json!({"type": "custom", "custom": {"name": "patch"}}));
    assert!(written.aftercare.is_empty() && notes.is_empty(), "{notes:?}");
}

#[test]
fn names_that_are_illegal_here_change_everywhere_and_are_remembered() {
    let mut request = of(vec![
        user("a"),
        turn(Role::Assistant, vec![call("c", "fs.read", CallKind::Function, "{}")]),
        turn(Role::User, vec![result("c", "ok")]),
    ]);
    request.tools.push(tool("fs.read", ToolKind::Function));
    request.tool_choice = ToolChoice::One("fs.read".to_owned());

    let (body, written, _) = write(&request, &ModelFacts::default());

    let sent = body["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(sent.starts_with("fs_read_"), "{sent}");
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["name"], sent);
    assert_eq!(body["tool_choice"]["function"]["name"], sent);
    assert_eq!(written.aftercare.names.get(sent).map(String::as_str), Some("fs.read"));

    request.tools.push(tool("fs.read", ToolKind::Function));
    assert_eq!(refused(&request), ["tools"], "two tools of one name");
}

#[test]
fn stops_beyond_what_the_model_takes_are_watched_for() {
    let stop: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let mut request = of(vec![user("a")]);
    request.sampling = Sampling { stop, ..Sampling::default() };
    request.reasoning = Reasoning { show: Some(false), ..Reasoning::default() };

    let (body, written, notes) = write(&request, &ModelFacts::default());
    assert_eq!(body["stop"], json!(["a", "b", "c", "d"]));
    assert_eq!(written.aftercare.stop, ["e"]);
    assert!(written.aftercare.hide_reasoning);
    assert_eq!(notes, ["≈stop_sequences"]);

    let facts = ModelFacts { sampling: SamplingSupport::None, ..ModelFacts::default() };
    let (body, written, _) = write(&request, &facts);
    assert!(body.get("stop").is_none());
    assert_eq!(written.aftercare.stop.len(), 5);
}

#[test]
fn only_reasoning_that_is_nobodys_secret_is_sent_back_and_only_if_wanted() {
    let check = |vendor: Option<Vendor>, echo: bool, expected: Value, notes: &[&str]| {
        let parts = vec![thought("hm", vendor), Part::text("b")];
        let request = of(vec![user("a"), turn(Role::Assistant, parts), user("c")]);
        let facts = ModelFacts { reasoning_echo: echo, ..ModelFacts::default() };
        let (body, _, noted) = write(&request, &facts);
        let sent = body["messages"][1].get("reasoning_content").cloned().unwrap_or_default();
        assert_eq!(sent, expected, "{vendor:?}");
        assert_eq!(noted, notes, "{vendor:?}");
    };
    let lost: &[&str] = &["✗messages[].content[].thinking"];
    check(None, true, "hm".into(), &[]);
    check(Some(Vendor::Plain), true, "hm".into(), &[]);
    check(Some(Vendor::Anthropic), true, Value::Null, lost);
    check(Some(Vendor::OpenAi), true, Value::Null, lost);
    check(None, false, Value::Null, lost);
}

#[test]
fn what_this_target_signed_goes_back_to_it() {
    let sealed = |vendor, kind, data: &str, account| {
        let origin = Some(Origin { family: family("m2").to_owned(), account });
        let mut part = Part::new(PartKind::Reasoning("hm".to_owned()));
        part.opaque = Some(Opaque { origin, ..Opaque::new(vendor, kind, data) });
        part
    };
    let request = |account| {
        let parts = vec![
            sealed(Vendor::Anthropic, OpaqueKind::Signature, "a", account),
            sealed(Vendor::Google, OpaqueKind::Signature, "g", account),
            call("c", "f", CallKind::Function, "{}"),
        ];
        of(vec![user("a"), turn(Role::Assistant, parts), turn(Role::User, vec![result("c", "r")])])
    };

    let (body, _, notes) = write(&request(0), &ModelFacts::default());
    let answer = &body["messages"][1];
    assert_eq!(answer["reasoning_details"][0]["signature"], "a");
    assert_eq!(answer["reasoning_details"][0]["text"], "hm");
    let extra = &answer["tool_calls"][0]["extra_content"];
    assert_eq!(*extra, json!({"google": {"thought_signature": "g"}}));
    assert!(notes.is_empty(), "{notes:?}");

    let (body, _, notes) = write(&request(7), &ModelFacts::default());
    let answer = &body["messages"][1];
    assert!(answer.get("reasoning_details").is_none(), "another account's: {answer}");
    assert!(answer["tool_calls"][0].get("extra_content").is_none());
    assert_eq!(notes, ["✗messages[].content[].thinking"]);
}

#[test]
fn a_web_search_goes_over_where_the_model_has_one() {
    let search = WebSearch {
        location: Some(json!({"type": "approximate", "city": "Bonn"})),
        ..WebSearch::default()
    };
    let kind = ToolKind::WebSearch { format: WireFormat::Anthropic, raw: raw("{}"), search };
    let mut request = of(vec![user("a")]);
    request.tools.push(tool("web_search", kind));

    assert_eq!(refused(&request), ["tools"]);
    let facts = ModelFacts { web_search_options: true, ..ModelFacts::default() };
    let (body, _, notes) = write(&request, &facts);
    let place = json!({"type": "approximate", "approximate": {"city": "Bonn"}});
    assert_eq!(body["web_search_options"], json!({"user_location": place}));
    assert!(body.get("tools").is_none());
    assert_eq!(notes, ["≈tools"]);

    let kind = ToolKind::Server { format: WireFormat::Anthropic, raw: raw("{}") };
    request.tools = vec![tool("code_execution", kind)];
    assert_eq!(refused(&request), ["tools"]);
}

#[test]
fn who_asks_and_how_is_told_to_openai_alone() {
    let mut request = of(vec![user("a")]);
    request.end_user = Some("account-7".to_owned());
    request.metadata.insert("team".to_owned(), "post".into());
    request.cache_key = Some("k".to_owned());
    request.service_tier = Some("flex".to_owned());
    request.verbosity = Some("low".to_owned());

    let (body, _, notes) = write(&request, &openai());
    assert_eq!(body["safety_identifier"].as_str().map(str::len), Some(64), "a hash");
    assert_eq!(
        (&body["metadata"]["team"], &body["prompt_cache_key"]),
        (&json!("post"), &json!("k"))
    );
    assert_eq!((&body["service_tier"], &body["verbosity"]), (&json!("flex"), &json!("low")));
    assert!(notes.is_empty());

    let (body, _, notes) = write(&request, &ModelFacts::default());
    assert_eq!(body.as_object().unwrap().len(), 2, "model and messages: {body}");
    assert_eq!(notes, ["✗verbosity", "✗metadata.user_id", "✗metadata", "✗service_tier"]);

    request.origin = Some(WireFormat::OpenAiResponses);
    assert_eq!(write(&request, &openai()).0["safety_identifier"], "account-7", "same vendor");
}

#[test]
fn sound_and_pictures_are_asked_for() {
    let mut request = of(vec![user("a")]);
    request.audio = Some(AudioOutput { voice: Some("Kore".to_owned()), format: None });
    let (body, _, _) = write(&request, &ModelFacts::default());
    assert_eq!(body["modalities"], json!(["text", "audio"]));
    assert_eq!(body["audio"], json!({"voice": "alloy", "format": "wav"}));

    request.audio = None;
    request.wants_images = true;
    assert_eq!(refused(&request), ["modalities"]);
    let facts = ModelFacts { image_output: true, ..ModelFacts::default() };
    assert_eq!(write(&request, &facts).0["modalities"], json!(["text", "image"]));
}

#[test]
fn results_follow_their_calls_and_neighbours_of_the_model_are_one_message() {
    let request = of(vec![
        user("a"),
        turn(Role::Assistant, vec![Part::text("one")]),
        turn(Role::Assistant, vec![call("c1", "f", CallKind::Function, "")]),
        turn(Role::Assistant, vec![call("c2", "f", CallKind::Function, "{}")]),
        turn(Role::User, vec![result("c1", "r1"), Part::text("wait")]),
        turn(Role::System, vec![Part::text("s")]),
        turn(Role::Tool, vec![result("c2", "r2")]),
    ]);

    let (body, _, _) = write(&request, &ModelFacts::default());

    let shown: Vec<String> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| format!("{}:{}", message["role"].as_str().unwrap(), message["content"]))
        .collect();
    let expected = [
        r#"user:"a""#,
        r#"assistant:"one""#,
        r#"tool:"r1""#,
        r#"tool:"r2""#,
        r#"user:"wait""#,
        r#"system:"s""#,
    ];
    assert_eq!(shown, expected);
    assert_eq!(body["messages"][1]["tool_calls"].as_array().map(Vec::len), Some(2));
}

#[test]
fn at_most_four_cache_marks_go_out_and_the_later_ones_count_for_more() {
    let marked = |text: &str, ttl: &str| {
        let mut part = Part::text(text);
        part.cache = Some(json!({"type": "ephemeral", "ttl": ttl}));
        part
    };
    let mut turns = vec![turn(Role::System, vec![marked("s1", "1h"), marked("s2", "1h")])];
    turns.extend((0..4).map(|n| turn(Role::User, vec![marked(&format!("u{n}"), "5m")])));
    let request = of(turns);

    let facts = ModelFacts { cache_breakpoints: true, ..ModelFacts::default() };
    let (body, _, notes) = write(&request, &facts);
    let texts: Vec<String> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| {
            let part = message["content"].get(0)?;
            let ttl = part["prompt_cache_breakpoint"]["ttl"].as_str()?;
            Some(format!("{} {ttl}", part["text"].as_str()?))
        })
        .collect();
    assert_eq!(texts, ["s2 12h", "u1 30m", "u2 30m", "u3 30m"]);
    assert_eq!(notes, ["≈cache_control"]);

    let (body, _, notes) = write(&request, &ModelFacts::default());
    assert_eq!((&body["messages"][0]["content"], notes.len()), (&json!("s1"), 0));
}

#[test]
fn ids_are_as_short_as_the_model_wants_them() {
    let step = |id: &str| {
        let asked = turn(Role::Assistant, vec![call(id, "f", CallKind::Function, "{}")]);
        of(vec![user("go"), asked, turn(Role::Tool, vec![result(id, "done")])])
    };
    let facts = ModelFacts { short_call_ids: true, ..ModelFacts::default() };
    for id in ["toolu_01", "D681PevKs"] {
        let (body, ..) = write(&step(id), &facts);
        let sent = body["messages"][1]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(body["messages"][2]["tool_call_id"], sent.as_str(), "{id:?}");
        assert_eq!(sent.len(), 9, "{id:?}");
    }
}

#[test]
fn a_call_without_reasoning_goes_to_a_model_that_wants_some() {
    let asked = turn(Role::Assistant, vec![call("c1", "f", CallKind::Function, "{}")]);
    let request = of(vec![user("go"), asked, turn(Role::Tool, vec![result("c1", "done")])]);
    let check = |echo: bool, expected: Value, noted: &[&str]| {
        let facts = ModelFacts { reasoning_echo: echo, ..ModelFacts::default() };
        let (body, _, notes) = write(&request, &facts);
        assert_eq!(body["messages"][1]["reasoning_content"], expected);
        assert_eq!(notes, noted);
    };
    check(true, json!(" "), &["≈messages[].content[].thinking"]);
    check(false, Value::Null, &[]);
}

#[test]
fn tools_count_more_than_reasoning_where_they_exclude_each_other() {
    let facts = ModelFacts { no_reasoning_with_tools: true, ..openai() };
    let mut request = of(vec![user("go")]);
    request.reasoning.amount = ReasoningAmount::Effort(Effort::High);
    assert_eq!(write(&request, &facts).0["reasoning_effort"], "high");

    request.tools = vec![tool("f", ToolKind::Function)];
    let (body, _, notes) = write(&request, &facts);

    assert_eq!(body["reasoning_effort"], "none");
    assert_eq!(notes, ["≈thinking"]);
    request.reasoning.amount = ReasoningAmount::NotSaid;
    assert!(write(&request, &facts).0["reasoning_effort"].is_null());
}

#[test]
fn files_that_cannot_be_sent_are_refused_and_texts_are_said() {
    let media = |mime: &str, source| Media {
        mime: mime.to_owned(),
        source,
        detail: None,
        name: Some("Title".to_owned()),
    };
    let check = |kind: PartKind, expected: &str| {
        let request = of(vec![turn(Role::User, vec![Part::text("a"), Part::new(kind)])]);
        assert_eq!(refused(&request), [expected]);
    };
    let url = || MediaSource::Url("https://x/y.pdf".to_owned());
    let id = || MediaSource::FileId("file_1".to_owned());
    check(PartKind::Document(media("", url())), "document");
    check(PartKind::Document(media("", id())), "document");
    check(PartKind::Image(media("", id())), "image");
    check(PartKind::Audio(media("audio/ogg", MediaSource::Base64("AAAA".to_owned()))), "audio");
    check(PartKind::Video(media("video/mp4", url())), "video");

    let text = media("text/plain", MediaSource::Text("body".to_owned()));
    let result = PartKind::Server {
        format: WireFormat::Gemini,
        raw: raw(r#"{"codeExecutionResult":{"output":"42"}}"#),
    };
    let request = of(vec![
        turn(Role::User, vec![Part::new(PartKind::Document(text))]),
        turn(Role::Assistant, vec![Part::new(result), Part::text("done")]),
        user("b"),
    ]);
    let (body, _, notes) = write(&request, &ModelFacts::default());
    assert_eq!(body["messages"][0]["content"], "Title\n\nbody");
    assert_eq!(body["messages"][1]["content"], "42\n\ndone");
    assert_eq!(notes, ["≈document", "≈server tool blocks"]);
}

#[test]
fn strict_tools_are_fitted_to_openais_strict_mode() {
    let check = |schema: &str, strict: bool, notes: &[&str]| {
        let mut request = of(vec![user("a")]);
        let known = Some(raw(schema));
        let plain = tool("f", ToolKind::Function);
        request.tools.push(Tool { schema: known, strict: Some(true), ..plain });
        let (body, _, noted) = write(&request, &ModelFacts::default());
        assert_eq!(body["tools"][0]["function"]["strict"], strict, "{schema}");
        assert_eq!(noted, notes, "{schema}");
        let known: Value = serde_json::from_str(schema).unwrap();
        let is_as_written = body["tools"][0]["function"]["parameters"] == known;
        assert_eq!(is_as_written, notes.is_empty() || !strict, "{schema}");
    };
    check(r#"{"type":"object","properties":{},"additionalProperties":false}"#, true, &[]);
    check(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#, true, &["≈tools[].strict"]);
    check(r#"{"type":"object","additionalProperties":true}"#, false, &["≈tools[].strict"]);
}

/// One step of a conversation: what the model said and what was said to it then.
fn step() -> impl Strategy<Value = Vec<Turn>> {
    let answer = prop::collection::vec(0_u8..4, 1..4);
    (answer, 0_u8..8).prop_map(|(answer, then)| {
        let mut results = Vec::new();
        let parts = answer.iter().enumerate().map(|(place, kind)| match kind {
            0 => Part::text("text"),
            1 => thought("hm", Some(Vendor::Anthropic)),
            _ => {
                let id = if *kind == 2 { String::new() } else { format!("call_{place}") };
                let mut answered = result(&id, "r");
                if let PartKind::ToolResult { name, parts, .. } = &mut answered.kind {
                    *name = Some("f.g".to_owned());
                    parts.push(Part::text("more"));
                }
                results.push(answered);
                call(&id, "f.g", CallKind::Function, "{}")
            }
        });
        let mut turns = vec![turn(Role::Assistant, parts.collect())];
        if then & 1 == 0 {
            results.push(Part::text("go on"));
        }
        turns.push(turn(Role::User, results));
        if then & 2 == 0 {
            turns.push(turn(Role::System, vec![Part::text("late")]));
        }
        turns.push(user("and"));
        turns
    })
}

proptest! {
    #[test]
    fn a_longer_conversation_begins_with_the_shorter_one(
        steps in prop::collection::vec(step(), 1..6),
        own in any::<bool>(),
    ) {
        let facts = ModelFacts { reasoning_echo: own, ..ModelFacts::default() };
        let written = |count: usize| {
            let mut turns = vec![turn(Role::System, vec![Part::text("s")]), user("a")];
            turns.extend(steps[..count].iter().flatten().cloned());
            let mut request = of(turns);
            if own {
                request.origin = Some(WireFormat::OpenAiChat);
            }
            let target = Target::new("m", &facts);
            let written = OpenAiChat.write_request(&request, &target, &mut Notes::default());
            String::from_utf8(written.unwrap().body).unwrap()
        };
        for count in 0..steps.len() {
            let (short, long) = (written(count), written(count + 1));
            prop_assert!(long.starts_with(short.trim_end_matches("]}")), "{short}\n{long}");
        }
    }
}
