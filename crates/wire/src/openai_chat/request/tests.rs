use serde_json::{Value, json};

use crate::chat::{ChatRequest, PartKind, ReasoningAmount, Role, ToolChoice};
use crate::codec::Target;
use crate::codec::{Codec, WireError};
use crate::model_facts::{ModelFacts, SamplingSupport};
use crate::notes::Notes;
use crate::openai_chat::OpenAiChat;

fn read(body: &str) -> Result<ChatRequest, WireError> {
    let peek = OpenAiChat.peek(body.as_bytes(), None)?;
    OpenAiChat.read_request(body.as_bytes(), &peek)
}

fn written(request: &ChatRequest, facts: &ModelFacts) -> (Value, Notes) {
    let mut notes = Notes::default();
    let body =
        OpenAiChat.write_request(request, &Target::new("m2", facts), &mut notes).unwrap().body;
    (serde_json::from_slice(&body).unwrap(), notes)
}

#[test]
fn faults_name_their_json_path() {
    let check = |messages: &str, expected: &str| {
        let body = format!("{{\"model\":\"m\",\"messages\":{messages}}}");
        let error = read(&body).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} should contain {expected}");
    };
    check("null", "messages: is missing");
    check("[]", "messages: is empty");
    check(r#"[{"role":"user","content":"a"},{"role":"robot"}]"#, "messages[1].role: `robot`");
    check(
        r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"hologram"}]}]"#,
        "messages[0].content[1].type: `hologram`",
    );
    check(r#"[{"role":"user","content":7}]"#, "messages[0]: invalid type: integer `7`");
    check(r#"[{"role":"tool","content":"x"}]"#, "messages[0].tool_call_id: is missing");
    check(
        r#"[{"role":"assistant","tool_calls":[{"id":"a","function":{}}]}]"#,
        "messages[0].tool_calls[0].function.name: is missing",
    );
    check(
        r#"[{"role":"user","content":[{"type":"image_url"}]}]"#,
        "messages[0].content[0].image_url: is missing",
    );
    let error = read(r#"{"model":"m","messages":[{"role":"user"}],"temperature":"hot"}"#);
    assert!(error.unwrap_err().to_string().starts_with("temperature: invalid type"));
}

#[test]
fn null_stands_for_absent_everywhere() {
    let request = read(
        r#"{"model":"m","stream":null,"temperature":null,"tools":null,"stop":null,"user":null,
            "response_format":null,"reasoning_effort":null,"stream_options":null,"seed":null,
            "messages":[{"role":"assistant","content":null,"name":null,"tool_calls":null,
                         "refusal":null,"function_call":null},
                        {"role":"user","content":[{"type":"text","text":"a","cache_control":null}]}]}"#,
    )
    .unwrap();

    assert_eq!(request.turns.len(), 2);
    assert!(request.extra.is_empty(), "{:?}", request.extra);
    assert_eq!(request.tool_choice, ToolChoice::NotSaid);
}

#[test]
fn arguments_stay_the_same_characters() {
    let arguments = r#"{ "b": 1.0, "a": 12345678901234567890, "e": "\u00e9" }"#;
    let body = json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}]}]});

    let request = read(&body.to_string()).unwrap();
    let (sent, _) = written(&request, &ModelFacts::default());

    assert_eq!(sent["messages"][0]["tool_calls"][0]["function"]["arguments"], arguments);
}

#[test]
fn legacy_functions_become_calls_with_made_ids() {
    let request = read(
        r#"{"model":"m","functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"},
            "messages":[{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},
                        {"role":"function","name":"f","content":"done"}]}"#,
    )
    .unwrap();

    let PartKind::ToolCall { id, .. } = &request.turns[0].parts[0].kind else { panic!("no call") };
    let PartKind::ToolResult { call, .. } = &request.turns[1].parts[0].kind else {
        panic!("no result")
    };
    assert_eq!(id, call, "the result names its call");
    assert!(id.starts_with("call_"));
    assert_eq!(request.tool_choice, ToolChoice::One("f".to_owned()));
}

#[test]
fn unknown_members_return_only_to_their_own_format() {
    let mut request = read(
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"min_p":0.1,"store":false,"verbosity":"low"}"#,
    )
    .unwrap();

    let (sent, notes) = written(&request, &ModelFacts::default());
    assert_eq!((&sent["min_p"], &sent["verbosity"]), (&json!(0.1), &json!("low")));
    assert_eq!(notes.dropped().count(), 0);

    request.origin = Some(crate::WireFormat::Gemini);
    let (sent, notes) = written(&request, &ModelFacts::default());
    assert!(sent.get("min_p").is_none());
    assert_eq!(notes.dropped().collect::<Vec<_>>(), ["min_p", "verbosity"]);
}

