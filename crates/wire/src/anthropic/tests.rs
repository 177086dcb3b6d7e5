//! The recorded traffic of this format, read and compared with the known facts, and what comes back from
//! clients.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::api_error::ErrorKind;
use crate::chat::{CallKind, Opaque, OpaqueKind, Part, PartKind, Vendor};
use crate::collect::{Collected, collect};
use crate::event::{PartHead, ReasoningKind};
use crate::model_facts::ModelFacts;

/// Returns the folders of all recorded cases of this format, none if the recordings are not here.
fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let Ok(providers) = std::fs::read_dir(&root) else {
        eprintln!("skipped: no recordings at {}", root.display());
        return Vec::new();
    };
    let mut cases: Vec<PathBuf> = providers
        .filter_map(|provider| std::fs::read_dir(provider.ok()?.path().join("messages")).ok())
        .flat_map(|cases| cases.map(|case| case.unwrap().path()))
        .collect();
    cases.sort();
    assert!(cases.len() > 30, "only {} cases found", cases.len());
    cases
}

/// Returns the stream of a case with the framing its recording may have lost.
fn stream_of(case: &Path) -> Option<Vec<u8>> {
    if let Ok(stream) = std::fs::read(case.join("response.sse")) {
        return Some(stream);
    }
    let lines = std::fs::read_to_string(case.join("response.chunks.txt")).ok()?;
    let framed = lines.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        format!("event: {}\ndata: {line}\n\n", event["type"].as_str().unwrap())
    });
    Some(framed.collect::<String>().into_bytes())
}

fn read_stream(stream: &[u8], piece: usize) -> Vec<Event> {
    let mut reader = Anthropic.event_reader();
    let mut events = Vec::new();
    for bytes in stream.chunks(piece) {
        reader.push(bytes, &mut events);
    }
    reader.finish(&mut events);
    events
}

fn joined(whole: &Collected, wanted: fn(&PartHead) -> bool) -> String {
    let parts = whole.first().map_or(&[][..], |answer| &answer.parts);
    parts.iter().filter(|part| wanted(&part.head)).map(|part| &*part.text).collect()
}

fn check_facts(name: &str, whole: &Collected, facts: &Value) {
    assert_eq!(whole.id, facts["id"].as_str().unwrap_or_default(), "{name}");
    assert_eq!(whole.model, facts["model"].as_str().unwrap_or_default(), "{name}");
    let text = joined(whole, |head| *head == PartHead::Text);
    assert_eq!(text, facts["text"].as_str().unwrap_or_default(), "{name}: text");
    let reasoning = joined(whole, |head| matches!(head, PartHead::Reasoning(_)));
    assert_eq!(reasoning, facts["reasoning"].as_str().unwrap_or_default(), "{name}: reasoning");
    check_parts(name, whole, facts);
    check_calls(name, whole, facts);
    let finish = &facts["finish"]["canonical"];
    match finish.as_str().unwrap_or_default() {
        "truncated" => assert!(whole.error.as_ref().unwrap().truncated, "{name}"),
        "error" => assert!(!whole.error.as_ref().unwrap().truncated, "{name}"),
        expected => {
            assert!(whole.complete, "{name}: {:?}", whole.error);
            let reason = whole.first().unwrap().finish.as_ref().unwrap();
            assert_eq!(reason.reason.name(), expected, "{name}");
            assert_eq!(reason.native, facts["finish"]["native"].as_str().unwrap(), "{name}");
            let sequence = facts["finish"]["stop_sequence"].as_str();
            assert_eq!(reason.stop_sequence.as_deref(), sequence, "{name}");
        }
    }
    let usage = &facts["usage"];
    if usage.is_object() {
        assert_eq!(whole.usage.input, usage["input_uncached"].as_u64(), "{name}: input");
        assert_eq!(whole.usage.input_total(), usage["input_total"].as_u64(), "{name}: all input");
        assert_eq!(whole.usage.cache_read, usage["cache_read"].as_u64(), "{name}: read");
        assert_eq!(whole.usage.cache_write, usage["cache_write"].as_u64(), "{name}: written");
        assert_eq!(whole.usage.output, usage["output_total"].as_u64(), "{name}: output");
        assert_eq!(whole.usage.reasoning, usage["reasoning"].as_u64(), "{name}: reasoning");
    }
}

