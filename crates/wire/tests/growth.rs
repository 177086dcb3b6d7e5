//! What a stream holds on to does not grow with its length, but for what the client's format repeats.
//!
//! - Responses says every text and every input of a call again when it is done, and the whole output at
//!   the end.
//! - Gemini has whole calls only.
//! - Reasoning is kept until its part ends, whoever the client is: a signature is over all of it, and both
//!   go into the same entry or envelope, and into the memory of calls.

use std::alloc::System;

use bytes::Bytes;
use cap::Cap;
use omniroute_wire::{Codec, ReplyContext, Translator, WireFormat};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const FEW: usize = 1_000;
const MANY: usize = 10_000;

/// What every event adds.
const WORD: &str = " word";

/// More than lists of a fixed length differ by.
const NOTHING: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Arguments,
}

#[derive(Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// The characters, once.
    Once,
    /// The characters, in the writer and for the memory of calls.
    ForMemory,
}

fn expected(upstream: WireFormat, client: WireFormat, kind: Kind) -> Holds {
    match (kind, client) {
        _ if upstream == client => Holds::Nothing,
        (Kind::Reasoning, _) => Holds::ForMemory,
        (_, WireFormat::OpenAiResponses) => Holds::Once,
        (Kind::Arguments, WireFormat::Gemini) => Holds::Once,
        _ => Holds::Nothing,
    }
}

// One test, because tests of one process share the allocator.
#[test]
fn a_stream_keeps_what_its_clients_format_repeats_and_nothing_else() {
    for kind in [Kind::Text, Kind::Reasoning, Kind::Arguments] {
        for upstream in WireFormat::ALL {
            for client in WireFormat::ALL {
                let (few, many) =
                    (held(upstream, client, kind, FEW), held(upstream, client, kind, MANY));
                let (grown, said) = (many.saturating_sub(few), (MANY - FEW) * WORD.len());
                let holds = expected(upstream, client, kind);
                let fits = match holds {
                    Holds::Nothing => grown <= NOTHING,
                    // A growing string may have twice the room it needs.
                    Holds::Once => grown >= said / 2 && many < 2 * MANY * WORD.len(),
                    Holds::ForMemory => grown >= said / 2 && many < 3 * MANY * WORD.len(),
                };
                assert!(
                    fits,
                    "{kind:?} of {upstream} for {client}: {few} bytes after {FEW} events, {many} after {MANY}; {holds:?}"
                );
            }
        }
    }
}

/// Returns how many bytes an open stream holds after so many events.
fn held(upstream: WireFormat, client: WireFormat, kind: Kind, events: usize) -> usize {
    let (start, delta) = stream(upstream, kind);
    let delta = Bytes::from(delta);
    let before = ALLOCATOR.allocated();
    let (upstream, client): (&dyn Codec, _) = (upstream.codec(), client.codec());
    let mut stream = Translator::new(upstream, client, ReplyContext::default());
    let mut out = Vec::new();
    stream.push(&Bytes::from(start), &mut out);
    for _ in 0..events {
        out.clear();
        stream.push(&delta, &mut out);
    }
    assert!(stream.error().is_none(), "{:?}", stream.error());
    drop(out);
    ALLOCATOR.allocated().saturating_sub(before)
}

fn frames(events: &[(&str, Value)]) -> String {
    let frame = |(name, data): &(&str, Value)| {
        let name = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
        format!("{name}data: {data}\n\n")
    };
    events.iter().map(frame).collect()
}

/// Returns the beginning of a stream and the event that repeats.
fn stream(format: WireFormat, kind: Kind) -> (String, String) {
    let (start, delta) = match format {
        WireFormat::OpenAiChat => chat(kind),
        WireFormat::OpenAiResponses => responses(kind),
        WireFormat::Anthropic => messages(kind),
        WireFormat::Gemini => generate(kind),
    };
    (frames(&start), frames(&[delta]))
}

type Event = (&'static str, Value);

fn chat(kind: Kind) -> (Vec<Event>, Event) {
    let chunk = |delta: Value| {
        ("", json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]}))
    };
    let start = match kind {
        Kind::Arguments => json!({"role": "assistant", "tool_calls": [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\""}}]}),
        _ => json!({"role": "assistant", "content": ""}),
    };
    let delta = match kind {
        Kind::Text => json!({"content": WORD}),
        Kind::Reasoning => json!({"reasoning_content": WORD}),
        Kind::Arguments => {
            json!({"tool_calls": [{"index": 0, "function": {"arguments": WORD}}]})
        }
    };
    (vec![chunk(start)], chunk(delta))
}

fn responses(kind: Kind) -> (Vec<Event>, Event) {
    let created = json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}});
    let (item, name, member) = match kind {
        Kind::Text => (
            json!({"id": "msg_1", "type": "message", "role": "assistant", "content": []}),
            "response.output_text.delta",
            "content_index",
        ),
        Kind::Reasoning => (
            json!({"id": "rs_1", "type": "reasoning", "summary": []}),
            "response.reasoning_summary_text.delta",
            "summary_index",
        ),
        Kind::Arguments => (
            json!({"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}),
            "response.function_call_arguments.delta",
            "content_index",
        ),
    };
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item});
    let delta =
        json!({"type": name, "item_id": item["id"], "output_index": 0, member: 0, "delta": WORD});
    (vec![("response.created", created), ("response.output_item.added", added)], (name, delta))
}

fn messages(kind: Kind) -> (Vec<Event>, Event) {
    let start = json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "m", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}});
    let (block, delta) = match kind {
        Kind::Text => {
            (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": WORD}))
        }
        Kind::Reasoning => (
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            json!({"type": "thinking_delta", "thinking": WORD}),
        ),
        Kind::Arguments => (
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
            json!({"type": "input_json_delta", "partial_json": WORD}),
        ),
    };
    let block = json!({"type": "content_block_start", "index": 0, "content_block": block});
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": delta});
    (vec![("message_start", start), ("content_block_start", block)], ("content_block_delta", delta))
}

fn generate(kind: Kind) -> (Vec<Event>, Event) {
    let chunk = |part: Value| {
        (
            "",
            json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}], "responseId": "r"}),
        )
    };
    let start = match kind {
        Kind::Arguments => {
            vec![chunk(json!({"functionCall": {"name": "f", "willContinue": true}}))]
        }
        _ => Vec::new(),
    };
    let delta = match kind {
        Kind::Text => json!({"text": WORD}),
        Kind::Reasoning => json!({"text": WORD, "thought": true}),
        Kind::Arguments => json!({"functionCall": {"partialArgs":
            [{"jsonPath": "$.a", "stringValue": WORD, "willContinue": true}], "willContinue": true}}),
    };
    (start, chunk(delta))
}
