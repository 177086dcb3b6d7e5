use serde_json::json;

use super::*;
use crate::chat::{
    Effort, Media, MediaSource, OutputFormat, PartKind, ReasoningAmount, ToolChoice, Vendor,
};
use crate::gemini::request::MADE_ID;

fn read_value(body: &Value) -> Result<ChatRequest, WireError> {
    let peek = Peek { model: "m".to_owned(), stream: true, ..Peek::default() };
    super::read(body.to_string().as_bytes(), &peek)
}

fn with(member: &str, value: Value) -> ChatRequest {
    read_value(&json!({"contents": [{"parts": [{"text": "hi"}]}], member: value})).unwrap()
}

fn contents(contents: Value) -> Vec<Turn> {
    read_value(&json!({"contents": contents})).unwrap().turns
}

fn only_part(part: Value) -> Part {
    contents(json!([{"role": "model", "parts": [part]}])).remove(0).parts.remove(0)
}

#[test]
fn texts_and_roles_are_read() {
    let turns = contents(json!([
        {"parts": {"text": "no role, one part"}},
        {"role": "model", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
        {"role": "user", "parts": []}
    ]));

    let roles: Vec<Role> = turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
    assert_eq!(turns[1].parts.len(), 2);
}

#[test]
fn origin_model_and_delivery_are_set() {
    let request = with("safetySettings", json!([]));
    assert_eq!(request.origin, Some(WireFormat::Gemini));
    assert_eq!((request.model.as_str(), request.delivery.stream), ("m", true));
}

#[test]
fn the_system_instruction_is_one_turn_for_each_part() {
    let check = |instruction: Value, expected: &[&str]| {
        let turns = with("system_instruction", instruction).turns;
        let texts: Vec<&str> = turns
            .iter()
            .filter(|turn| turn.role == Role::System)
            .map(|turn| match &turn.parts[0].kind {
                PartKind::Text(text) => text.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(texts, expected);
    };
    check(json!({"role": "system", "parts": [{"text": "a"}, {"text": "b"}]}), &["a", "b"]);
    check(json!({"parts": {"text": "a"}}), &["a"]);
    check(json!("a"), &["a"]);
    check(json!({}), &[]);
}

#[test]
fn thoughts_and_signatures_stay_on_their_parts() {
    let thought = only_part(json!({"text": "hm", "thought": true, "thoughtSignature": "c2ln"}));
    assert!(matches!(&thought.kind, PartKind::Reasoning(text) if text == "hm"));
    assert_eq!(thought.opaque.map(|opaque| opaque.vendor), Some(Vendor::Google));

    let empty = only_part(json!({"text": "", "thought_signature": "c2ln"}));
    assert!(matches!(&empty.kind, PartKind::Text(text) if text.is_empty()));
    assert_eq!(empty.opaque.map(|opaque| opaque.data), Some("c2ln".to_owned()));

    let bare = only_part(json!({"thoughtSignature": "c2ln"}));
    assert!(bare.opaque.is_some());
}

#[test]
fn media_are_sorted_by_their_type() {
    let media = |part: Value| match only_part(part).kind {
        PartKind::Image(media) => ("image", media),
        PartKind::Audio(media) => ("audio", media),
        PartKind::Video(media) => ("video", media),
        PartKind::Document(media) => ("document", media),
        other => panic!("{other:?}"),
    };
    let inline = |mime: &str| media(json!({"inline_data": {"mime_type": mime, "data": "aGk"}}));
    assert_eq!(inline("image/png").0, "image");
    assert_eq!(inline("audio/wav").0, "audio");
    assert_eq!(inline("video/mp4").0, "video");
    assert_eq!(inline("application/pdf").0, "document");
    assert_eq!(inline("image/png").1.source, MediaSource::Base64("aGk=".to_owned()));

    let file = |uri: &str| media(json!({"fileData": {"fileUri": uri}}));
    assert_eq!(file("https://x.example/a.jpg").0, "image");
    assert_eq!(file("https://www.youtube.com/watch?v=x").0, "video");
    assert_eq!(file("gs://bucket/a").0, "document");

    let (_, Media { detail, .. }) = media(json!({
        "inlineData": {"mimeType": "image/png", "data": "aGk="},
        "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}
    }));
    assert_eq!(detail.as_deref(), Some("low"));
}

#[test]
fn arguments_keep_their_characters() {
    let body = br#"{"contents":[{"role":"model","parts":[{"functionCall":
        {"name":"f","args":{ "b":1.0,"a":12345678901234567890, "c":"\ud83d" }}}]}]}"#;
    let request = super::read(body, &Peek::default()).unwrap();
    let PartKind::ToolCall { arguments, .. } = &request.turns[0].parts[0].kind else {
        panic!("{request:?}")
    };
    assert_eq!(arguments, r#"{ "b":1.0,"a":12345678901234567890, "c":"\ud83d" }"#);

    let PartKind::ToolCall { arguments, .. } =
        only_part(json!({"functionCall": {"name": "f"}})).kind
    else {
        panic!("no call")
    };
    assert_eq!(arguments, "{}");
}

