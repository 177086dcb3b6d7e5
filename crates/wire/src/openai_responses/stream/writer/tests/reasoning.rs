//! Reasoning and the vendor data that come with it.

use super::*;
use crate::chat::{OpaqueKind, PartKind, Vendor};
use crate::envelope::{self, Seal};
use crate::openai_responses::request;
use crate::splice;

const ASKED: &str = r#"{"model":"m","include":["reasoning.encrypted_content"]}"#;

fn thought(part: u32, delta: &str) -> Event {
    Event::Reasoning { choice: 0, part, delta: delta.to_owned() }
}

fn data(part: u32, vendor: Vendor, data: &str) -> Event {
    let opaque = Opaque::new(vendor, OpaqueKind::Signature, data);
    Event::Opaque { choice: 0, part, opaque }
}

/// Data and place of what is sealed in a reasoning item.
fn sealed(item: &Value) -> Vec<(String, bool)> {
    let blocks = envelope::open(item["encrypted_content"].as_str().unwrap(), b"").unwrap();
    let data = blocks.into_iter().filter_map(|block| block.opaque);
    data.map(|data| (data.data, data.follows)).collect()
}

#[test]
fn summaries_and_raw_thoughts_have_their_own_lists() {
    let stream = write_for(
        ASKED,
        &[
            start(0, PartHead::Reasoning(ReasoningKind::Summary)),
            thought(0, "su"),
            thought(0, "m"),
            data(0, Vendor::Anthropic, "c2ln"),
            end(0),
            start(1, PartHead::Reasoning(ReasoningKind::Raw)),
            thought(1, "raw"),
            end(1),
            start(2, PartHead::Text),
            text(2, "a"),
            end(2),
            finish(Finish::Stop),
            Event::End,
        ],
    );

    assert_eq!(stream.items(), ["reasoning", "reasoning", "message"]);
    let (summary, raw) = (&stream.output()[0], &stream.output()[1]);
    assert_eq!(summary["summary"], json!([{"type": "summary_text", "text": "sum"}]));
    assert_eq!(sealed(summary), [("c2ln".to_owned(), false)]);
    assert_eq!(raw["summary"], json!([]));
    assert_eq!(raw["content"], json!([{"type": "reasoning_text", "text": "raw"}]));
    assert!(sealed(raw).is_empty(), "the envelope only marks it as another vendor's");
}

#[test]
fn data_are_for_those_who_ask() {
    let events = [
        start(0, PartHead::Reasoning(ReasoningKind::Summary)),
        thought(0, "sum"),
        data(0, Vendor::Anthropic, "c2ln"),
        end(0),
        start(1, PartHead::Reasoning(ReasoningKind::Summary)),
        data(1, Vendor::Anthropic, "redacted"),
        end(1),
        start(2, call("c", "f")),
        data(2, Vendor::Google, "Zm9v"),
        end(2),
        finish(Finish::ToolCalls),
        Event::End,
    ];

    let stream = write_for(r#"{"model":"m"}"#, &events);
    assert_eq!(stream.items(), ["reasoning", "function_call"]);
    assert!(stream.output()[0].get("encrypted_content").is_none());

    let stream = write_for(ASKED, &events);
    assert_eq!(stream.items(), ["reasoning", "reasoning", "reasoning", "function_call"]);
}

#[test]
fn openais_own_data_stay_as_they_are() {
    let own = |item: Option<&str>| {
        let opaque = Opaque {
            item: item.map(str::to_owned),
            ..Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, "gAAA")
        };
        Event::Opaque { choice: 0, part: 0, opaque }
    };
    let check = |pieces: &[Event], id: Option<&str>, is_native: bool| {
        let mut events = vec![start(0, PartHead::Reasoning(ReasoningKind::Summary))];
        events.extend_from_slice(pieces);
        events.extend([end(0), finish(Finish::Stop), Event::End]);
        let stream = write_for(ASKED, &events);
        let item = &stream.output()[0];
        assert!(id.is_none_or(|id| item["id"] == id), "{item}");
        assert_eq!(item["encrypted_content"] == "gAAA", is_native, "{item}");
    };
    check(&[own(Some("rs_1"))], Some("rs_1"), true);
    check(&[thought(0, "a"), own(None)], None, true);
    // The item began under another id, and OpenAI refuses its data under that one.
    check(&[thought(0, "a"), own(Some("rs_1"))], None, false);
}