/// Compares the kinds of blocks, and lengths of signatures and redacted data.
fn check_parts(name: &str, whole: &Collected, facts: &Value) {
    let parts = whole.first().map_or(&[][..], |answer| &answer.parts);
    let kinds: Vec<&str> = parts
        .iter()
        .map(|part| match &part.head {
            PartHead::Reasoning(_) => {
                let redacted = part.opaque.iter().any(|o| o.kind == OpaqueKind::Redacted);
                if redacted { "redacted_thinking" } else { "thinking" }
            }
            PartHead::ToolCall { .. } => "tool_use",
            PartHead::Server { raw, .. } => raw["type"].as_str().unwrap(),
            _ => "text",
        })
        .collect();
    let expected: Vec<&str> = facts["block_types"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|k| k.as_str().unwrap())
        .collect();
    assert_eq!(kinds, expected, "{name}: blocks");

    let lengths: Vec<u64> =
        parts.iter().flat_map(|part| &part.opaque).map(|opaque| opaque.data.len() as u64).collect();
    let expected: Vec<u64> = facts["reasoning_blocks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|block| {
            let data = ["signature_len", "redacted_len", "data_len"];
            data.into_iter().find_map(|member| block[member].as_u64())
        })
        .filter(|&length| length > 0)
        .collect();
    assert_eq!(lengths, expected, "{name}: signatures");
}

fn check_calls(name: &str, whole: &Collected, facts: &Value) {
    let parts = whole.first().map_or(&[][..], |answer| &answer.parts);
    let calls: Vec<(&str, &str, Value)> = parts
        .iter()
        .filter_map(|part| match &part.head {
            PartHead::ToolCall { id, name, .. } => {
                Some((&**id, &**name, serde_json::from_str(&part.text).unwrap()))
            }
            _ => None,
        })
        .collect();
    let expected: Vec<(&str, &str, Value)> = facts["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|call| {
            let text = |member: &str| call[member].as_str().unwrap();
            (text("id"), text("name"), call["arguments"].clone())
        })
        .collect();
    assert_eq!(calls, expected, "{name}: calls");
}

#[test]
fn recorded_replies_are_read_as_the_known_facts() {
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let facts = std::fs::read(case.join("expected.json")).unwrap();
        let facts: Value = serde_json::from_slice(&facts).unwrap();
        if let Some(stream) = stream_of(&case) {
            let events = read_stream(&stream, 7);
            assert_eq!(events, read_stream(&stream, stream.len()), "{name}");
            check_facts(&name, &collect(&events), &facts);
        } else {
            let body = std::fs::read(case.join("response.json")).unwrap();
            if facts["kind"] == "error" {
                let status = u16::try_from(facts["http_status"].as_u64().unwrap()).unwrap();
                let error = Anthropic.read_error(status, &body);
                let expected = match facts["error"]["canonical"].as_str().unwrap() {
                    "authentication" => ErrorKind::Authentication,
                    "context_length" => ErrorKind::ContextTooLong,
                    other => panic!("{name}: no kind for {other}"),
                };
                assert_eq!((error.kind, error.status), (expected, status), "{name}");
                assert_eq!(error.message, facts["error"]["message"].as_str().unwrap(), "{name}");
                continue;
            }
            check_facts(&name, &collect(&Anthropic.read_reply(&body)), &facts);
        }
    }
}

#[test]
fn recorded_streams_keep_their_facts_when_written_again() {
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stream) = stream_of(&case) else { continue };
        let first = read_stream(&stream, stream.len());
        let context = ReplyContext::default();
        let mut writer = Anthropic.event_writer(&context);
        let mut out = Vec::new();
        first.iter().for_each(|event| writer.write(event, &mut out));
        let (first, again) = (collect(&first), collect(&read_stream(&out, out.len())));

        assert_eq!(again.complete, first.complete, "{name}");
        if first.complete {
            let visible = |whole: &Collected| -> Vec<(PartHead, String)> {
                let parts = whole.first().unwrap().parts.iter();
                let parts = parts.map(|part| (part.head.clone(), part.text.clone()));
                parts.filter(|(head, text)| *head != PartHead::Text || !text.is_empty()).collect()
            };
            assert_eq!(visible(&again), visible(&first), "{name}");
            let finish = |whole: &Collected| whole.first().unwrap().finish.clone();
            assert_eq!(finish(&again), finish(&first), "{name}");
            assert_eq!(again.usage.output, first.usage.output, "{name}");
        }
    }
}