fn ids_of(turns: &[Turn]) -> Vec<String> {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    let ids = parts.filter_map(|part| match &part.kind {
        PartKind::ToolCall { id, .. } => Some(id.clone()),
        PartKind::ToolResult { call, .. } => Some(call.clone()),
        _ => None,
    });
    ids.collect()
}

#[test]
fn calls_without_ids_are_paired_by_name_in_order() {
    let history = json!([
        {"role": "model", "parts": [
            {"functionCall": {"name": "f"}}, {"functionCall": {"name": "g"}}, {"functionCall": {"name": "f"}}
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "g", "response": {"output": 2}}},
            {"functionResponse": {"name": "f", "response": {"output": 1}}},
            {"functionResponse": {"name": "f", "response": {"output": 3}}}
        ]}
    ]);
    let turns = contents(history.clone());
    let ids = ids_of(&turns);
    assert_eq!(ids[3..], [ids[1].clone(), ids[0].clone(), ids[2].clone()]);
    assert!(ids.iter().all(|id| id.starts_with(MADE_ID)));

    let mut longer = history;
    longer.as_array_mut().unwrap().push(json!({"parts": [{"text": "and?"}]}));
    assert_eq!(ids_of(&contents(longer)), ids, "a longer history gives the same ids");
}

#[test]
fn ids_that_are_there_are_kept() {
    let turns = contents(json!([
        {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f"}},
            {"functionCall": {"id": "b", "name": "f"}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "b", "name": "f", "response": {}}},
            {"functionResponse": {"name": "f", "response": {}}},
            {"functionResponse": {"id": "stray", "name": "f", "response": {}}}]}
    ]));
    assert_eq!(ids_of(&turns), ["a", "b", "b", "a", "stray"]);
}

#[test]
fn results_are_unwrapped_by_their_form() {
    let check = |response: Value, expected: &str, is_error: Option<bool>| {
        let turns = contents(json!([{"parts": [
            {"functionResponse": {"name": "f", "response": response}}]}]));
        let PartKind::ToolResult { parts, is_error: found, .. } = &turns[0].parts[0].kind else {
            panic!("{turns:?}")
        };
        let text = match parts.first().map(|part| &part.kind) {
            Some(PartKind::Text(text)) => text.as_str(),
            _ => "",
        };
        assert_eq!((text, *found), (expected, is_error), "{response}");
    };
    check(json!({"output": "sunny"}), "sunny", None);
    check(json!({"result": [1, 2]}), "[1,2]", None);
    check(json!({"error": "no"}), "no", Some(true));
    check(json!({"error": {"code": 1}}), "{\"code\":1}", Some(true));
    check(json!({"temp": 5, "error": "no"}), "{\"temp\":5,\"error\":\"no\"}", None);
    check(json!({}), "", None);
}

#[test]
fn media_inside_a_result_are_read() {
    let turns = contents(json!([{"parts": [{"functionResponse": {"name": "f", "response": {},
        "parts": [{"inline_data": {"mime_type": "application/pdf", "data": "JVBERi0-"}}]}}]}]));
    let PartKind::ToolResult { parts, .. } = &turns[0].parts[0].kind else { panic!("{turns:?}") };
    assert!(matches!(&parts[0].kind, PartKind::Document(media)
        if media.source == MediaSource::Base64("JVBERi0+".to_owned())));
}

#[test]
fn parts_of_googles_own_tools_are_kept_raw() {
    let part = only_part(json!({"executableCode": {"code": "1"}, "thoughtSignature": "c2ln"}));
    assert!(part.opaque.is_none(), "the raw part has it");
    let PartKind::Server { format: WireFormat::Gemini, raw } = &part.kind else {
        panic!("{part:?}")
    };
    assert!(raw.get().contains("thoughtSignature"));

    let newer = only_part(json!({"hologram": {}}));
    assert!(matches!(newer.kind, PartKind::Server { .. }));
}

