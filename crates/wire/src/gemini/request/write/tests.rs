use proptest::prelude::*;
use serde_json::json;
use serde_json::value::RawValue;

use serde_json::Value;

use super::*;
use crate::WireFormat;
use crate::chat::{
    Effort, Media, MediaSource, Opaque, OpaqueKind, OutputFormat, Part, PartKind, ReasoningAmount,
    Role, Tool, ToolChoice, ToolKind, Turn, Vendor,
};
use crate::codec::Target;
use crate::model_facts::{ModelFacts, SamplingSupport, ThinkingControl};
use crate::notes::Mark;

mod options;

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts, name: None }
}

fn user(text: &str) -> Turn {
    turn(Role::User, vec![Part::text(text)])
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: crate::chat::CallKind::Function,
        arguments: arguments.to_owned(),
    })
}

fn result(call: &str, text: &str) -> Part {
    Part::new(PartKind::ToolResult {
        call: call.to_owned(),
        name: None,
        parts: vec![Part::text(text)],
        is_error: None,
    })
}

fn signed(mut part: Part, vendor: Vendor) -> Part {
    part.opaque = Some(Opaque::new(vendor, OpaqueKind::Signature, "c2ln"));
    part
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn tool(name: &str, schema: Option<Value>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("d".to_owned()),
        schema: schema.map(|schema| raw(&schema)),
        strict: None,
        cache: None,
        kind: ToolKind::Function,
    }
}

fn chat(turns: Vec<Turn>) -> ChatRequest {
    ChatRequest { origin: Some(WireFormat::OpenAiChat), turns, ..ChatRequest::default() }
}

fn hi() -> ChatRequest {
    chat(vec![user("hi")])
}

fn thinking(thinking: ThinkingControl) -> ModelFacts {
    ModelFacts { thinking, ..ModelFacts::default() }
}

/// Writes a request and returns the body and the notes as `~field` and `-field`.
fn written(request: &ChatRequest, facts: &ModelFacts) -> (Value, Vec<String>) {
    let mut notes = Notes::default();
    let body = super::write(request, &Target::new("m", facts), &mut notes).unwrap().body;
    let marks = notes.entries().iter().map(|note| {
        let mark = if note.mark == Mark::Dropped { '-' } else { '~' };
        format!("{mark}{}", note.field)
    });
    (serde_json::from_slice(&body).unwrap(), marks.collect())
}

fn contents_of(turns: Vec<Turn>, facts: &ModelFacts) -> Value {
    written(&chat(turns), facts).0["contents"].take()
}

fn refusals(request: &ChatRequest) -> Vec<String> {
    let outcome =
        super::write(request, &Target::new("m", &ModelFacts::default()), &mut Notes::default());
    match outcome.unwrap_err() {
        WireError::Unsupported { fields } => fields.into_iter().map(|(field, _)| field).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn leading_instructions_are_lifted_and_later_ones_stay_in_place() {
    let turns = vec![
        turn(Role::System, vec![Part::text("a"), Part::text("")]),
        turn(Role::Developer, vec![Part::text("b")]),
        user("hi"),
        turn(Role::Assistant, vec![Part::text("hello")]),
        turn(Role::System, vec![Part::text("be brief")]),
        user("go on"),
    ];
    let (body, notes) = written(&chat(turns), &ModelFacts::default());
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "a"}, {"text": "b"}]}));
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "hello"}]},
            {"role": "user", "parts": [{"text": "<system>\nbe brief\n</system>"}, {"text": "go on"}]}
        ])
    );
    assert_eq!(notes, ["~messages[].role"]);
}

#[test]
fn results_stand_first_in_call_order_in_one_content() {
    let turns = vec![
        user("hi"),
        turn(
            Role::Assistant,
            vec![Part::text("x"), call("a", "f", "{\"n\":1.0}"), call("b", "g", "")],
        ),
        turn(Role::Tool, vec![result("b", "second")]),
        user("and quick"),
        turn(Role::Tool, vec![result("a", "first")]),
    ];
    assert_eq!(
        contents_of(turns, &ModelFacts::default())[2],
        json!({"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"output": "first"}}},
            {"functionResponse": {"name": "g", "response": {"output": "second"}}},
            {"text": "and quick"}
        ]})
    );
}