#[test]
fn facts_decide_names_and_what_is_left_out() {
    let request = read(
        r#"{"model":"m","stream":true,"messages":[{"role":"developer","content":"d"},{"role":"user","content":"a"}],
            "max_tokens":900,"temperature":0.2,"top_p":1,"user":"u","reasoning_effort":"high"}"#,
    )
    .unwrap();

    let (plain, _) = written(&request, &ModelFacts::default());
    let facts = ModelFacts {
        max_completion_tokens: true,
        developer_role: true,
        no_stream_usage: true,
        max_output_tokens: Some(500),
        sampling: SamplingSupport::None,
        ..ModelFacts::default()
    };
    let (strict, notes) = written(&request, &facts);

    assert_eq!(plain["max_tokens"], 900);
    assert_eq!(plain["messages"][0]["role"], "system");
    assert_eq!(plain["stream_options"]["include_usage"], true);
    assert_eq!(strict["max_completion_tokens"], 500);
    assert_eq!(strict["messages"][0]["role"], "developer");
    assert_eq!(strict["safety_identifier"], "u");
    assert!(strict.get("stream_options").is_none() && strict.get("temperature").is_none());
    assert_eq!(notes.dropped().collect::<Vec<_>>(), ["temperature"], "top_p was the default");
}

#[test]
fn media_of_results_follow_all_results_of_the_step() {
    let request = read(
        r#"{"model":"m","messages":[
            {"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"f"}}]},
            {"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
            {"role":"tool","tool_call_id":"b","content":"two"},
            {"role":"user","content":"go on"}]}"#,
    )
    .unwrap();

    let (sent, _) = written(&request, &ModelFacts::default());

    let roles: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "user"]);
    assert_eq!(sent["messages"][1]["content"], "(see attached)");
    assert_eq!(sent["messages"][0]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(sent["messages"][3]["content"][0]["text"], "Files returned by tool call a:");
    assert_eq!(sent["messages"][3]["content"][2]["text"], "go on");
}

#[test]
fn refusals_are_listed_together() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"a"}],
                   "modalities":["text","audio"],"audio":{"voice":"x"},"web_search_options":{}}"#;

    let error = read(body).unwrap_err();

    let WireError::Unsupported { fields } = error else { panic!("{error}") };
    assert_eq!(fields.len(), 3);
}

#[test]
fn reasoning_of_other_dialects_is_read() {
    let check = |members: &str, expected: ReasoningAmount| {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}],{members}}}"#);
        assert_eq!(read(&body).unwrap().reasoning.amount, expected, "{members}");
    };
    check(r#""reasoning_effort":"none""#, ReasoningAmount::Off);
    check(r#""reasoning":{"max_tokens":2000}"#, ReasoningAmount::Budget(2000));
    check(r#""reasoning":{"enabled":false}"#, ReasoningAmount::Off);
}

#[test]
fn reasoning_and_its_signature_come_together_again() {
    let request = read(
        r#"{"model":"m","messages":[{"role":"assistant","content":"hi","reasoning_content":"hm",
            "reasoning_details":[{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1"}]}]}"#,
    )
    .unwrap();

    let first = &request.turns[0].parts[0];
    assert!(matches!(&first.kind, PartKind::Reasoning(text) if text == "hm"));
    assert_eq!(first.opaque.as_ref().unwrap().data, "c2ln");
    assert_eq!(request.turns[0].role, Role::Assistant);
}

#[test]
fn a_longer_conversation_begins_with_the_shorter_one() {
    let turns = [
        r#"{"role":"system","content":"s"}"#,
        r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"https://x/y.png"}]}"#,
        r#"{"role":"assistant","content":"b","tool_calls":[{"id":"","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"role":"function","name":"f","content":"r"}"#,
        r#"{"role":"system","content":"late"}"#,
        r#"{"role":"user","content":"c"}"#,
    ];
    let write = |count: usize| {
        let body = format!(r#"{{"model":"m","messages":[{}]}}"#, turns[..count].join(","));
        let request = read(&body).unwrap();
        let bytes = OpenAiChat
            .write_request(
                &request,
                &Target::new("m", &ModelFacts::default()),
                &mut Notes::default(),
            )
            .unwrap()
            .body;
        String::from_utf8(bytes).unwrap()
    };
    for count in 1..turns.len() {
        let (short, long) = (write(count), write(count + 1));
        assert!(long.starts_with(short.trim_end_matches("]}")), "{short}\n{long}");
    }
}