#[test]
fn functions_and_own_tools_are_told_apart() {
    let tools = with(
        "tools",
        json!([{"function_declarations": [
            {"name": "f", "description": "", "parameters": {"type": "OBJECT"}},
            {"name": "g", "parametersJsonSchema": {"type": "object"}},
            {"name": "h"}
        ], "googleSearch": {}}]),
    )
    .tools;

    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["f", "g", "h", "googleSearch"]);
    let schemas: Vec<Option<&str>> =
        tools.iter().map(|tool| tool.schema.as_ref().map(|raw| raw.get())).collect();
    let object = Some("{\"type\":\"object\"}");
    assert_eq!(schemas, [object, object, None, None]);
    assert_eq!(tools[0].description, None);
    let (format, raw) = tools[3].of_vendor().unwrap();
    assert_eq!((format, raw.get()), (WireFormat::Gemini, "{\"googleSearch\":{}}"));
}

#[test]
fn modes_become_choices() {
    let check = |mode: Value, names: Value, expected: ToolChoice| {
        let config =
            json!({"functionCallingConfig": {"mode": mode, "allowed_function_names": names}});
        assert_eq!(with("tool_config", config.clone()).tool_choice, expected, "{config}");
    };
    let names = || vec!["f".to_owned(), "g".to_owned()];
    check(json!("AUTO"), json!(null), ToolChoice::Auto);
    check(json!(1), json!([]), ToolChoice::Auto);
    check(json!("none"), json!(null), ToolChoice::None);
    check(json!("ANY"), json!(null), ToolChoice::Required);
    check(json!(2), json!(["f"]), ToolChoice::One("f".to_owned()));
    check(json!("ANY"), json!(["f", "g"]), ToolChoice::Allowed { required: true, names: names() });
    check(
        json!("AUTO"),
        json!(["f", "g"]),
        ToolChoice::Allowed { required: false, names: names() },
    );
    check(json!(null), json!(null), ToolChoice::NotSaid);
}

#[test]
fn validated_mode_makes_tools_strict() {
    let request = read_value(&json!({
        "contents": [{"parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"},
            "includeServerSideToolInvocations": true}
    }))
    .unwrap();
    assert_eq!(request.tool_choice, ToolChoice::Auto);
    assert_eq!(request.tools[0].strict, Some(true));
    assert_eq!(request.extra["toolConfig.includeServerSideToolInvocations"], json!(true));
}

#[test]
fn generation_settings_are_read() {
    let request = with(
        "generationConfig",
        json!({"temperature": 0.5, "top_p": 0.9, "topK": 40, "seed": -7, "presencePenalty": 1,
            "frequencyPenalty": -1.5, "candidateCount": 2, "maxOutputTokens": "100",
            "stopSequences": ["a", "b"], "responseLogprobs": true, "logprobs": 3,
            "speechConfig": {"x": 1}, "seedling": null}),
    );
    let sampling = &request.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k),
        (Some(0.5), Some(0.9), Some(40))
    );
    assert_eq!((sampling.seed, sampling.n), (Some(-7), Some(2)));
    assert_eq!((sampling.presence_penalty, sampling.frequency_penalty), (Some(1.0), Some(-1.5)));
    assert_eq!(sampling.stop, ["a", "b"]);
    assert_eq!((sampling.logprobs, sampling.top_logprobs), (Some(true), Some(3)));
    assert_eq!(request.max_output_tokens, Some(100));
    let kept: Vec<&String> = request.extra.keys().collect();
    assert_eq!(kept, ["generationConfig.speechConfig"]);
}

#[test]
fn thinking_is_read_as_budget_or_level() {
    let check = |config: Value, amount: ReasoningAmount, show: bool| {
        let reasoning = with("generationConfig", json!({"thinkingConfig": config})).reasoning;
        assert_eq!((reasoning.amount, reasoning.show), (amount, Some(show)), "{config}");
    };
    check(json!({}), ReasoningAmount::NotSaid, false);
    check(json!({"includeThoughts": true}), ReasoningAmount::NotSaid, true);
    check(json!({"thinkingBudget": 0}), ReasoningAmount::Off, false);
    check(json!({"thinkingBudget": -1}), ReasoningAmount::Adaptive, false);
    check(json!({"thinking_budget": 2048}), ReasoningAmount::Budget(2048), false);
    check(json!({"thinkingLevel": "low"}), ReasoningAmount::Effort(Effort::Low), false);
    check(json!({"thinkingLevel": "MINIMAL"}), ReasoningAmount::Effort(Effort::Minimal), false);
    check(json!({"thinkingLevel": "MEDIUM"}), ReasoningAmount::Effort(Effort::Medium), false);
    check(json!({"thinkingLevel": 3}), ReasoningAmount::Effort(Effort::High), false);
}