#[test]
fn arguments_keep_their_characters() {
    let arguments = "{ \"n\":1.0, \"big\":12345678901234567890}";
    let turns = vec![
        user("hi"),
        turn(Role::Assistant, vec![call("a", "f", arguments)]),
        turn(Role::Tool, vec![result("a", "{\"z\":1.0,\"a\":2}")]),
    ];
    let body = super::write(
        &chat(turns),
        &Target::new("m", &ModelFacts::default()),
        &mut Notes::default(),
    )
    .unwrap();
    let text = String::from_utf8(body.body).unwrap();
    assert!(text.contains(&format!("\"args\":{arguments}")), "{text}");
    assert!(text.contains("\"response\":{\"z\":1.0,\"a\":2}"), "{text}");
}

#[test]
fn broken_arguments_are_wrapped_and_noted() {
    let turns = vec![
        user("hi"),
        turn(Role::Assistant, vec![call("a", "f", "{\"n\":")]),
        turn(Role::Tool, vec![result("a", "x")]),
    ];
    let (body, notes) = written(&chat(turns), &ModelFacts::default());
    let args = &body["contents"][1]["parts"][0]["functionCall"]["args"];
    assert_eq!(args, &json!({"_invalid_json": "{\"n\":"}));
    assert_eq!(notes, ["~tool_calls[].function.arguments"]);
}

#[test]
fn ids_are_sent_only_where_gemini_made_them() {
    let turns = |id: &str| {
        vec![
            user("hi"),
            turn(Role::Assistant, vec![call(id, "f", "{}")]),
            turn(Role::User, vec![result(id, "x")]),
        ]
    };
    let ids = |origin, id: &str| {
        let request = ChatRequest { origin: Some(origin), ..chat(turns(id)) };
        let contents = written(&request, &ModelFacts::default()).0["contents"].take();
        let sent = contents[1]["parts"][0]["functionCall"]["id"].clone();
        assert_eq!(sent, contents[2]["parts"][0]["functionResponse"]["id"]);
        sent
    };
    assert_eq!(ids(WireFormat::OpenAiChat, "call_1"), Value::Null);
    assert_eq!(ids(WireFormat::Anthropic, "toolu_1"), Value::Null);
    assert_eq!(ids(WireFormat::Gemini, "abc"), json!("abc"));
    assert_eq!(ids(WireFormat::Gemini, "call_gm_aaaa"), Value::Null);
}

#[test]
fn a_result_of_an_unknown_call_is_malformed() {
    let turns = vec![user("hi"), turn(Role::Tool, vec![result("nope", "x")])];
    let error = super::write(
        &chat(turns),
        &Target::new("m", &ModelFacts::default()),
        &mut Notes::default(),
    )
    .unwrap_err();
    assert_eq!(error, WireError::malformed("", "tool result for unknown call id `nope`"));
}

#[test]
fn an_id_used_twice_is_answered_in_order() {
    let step = |name: &str| turn(Role::Assistant, vec![call("same", name, "{}")]);
    let turns = vec![
        user("hi"),
        step("f"),
        turn(Role::Tool, vec![result("same", "1")]),
        step("g"),
        turn(Role::Tool, vec![result("same", "2")]),
    ];
    let contents = contents_of(turns, &ModelFacts::default());
    assert_eq!(contents[2]["parts"][0]["functionResponse"]["name"], "f");
    assert_eq!(contents[4]["parts"][0]["functionResponse"]["name"], "g");
}

#[test]
fn media_of_results_go_inside_or_after_by_model() {
    let media = Media {
        mime: "application/pdf".to_owned(),
        source: MediaSource::Base64("JVBERi0=".to_owned()),
        detail: None,
        name: None,
    };
    let answer = PartKind::ToolResult {
        call: "a".to_owned(),
        name: None,
        parts: vec![Part::text("see"), Part::new(PartKind::Document(media))],
        is_error: Some(true),
    };
    let turns = vec![
        user("hi"),
        turn(Role::Assistant, vec![signed(call("a", "f", "{}"), Vendor::Google)]),
        turn(Role::User, vec![Part::new(answer)]),
    ];
    let pdf = json!({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}});
    let response = json!({"name": "f", "response": {"error": "see"}});

    let (new, notes) = written(&chat(turns.clone()), &thinking(ThinkingControl::Level));
    let mut inside = response.clone();
    inside["parts"] = json!([pdf]);
    assert_eq!(new["contents"][2]["parts"], json!([{"functionResponse": inside}]));
    assert!(notes.is_empty(), "{notes:?}");

    let (old, notes) = written(&chat(turns), &thinking(ThinkingControl::Budget));
    assert_eq!(old["contents"][2]["parts"], json!([{"functionResponse": response}, pdf]));
    assert_eq!(notes, ["~tool results"]);
}