#[test]
fn recorded_requests_are_read_and_written_again() {
    let mut count = 0;
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(body) = std::fs::read(case.join("request.json")) else { continue };
        let sent: Value = serde_json::from_slice(&body).unwrap();
        // Clients of other clouds name the model in the URL.
        if sent["model"].is_null() {
            continue;
        }
        let peek = Anthropic.peek(&body, None).unwrap();
        let request =
            Anthropic.read_request(&body, &peek).unwrap_or_else(|e| panic!("{name}: {e}"));
        let facts = ModelFacts { structured_output: true, ..ModelFacts::default() };
        let mut notes = Notes::default();
        let again = Anthropic
            .write_request(&request, &Target::new(&peek.model, &facts), &mut notes)
            .unwrap()
            .body;
        let again: Value = serde_json::from_slice(&again).unwrap();

        assert_eq!(inputs(&again), inputs(&sent), "{name}");
        assert_eq!(again["tool_choice"]["type"], sent["tool_choice"]["type"], "{name}");
        for member in ["model", "max_tokens", "stop_sequences", "mcp_servers"] {
            assert_eq!(again[member], sent[member], "{name}: {member}");
        }
        let tools = |body: &Value| body["tools"].as_array().map_or(0, Vec::len);
        assert_eq!(tools(&again), tools(&sent), "{name}");
        count += 1;
    }
    assert!(count > 0 || cases().is_empty(), "no recorded request was found");
}

/// Returns the types and ids of all blocks, with strings as the text blocks they mean.
fn inputs(body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        match &message["content"] {
            Value::String(text) if text.is_empty() => {}
            Value::String(_) => found.push(("text".to_owned(), String::new())),
            blocks => {
                for block in blocks.as_array().unwrap() {
                    let id = block["id"].as_str().or(block["tool_use_id"].as_str());
                    let kind = block["type"].as_str().unwrap().to_owned();
                    found.push((kind, id.unwrap_or_default().to_owned()));
                }
            }
        }
    }
    found
}

/// Sends what a client was told back as its history, and returns the assistant's parts.
fn sent_back(events: &[Event]) -> Vec<Part> {
    let context = ReplyContext { id: "msg_1".to_owned(), ..ReplyContext::default() };
    let reply: Value = serde_json::from_slice(&Anthropic.write_reply(events, &context)).unwrap();
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": reply["content"]},
    ]});
    let body = body.to_string().into_bytes();
    let peek = Anthropic.peek(&body, None).unwrap();
    let mut request = Anthropic.read_request(&body, &peek).unwrap();
    crate::envelope::open_all(&mut request, b"");
    assert!(request.notes.entries().is_empty(), "{:?}", request.notes);
    request.turns.remove(1).parts
}

#[test]
fn other_vendors_reasoning_comes_back_from_the_client() {
    let google = |part| Event::Opaque {
        choice: 0,
        part,
        opaque: Opaque::new(Vendor::Google, OpaqueKind::Signature, "Z28="),
    };
    let start = |part, head| Event::PartStart { choice: 0, part, head };
    let end = |part| Event::PartEnd { choice: 0, part };
    let thought = [
        start(0, PartHead::Reasoning(ReasoningKind::Summary)),
        Event::Reasoning { choice: 0, part: 0, delta: "hm".to_owned() },
        end(0),
    ];
    let call = PartHead::ToolCall {
        id: "toolu_1".to_owned(),
        name: "f".to_owned(),
        kind: CallKind::Function,
    };
    let signed_call = [start(1, call), google(1), end(1), Event::End];
    let parts = sent_back(&[&thought[..], &signed_call].concat());
    assert!(matches!(&parts[0].kind, PartKind::Reasoning(text) if text == "hm"));
    let data = parts[0].opaque.as_ref().unwrap();
    assert_eq!((data.vendor, &*data.data, data.follows), (Vendor::Google, "Z28=", false));
    assert!(matches!(parts[1].kind, PartKind::ToolCall { .. }));

    let text = Event::Text { choice: 0, part: 0, delta: "a".to_owned() };
    let parts = sent_back(&[start(0, PartHead::Text), text, google(0), end(0), Event::End]);
    assert!(matches!(&parts[0].kind, PartKind::Text(text) if text == "a"));
    assert!(parts[1].opaque.as_ref().unwrap().follows, "it names the part before it");

    let parts = sent_back(&[&thought[..], &[Event::End]].concat());
    assert!(matches!(&parts[0].kind, PartKind::Reasoning(text) if text == "hm"));
    assert_eq!(parts[0].opaque, None);
}