#[test]
fn answer_forms_are_read() {
    let output = |config: Value| with("generationConfig", config).output;
    assert!(matches!(output(json!({"responseMimeType": "text/plain"})), OutputFormat::Text));
    assert!(matches!(
        output(json!({"responseMimeType": "application/json"})),
        OutputFormat::JsonObject
    ));
    for (name, schema) in [
        ("responseSchema", json!({"type": "STRING"})),
        ("responseJsonSchema", json!({"type": "string"})),
    ] {
        let config = json!({"responseMimeType": "application/json", name: schema});
        let OutputFormat::JsonSchema { schema, .. } = output(config) else { panic!("{name}") };
        assert_eq!(schema.get(), "{\"type\":\"string\"}");
    }
    let request =
        with("generationConfig", json!({"responseMimeType": "text/x.enum", "responseSchema": {}}));
    let kept: Vec<&String> = request.extra.keys().collect();
    assert_eq!(kept, ["generationConfig.responseMimeType", "generationConfig.responseSchema"]);
}

#[test]
fn unknown_members_are_kept_by_name() {
    let request = with("safety_settings", json!([{"category": "X"}]));
    assert_eq!(request.extra["safetySettings"], json!([{"category": "X"}]));
}

#[test]
fn faults_name_their_path() {
    let check = |body: Value, expected: &str| {
        let error = read_value(&body).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error} should start with {expected}");
    };
    let part = |part: Value| json!({"contents": [{"parts": [{"text": "a"}]}, {"parts": [part]}]});
    let model = |part: Value| json!({"contents": [{"role": "model", "parts": [part]}]});
    check(json!({}), "contents: is missing");
    check(json!({"contents": 7}), "contents[0]: must be an object");
    check(json!({"contents": [{"role": "robot", "parts": []}]}), "contents[0].role: must be");
    check(part(json!({})), "contents[1].parts[0]: is empty");
    check(part(json!({"text": 1})), "contents[1].parts[0].text: must be a string");
    check(part(json!({"text": "a", "inlineData": {}})), "contents[1].parts[0]: has both");
    check(part(json!({"hologram": {}})), "contents[1].parts[0]: `hologram` is no known kind");
    check(part(json!({"inlineData": {"data": "*"}})), "contents[1].parts[0].inlineData: `data`");
    check(
        part(json!({"functionCall": {"name": "f"}})),
        "contents[1].parts[0].functionCall: must stand",
    );
    check(
        model(json!({"functionResponse": {"name": "f"}})),
        "contents[0].parts[0].functionResponse",
    );
    check(model(json!({"functionCall": {}})), "contents[0].parts[0].functionCall: lacks `name`");
    check(
        model(json!({"functionCall": {"name": "f", "args": "{}"}})),
        "contents[0].parts[0].functionCall.args: must be an object",
    );
    let with = |member: &str, value: Value| json!({"contents": [], member: value});
    check(with("generationConfig", json!({"topK": "x"})), "generationConfig.topK: must be a whole");
    check(
        with(
            "generationConfig",
            json!({"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}),
        ),
        "generationConfig.thinkingConfig.thinkingBudget: excludes",
    );
    check(
        with("toolConfig", json!({"functionCallingConfig": {"mode": "SOME"}})),
        "toolConfig.functionCallingConfig.mode: must be",
    );
    check(
        with("tools", json!([{"functionDeclarations": [{}]}])),
        "tools[0].functionDeclarations[0]: lacks",
    );
}

#[test]
fn very_many_members_and_calls_are_read_in_time() {
    let members: String = (0..200_000).map(|n| format!("\"m{n}\":null,")).collect();
    let calls: String = (0..50_000).map(|_| "{\"functionCall\":{\"name\":\"f\"}},").collect();
    let results: String =
        (0..50_000).map(|_| "{\"functionResponse\":{\"name\":\"f\",\"response\":{}}},").collect();
    let body = format!(
        "{{{members}\"contents\":[{{\"role\":\"model\",\"parts\":[{}]}},{{\"parts\":[{}]}}]}}",
        calls.trim_end_matches(','),
        results.trim_end_matches(',')
    );
    let turns = super::read(body.as_bytes(), &Peek::default()).unwrap().turns;
    let ids = ids_of(&turns);
    assert_eq!(ids.len(), 100_000);
    assert_eq!(ids[..50_000], ids[50_000..]);
}