#[test]
fn the_stand_in_signs_the_first_unsigned_call_of_each_step_of_the_current_turn() {
    let step = |id: &str, sign: bool| {
        let first = call(id, "f", "{}");
        let first = if sign { signed(first, Vendor::Google) } else { first };
        let second = format!("{id}2");
        vec![
            turn(Role::Assistant, vec![first, call(&second, "g", "{}")]),
            turn(Role::Tool, vec![result(id, "x"), result(&second, "y")]),
        ]
    };
    let turns = [vec![user("one")], step("a", false), vec![user("two")], step("b", true)].concat();
    let mut turns = turns;
    // The text after step `a` joins its results, so that content begins no turn.
    turns.insert(3, turn(Role::Assistant, vec![Part::text("done")]));
    turns.extend(step("c", false));

    let signatures = |facts: &ModelFacts| -> Vec<Value> {
        let contents = contents_of(turns.clone(), facts);
        let parts =
            contents.as_array().unwrap().iter().flat_map(|c| c["parts"].as_array().unwrap());
        let calls = parts.filter(|part| !part["functionCall"].is_null());
        calls.map(|part| part["thoughtSignature"].clone()).collect()
    };
    let stand_in = json!("skip_thought_signature_validator");
    assert_eq!(
        signatures(&thinking(ThinkingControl::Level)),
        [Value::Null, Value::Null, json!("c2ln"), Value::Null, stand_in, Value::Null]
    );
    assert_eq!(signatures(&thinking(ThinkingControl::Budget))[4], Value::Null);
}

#[test]
fn foreign_reasoning_is_dropped_and_googles_signature_is_carried_to_its_part() {
    let thought = |text: &str| Part::new(PartKind::Reasoning(text.to_owned()));
    let turns = vec![
        user("hi"),
        turn(
            Role::Assistant,
            vec![
                signed(thought("theirs"), Vendor::Anthropic),
                signed(thought("google's"), Vendor::Google),
                Part::text("answer"),
                signed(thought(""), Vendor::Google),
            ],
        ),
        user("go on"),
    ];
    let (body, notes) = written(&chat(turns.clone()), &ModelFacts::default());
    assert_eq!(
        body["contents"][1]["parts"],
        json!([{"text": "answer", "thoughtSignature": "c2ln"}, {"text": "", "thoughtSignature": "c2ln"}])
    );
    assert_eq!(notes, ["-messages[].reasoning_content"]);

    let own = ChatRequest { origin: Some(WireFormat::Gemini), ..chat(turns) };
    let parts = written(&own, &ModelFacts::default()).0["contents"][1]["parts"].take();
    assert_eq!(parts[1], json!({"text": "google's", "thought": true, "thoughtSignature": "c2ln"}));
}

#[test]
fn empty_texts_go_unless_they_are_signed() {
    let turns = vec![
        user("hi"),
        turn(Role::Assistant, vec![Part::text("")]),
        turn(Role::User, vec![Part::text("there"), signed(Part::text(""), Vendor::Google)]),
    ];
    assert_eq!(
        contents_of(turns, &ModelFacts::default()),
        json!([{"role": "user",
            "parts": [{"text": "hi"}, {"text": "there"}, {"text": "", "thoughtSignature": "c2ln"}]}])
    );
    let nothing = chat(vec![turn(Role::System, vec![Part::text("s")]), user("")]);
    let error =
        super::write(&nothing, &Target::new("m", &ModelFacts::default()), &mut Notes::default())
            .unwrap_err();
    assert!(error.to_string().starts_with("`messages` cannot be sent: nothing is left"), "{error}");
}

#[test]
fn instructions_without_anything_else_are_asked_by_the_user() {
    let turns = ["be kind", "say hi"].map(|text| turn(Role::Developer, vec![Part::text(text)]));
    let found = contents_of(turns.to_vec(), &ModelFacts::default());
    assert_eq!(found, json!([{"role": "user", "parts": [{"text": "say hi"}]}]));
}

