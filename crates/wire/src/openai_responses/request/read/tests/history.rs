use super::*;
use crate::Peek;
use crate::chat::{Opaque, OpaqueKind};
use crate::envelope::{Block, Seal, open_all};

/// Shows a turn as its role and the kinds of its parts.
fn shape(request: &ChatRequest) -> Vec<(Role, Vec<&'static str>)> {
    let kind = |part: &Part| match &part.kind {
        PartKind::Text(_) => "text",
        PartKind::Image(_) => "image",
        PartKind::Audio(_) => "audio",
        PartKind::Document(_) => "document",
        PartKind::ToolCall { .. } => "call",
        PartKind::ToolResult { .. } => "result",
        PartKind::Reasoning(_) => "reasoning",
        PartKind::Refusal(_) => "refusal",
        PartKind::Server { .. } => "server",
        PartKind::Video(_) => "video",
    };
    request.turns.iter().map(|turn| (turn.role, turn.parts.iter().map(kind).collect())).collect()
}

#[test]
fn a_text_is_one_turn_of_the_user_behind_the_instructions() {
    let request = with(json!({"instructions": "be brief", "input": "hi"}));

    assert_eq!(shape(&request), [(Role::System, vec!["text"]), (Role::User, vec!["text"])]);
}

#[test]
fn system_and_developer_messages_stay_in_their_place() {
    let request = input(json!([
        {"role": "developer", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "system", "content": [{"type": "input_text", "text": "c"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}],
         "phase": "final_answer"},
    ]));

    assert_eq!(
        shape(&request),
        [
            (Role::Developer, vec!["text"]),
            (Role::User, vec!["text"]),
            (Role::System, vec!["text"]),
            (Role::Assistant, vec!["refusal"]),
        ]
    );
}