#[test]
fn the_signature_of_a_call_stands_before_it() {
    let stream = write_for(
        ASKED,
        &[
            start(0, PartHead::Text),
            text(0, "I call"),
            end(0),
            start(1, call("c", "f")),
            arguments(1, ""),
            data(1, Vendor::Google, "Zm9v"),
            arguments(1, "{}"),
            end(1),
            finish(Finish::ToolCalls),
            Event::End,
        ],
    );

    assert_eq!(stream.items(), ["message", "reasoning", "function_call"]);
    assert_eq!(stream.output()[1]["summary"], json!([]));
    assert_eq!(sealed(&stream.output()[1]), [("Zm9v".to_owned(), false)]);
}

#[test]
fn the_signature_of_a_call_joins_the_thoughts_that_led_to_it() {
    let stream = write_for(
        ASKED,
        &[
            start(0, PartHead::Reasoning(ReasoningKind::Summary)),
            thought(0, "hm"),
            end(0),
            start(1, call("c", "f")),
            data(1, Vendor::Google, "Zm9v"),
            end(1),
            start(2, PartHead::Reasoning(ReasoningKind::Summary)),
            thought(2, "hm"),
            data(2, Vendor::Google, "b3du"),
            end(2),
            start(3, call("d", "f")),
            data(3, Vendor::Google, "YmFy"),
            end(3),
            finish(Finish::ToolCalls),
            Event::End,
        ],
    );

    let expected = ["reasoning", "function_call", "reasoning", "reasoning", "function_call"];
    assert_eq!(stream.items(), expected);
    let output = stream.output();
    assert_eq!(output[0]["summary"][0]["text"], "hm");
    assert_eq!(sealed(&output[0]), [("Zm9v".to_owned(), false)]);
    assert_eq!(sealed(&output[2]), [("b3du".to_owned(), false)], "its own data stay alone");
    assert_eq!(sealed(&output[3]), [("YmFy".to_owned(), false)]);
}

#[test]
fn the_signature_of_text_that_was_sent_stands_behind_it() {
    let stream = write_for(
        ASKED,
        &[
            start(0, PartHead::Text),
            text(0, "a"),
            data(0, Vendor::Google, "Zm9v"),
            text(0, "b"),
            end(0),
            start(1, PartHead::Text),
            data(1, Vendor::Google, "YmFy"),
            text(1, "c"),
            end(1),
            finish(Finish::Stop),
            Event::End,
        ],
    );

    assert_eq!(stream.items(), ["message", "reasoning", "reasoning", "message"]);
    assert_eq!(stream.output()[0]["content"][0]["text"], "ab");
    assert_eq!(sealed(&stream.output()[1]), [("Zm9v".to_owned(), true)]);
    assert_eq!(sealed(&stream.output()[2]), [("YmFy".to_owned(), false)]);
}

#[test]
fn the_envelope_is_made_with_the_gateways_key() {
    let seal = Seal { key: std::sync::Arc::from(*b"key"), ..Seal::default() };
    let context = ReplyContext { seal, ..context(ASKED) };
    let events = [
        start(0, PartHead::Reasoning(ReasoningKind::Summary)),
        data(0, Vendor::Anthropic, "c2ln"),
        end(0),
        finish(Finish::Stop),
        Event::End,
    ];

    let stream = checked(&written(&events, &context));

    let envelope = stream.output()[0]["encrypted_content"].as_str().unwrap();
    assert!(envelope::open(envelope, b"key").is_some());
}

#[test]
fn what_a_client_sends_back_is_what_was_written() {
    let stream = write_for(
        ASKED,
        &[
            start(0, PartHead::Reasoning(ReasoningKind::Summary)),
            thought(0, "hm"),
            data(0, Vendor::Anthropic, "c2ln"),
            end(0),
            start(1, PartHead::Text),
            text(1, "a"),
            data(1, Vendor::Google, "Zm9v"),
            end(1),
            start(2, call("c", "f")),
            data(2, Vendor::Google, "YmFy"),
            end(2),
            finish(Finish::ToolCalls),
            Event::End,
        ],
    );
    let mut input = stream.output().clone();
    input.push(json!({"type": "function_call_output", "call_id": "c", "output": "ok"}));
    let body = json!({"model": "m", "input": input}).to_string();
    let peek = splice::peek_body(body.as_bytes()).unwrap();

    let mut request = request::read(body.as_bytes(), &peek).unwrap();
    envelope::open_all(&mut request, b"");

    let shown = request.turns[0].parts.iter().map(|part| {
        let data = part.opaque.as_ref().map(|data| (data.data.as_str(), data.follows));
        match &part.kind {
            PartKind::Reasoning(text) | PartKind::Text(text) => (text.as_str(), data),
            PartKind::ToolCall { name, .. } => (name.as_str(), data),
            _ => ("?", data),
        }
    });
    let expected = [
        ("hm", Some(("c2ln", false))),
        ("a", None),
        ("", Some(("Zm9v", true))),
        ("", Some(("YmFy", false))),
        ("f", None),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}