#[test]
fn media_become_inline_or_file_data() {
    let check = |kind: PartKind, facts: &ModelFacts, expected: Value, marks: &[&str]| {
        let (body, notes) = written(&chat(vec![turn(Role::User, vec![Part::new(kind)])]), facts);
        assert_eq!(body["contents"][0]["parts"][0], expected);
        assert_eq!(notes, marks, "{expected}");
    };
    let media = |mime: &str, source: MediaSource, detail: Option<&str>| Media {
        mime: mime.to_owned(),
        source,
        detail: detail.map(str::to_owned),
        name: Some("T".to_owned()),
    };
    let base64 = |data: &str| MediaSource::Base64(data.to_owned());
    let level = thinking(ThinkingControl::Level);
    let any = ModelFacts { web_media: true, ..ModelFacts::default() };
    let inline = |mime: &str, data: &str| json!({"inlineData": {"mimeType": mime, "data": data}});
    check(
        PartKind::Image(media("", base64("iVBORw0KGgoAAAA="), None)),
        &any,
        inline("image/png", "iVBORw0KGgoAAAA="),
        &[],
    );
    check(
        PartKind::Audio(media("audio/wav", base64("aGk="), None)),
        &any,
        inline("audio/wav", "aGk="),
        &[],
    );
    check(
        PartKind::Video(media("video/mp4", base64("aGk="), None)),
        &any,
        inline("video/mp4", "aGk="),
        &[],
    );
    let mut low = inline("image/png", "aGk=");
    low["mediaResolution"] = json!({"level": "MEDIA_RESOLUTION_LOW"});
    let fetches = ModelFacts { web_media: true, ..ModelFacts::default() };
    let picture = || PartKind::Image(media("image/png", base64("aGk="), Some("low")));
    check(picture(), &level, low, &["~image_url.detail"]);
    check(picture(), &any, inline("image/png", "aGk="), &["-image_url.detail"]);
    check(
        PartKind::Image(media(
            "",
            MediaSource::Url("https://x.example/a.jpg".to_owned()),
            Some("auto"),
        )),
        &fetches,
        json!({"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.jpg"}}),
        &[],
    );
    check(
        PartKind::Document(media("text/plain", MediaSource::Text("body".to_owned()), None)),
        &any,
        json!({"text": "T\n\nbody"}),
        &["~file"],
    );
}

#[test]
fn what_cannot_be_carried_is_refused_all_at_once() {
    let stored = Media {
        mime: String::new(),
        source: MediaSource::FileId("file-1".to_owned()),
        detail: None,
        name: None,
    };
    let server = |format, kind: &str| Tool {
        kind: ToolKind::Server { format, raw: raw(&json!({"type": kind})) },
        ..tool(kind, None)
    };
    let request = ChatRequest {
        max_output_tokens: Some(0),
        tools: vec![
            tool("1st", None),
            tool("f", None),
            tool("f", None),
            server(WireFormat::Anthropic, "code_execution_20250522"),
        ],
        turns: vec![
            turn(Role::User, vec![Part::new(PartKind::Document(stored))]),
            user("hi"),
            turn(Role::Assistant, vec![Part::text("I beg")]),
        ],
        ..chat(Vec::new())
    };
    assert_eq!(refusals(&request), ["file", "messages", "tools[2]", "tools", "max_tokens"]);
}

fn any_turn() -> impl Strategy<Value = Vec<Turn>> {
    prop_oneof![
        "[a-z]{1,5}".prop_map(|text| vec![user(&text)]),
        "[a-z]{1,5}"
            .prop_map(|text| vec![turn(Role::Assistant, vec![Part::text(text)]), user("go")]),
        ("[a-z]{3}", "[a-z]{1,5}").prop_map(|(id, text)| {
            vec![
                turn(Role::Assistant, vec![call(&id, "f", "{}")]),
                turn(Role::Tool, vec![result(&id, &text)]),
                turn(Role::Assistant, vec![Part::text(text)]),
                user("go"),
            ]
        }),
    ]
}

proptest! {
    #[test]
    fn a_longer_history_begins_with_the_bytes_of_a_shorter_one(
        history in prop::collection::vec(any_turn(), 1..6),
    ) {
        let mut turns = vec![turn(Role::System, vec![Part::text("s")]), user("hi")];
        let mut before: Option<Vec<u8>> = None;
        for step in history {
            turns.extend(step);
            let mut request = chat(turns.clone());
            request.tools = vec![tool("f", None)];
            let body =
                super::write(&request, &Target::new("m", &ModelFacts::default()), &mut Notes::default()).unwrap();
            if let Some(before) = before {
                // All but the brackets that close the last content, the list and the object.
                let begin = &before[..before.len() - b"]}]}".len()];
                prop_assert!(body.body.starts_with(begin));
            }
            before = Some(body.body);
        }
    }
}