#[test]
fn what_the_model_did_in_one_step_is_one_turn() {
    let request = input(json!([
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"},
            {"type": "summary_text", "text": "b"}], "encrypted_content": "enc"},
        {"type": "message", "role": "assistant", "id": "msg_1",
         "content": [{"type": "output_text", "text": "I look", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f",
         "arguments": "{ \"n\": 1.0 }"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** Begin"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "two"},
        {"type": "reasoning", "id": "rs_2", "summary": [],
         "content": [{"type": "reasoning_text", "text": "raw"}]},
        {"role": "assistant", "content": "done"},
    ]));

    assert_eq!(
        shape(&request),
        [
            (Role::User, vec!["text"]),
            (Role::Assistant, vec!["reasoning", "text", "call", "call"]),
            (Role::Tool, vec!["result", "result"]),
            (Role::Assistant, vec!["reasoning", "text"]),
        ]
    );
    let step = &request.turns[1].parts;
    assert!(matches!(&step[0].kind, PartKind::Reasoning(text) if text == "a\n\nb"));
    let opaque = step[0].opaque.as_ref().unwrap();
    assert_eq!((opaque.vendor, opaque.data.as_str()), (Vendor::OpenAi, "enc"));
    assert_eq!(opaque.item.as_deref(), Some("rs_1"));
    let PartKind::ToolCall { id, kind, arguments, .. } = &step[2].kind else { panic!("no call") };
    assert_eq!((id.as_str(), *kind), ("c1", CallKind::Function));
    assert_eq!(arguments, "{ \"n\": 1.0 }", "the same characters");
    let PartKind::ToolCall { kind, arguments, .. } = &step[3].kind else { panic!("no call") };
    assert_eq!((*kind, arguments.as_str()), (CallKind::Custom, "*** Begin"));
    let last = &request.turns[3].parts[0];
    assert!(matches!(&last.kind, PartKind::Reasoning(text) if text == "raw"));
    assert!(last.opaque.is_none());
}

#[test]
fn half_a_character_in_a_call_is_mended() {
    let body = br#"{"model":"m","input":[
            {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":\"\ud83d\"}"},
            {"type":"custom_tool_call","call_id":"c2","name":"g","input":"a\ud83d"}]}"#;

    let request = OpenAiResponses.read_request(body, &Peek::default()).unwrap();

    let said: Vec<&str> = request.turns[0]
        .parts
        .iter()
        .filter_map(|part| match &part.kind {
            PartKind::ToolCall { arguments, .. } => Some(arguments.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(said, ["{\"a\":\"\u{fffd}\"}", "a\u{fffd}"]);
}

#[test]
fn files_are_read_in_messages_and_in_results() {
    let request = input(json!([
        {"role": "user", "content": [
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high"},
            {"type": "input_image", "image_url": "https://x/y.png"},
            {"type": "input_image", "file_id": "file_1"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE",
             "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            {"type": "input_text", "text": "look",
             "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        ]},
        {"type": "function_call_output", "call_id": "c", "output": [
            {"type": "input_text", "text": "here"},
            {"type": "input_image", "image_url": "data:image/png;base64,BBBB"}]},
        {"type": "function_call_output", "call_id": "d", "output": {"ok": true}},
    ]));

    let parts = &request.turns[0].parts;
    let PartKind::Image(first) = &parts[0].kind else { panic!("{:?}", parts[0]) };
    assert_eq!((first.mime.as_str(), first.detail.as_deref()), ("image/png", Some("high")));
    assert_eq!(first.source, MediaSource::Base64("AAAA".to_owned()));
    let PartKind::Image(third) = &parts[2].kind else { panic!("{:?}", parts[2]) };
    assert_eq!(third.source, MediaSource::FileId("file_1".to_owned()));
    let PartKind::Document(file) = &parts[3].kind else { panic!("{:?}", parts[3]) };
    assert_eq!((file.mime.as_str(), file.name.as_deref()), ("application/pdf", Some("a.pdf")));
    let PartKind::Document(file) = &parts[4].kind else { panic!("{:?}", parts[4]) };
    assert_eq!(file.source, MediaSource::Url("https://x/a.pdf".to_owned()));
    let PartKind::Audio(sound) = &parts[5].kind else { panic!("{:?}", parts[5]) };
    assert_eq!(sound.mime, "audio/mpeg");
    assert_eq!(parts[6].cache, Some(json!({"type": "ephemeral", "ttl": "1h"})));
    let results = &request.turns[1].parts;
    let PartKind::ToolResult { parts, .. } = &results[0].kind else { panic!("{:?}", results[0]) };
    assert!(matches!(parts[1].kind, PartKind::Image(_)));
    let PartKind::ToolResult { parts, .. } = &results[1].kind else { panic!("{:?}", results[1]) };
    assert!(matches!(&parts[0].kind, PartKind::Text(text) if text == "{\"ok\":true}"));
}

#[test]
fn items_of_hosted_tools_are_kept_raw() {
    let request = input(json!([
        {"role": "user", "content": "go"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
        {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": [{"name": "t"}]},
        {"role": "assistant", "content": "found"},
    ]));

    assert_eq!(shape(&request)[1], (Role::Assistant, vec!["server", "server", "text"]));
}

#[test]
fn reasoning_that_is_stored_elsewhere_is_noted() {
    let request = input(json!([
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "assistant", "content": "done"},
    ]));

    assert_eq!(shape(&request)[1], (Role::Assistant, vec!["text"]));
    assert_eq!(request.notes.dropped().collect::<Vec<_>>(), ["input[].reasoning"]);
}

#[test]
fn items_that_change_the_settings_apply_in_their_order() {
    let request = with(json!({
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_object"}, "verbosity": "high"},
        "tools": [{"type": "function", "name": "z"}],
        "input": [
            {"role": "user", "content": "go"},
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "function", "name": "a"},
                {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "b"}]}]},
            {"type": "configuration_update", "reasoning": {"effort": "high"}},
            {"type": "configuration_update", "text": {"format": {"type": "text"}}},
            {"type": "configuration_update", "reasoning": {"effort": "medium"}},
        ],
    }));

    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "ns__b"], "appended, never sorted");
    assert_eq!(request.reasoning.amount, ReasoningAmount::Effort(Effort::Medium));
    assert_eq!(request.reasoning.show, Some(true), "stays");
    assert!(matches!(request.output, OutputFormat::Text));
    assert_eq!(request.verbosity.as_deref(), Some("high"), "stays");
    assert_eq!(request.turns.len(), 1);
}

#[test]
fn a_namespace_is_part_of_the_name_of_a_call() {
    let request = input(json!([
        {"type": "function_call", "call_id": "c", "namespace": "mcp__x__", "name": "read",
         "arguments": "{}"},
    ]));

    let PartKind::ToolCall { name, .. } = &request.turns[0].parts[0].kind else {
        panic!("no call")
    };
    assert_eq!(name, "mcp__x__read");
}

#[test]
fn envelopes_in_reasoning_items_are_opened_at_their_place() {
    let seal = Seal { key: std::sync::Arc::from(*b"key"), ..Seal::default() };
    let signature = Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, "c2ln");
    let envelope = seal.seal(&[Block { text: String::new(), opaque: Some(signature) }]);
    let mut request = input(json!([
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "encrypted_content": envelope,
         "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]));

    open_all(&mut request, b"key");

    let parts = &request.turns[1].parts;
    assert!(matches!(&parts[0].kind, PartKind::Reasoning(text) if text == "hm"));
    let opaque = parts[0].opaque.as_ref().unwrap();
    assert_eq!((opaque.vendor, opaque.data.as_str()), (Vendor::Anthropic, "c2ln"));
    assert!(matches!(parts[1].kind, PartKind::ToolCall { .. }), "the call stays behind it");
}
