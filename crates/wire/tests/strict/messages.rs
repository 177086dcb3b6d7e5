//! Streams of Messages.

use serde_json::Value;

/// Names stand before data, blocks are numbered without gaps and open one at a time, and the end is
/// told with usage or not at all.
pub(super) fn check(text: &str) {
    let mut kinds = Vec::new();
    let mut blocks = 0;
    let mut open: Option<(String, bool)> = None;
    let mut has_calls = false;
    for frame in text.split_terminator("\n\n") {
        let (name, data) = frame.split_once('\n').expect(text);
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").expect(text)).unwrap();
        let kind = event["type"].as_str().expect(text).to_owned();
        assert_eq!(name, format!("event: {kind}"), "{text}");
        match kind.as_str() {
            "ping" => continue,
            "message_start" => {
                let message = &event["message"];
                assert!(kinds.is_empty() && message["usage"]["input_tokens"].is_u64(), "{text}");
                assert!(message["content"].is_array() && message["model"].is_string(), "{text}");
            }
            "content_block_start" => {
                assert!(open.is_none() && event["index"] == blocks, "{text}");
                let block = event["content_block"]["type"].as_str().expect(text);
                has_calls |= block == "tool_use";
                let is_whole = !["text", "thinking", "tool_use"].contains(&block);
                open = Some((block.to_owned(), is_whole));
            }
            "content_block_delta" => {
                assert_eq!(event["index"], blocks, "{text}");
                let (block, filled) = open.as_mut().expect(text);
                *filled |= is_filling(block, &event["delta"], text);
            }
            "content_block_stop" => {
                assert_eq!(event["index"], blocks, "{text}");
                let (block, filled) = open.take().expect(text);
                assert!(filled, "an empty {block}: {text}");
                blocks += 1;
            }
            "message_delta" => {
                assert!(open.is_none() && event["usage"]["output_tokens"].is_u64(), "{text}");
                let reason = event["delta"]["stop_reason"].as_str().expect(text);
                assert!(has_calls || reason != "tool_use", "{text}");
            }
            "message_stop" => assert_eq!(kinds.last().unwrap(), "message_delta", "{text}"),
            "error" => assert!(event["error"]["message"].is_string(), "{text}"),
            _ => panic!("{kind} is no event of this format"),
        }
        assert!(!kinds.iter().any(|kind| kind == "message_stop" || kind == "error"), "{text}");
        kinds.push(kind);
    }
    let last = kinds.last().expect(text);
    let ends = |kind: &&String| *kind == "message_delta" || *kind == "message_stop";
    let ends = kinds.iter().filter(ends).count();
    assert!((last == "message_stop" && ends == 2) || (last == "error" && ends == 0), "{text}");
    assert!(last == "error" || kinds[0] == "message_start", "{text}");
}

/// Checks that a delta fits its block, and tells whether the block may end after it.
fn is_filling(block: &str, delta: &Value, text: &str) -> bool {
    let kind = delta["type"].as_str().expect(text);
    match (block, kind) {
        ("text", "text_delta") => delta["text"] != "",
        ("tool_use", "input_json_delta") => delta["partial_json"].is_string(),
        ("thinking", "signature_delta") => delta["signature"] != "",
        ("text", "citations_delta") | ("thinking", "thinking_delta") => false,
        _ => panic!("{kind} in {block}: {text}"),
    }
}
