//! `omniroute-translation`: what translating costs by itself, without sockets.
//!
//! A request of about 100 KB is read in one format and written in another; the time is compared with
//! parsing the same bytes as JSON values in the same round, and so is the look at it that every call gets.
//! A stream of a thousand events is translated and compared with the same format's stream passed through
//! (which reads it too, for usage). Memory in use is taken after a short and after a ten times longer stream;
//! only a Responses client's may differ, because its format says the whole text again when it is done.

mod clock;

use std::alloc::System;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use cap::Cap;
use mimalloc as _;
use omniroute_wire::codec::PathModel;
use omniroute_wire::{
    Codec, ModelFacts, Notes, Peek, ReplyContext, Target, Translator, WireFormat,
};
use serde_json::{Value, json};

/// The gateway's allocator, counting the bytes that are in use.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes of text in the conversation.
const REQUEST_BYTES: usize = 100_000;

/// Text deltas of the stream.
const EVENTS: usize = 1000;

/// Most times parsing that translating a request may take (the project's target).
const REQUEST_TARGET: f64 = 3.0;

/// Most microseconds of an event over passing it through (the project's target).
const EVENT_TARGET_US: f64 = 2.0;

/// Most bytes that an event of five letters may leave behind in a stream to a client of another format
/// than Responses.
const GROWTH_TARGET: f64 = 0.1;

/// Rounds; the fastest counts, since nothing but the machine makes a round slower.
const ROUNDS: usize = 60;

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn main() {
    print!("{}", report());
}

/// Measures every pair and returns the table in words.
fn report() -> String {
    let mut text = String::from(
        "translation alone (fastest of 60 rounds)\n\n\
         from               to                 request us   parse us   x parse   event us   over exact us   growth bytes/event\n",
    );
    let mut missed = Vec::new();
    for client in WireFormat::ALL {
        for provider in WireFormat::ALL {
            if client == provider {
                continue;
            }
            let request = request_cost(client.codec(), provider.codec());
            let stream = stream_cost(provider.codec(), client.codec());
            let ratio = request.translated.as_secs_f64() / request.parsed.as_secs_f64();
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "{:<18} {:<18} {:>10.1} {:>10.1} {:>9.2} {:>10.3} {:>15.3} {:>20.1}",
                client.name(),
                provider.name(),
                micros(request.translated),
                micros(request.parsed),
                ratio,
                stream.event_us,
                stream.over_exact_us,
                stream.growth,
            );
            if ratio > REQUEST_TARGET {
                missed.push(format!(
                    "{client} to {provider}: request {ratio:.2}x parsing ({REQUEST_TARGET}x)"
                ));
            }
            if stream.over_exact_us > EVENT_TARGET_US {
                let over = stream.over_exact_us;
                missed.push(format!(
                    "{provider} to {client}: event {over:.2} us over exact ({EVENT_TARGET_US} us)"
                ));
            }
            if stream.growth > GROWTH_TARGET && client != WireFormat::OpenAiResponses {
                let growth = stream.growth;
                missed.push(format!("{provider} to {client}: an event leaves {growth:.1} bytes"));
            }
        }
    }
    text.push_str(&looks());
    if missed.is_empty() {
        text.push_str("\nall targets are reached\n");
    } else {
        let _ = writeln!(text, "\nmissed:\n  {}", missed.join("\n  "));
    }
    text
}

struct RequestCost {
    translated: Duration,
    parsed: Duration,
}

fn request_cost(client: &dyn Codec, provider: &dyn Codec) -> RequestCost {
    let (body, path) = asked(client.format());
    let facts = ModelFacts { max_output_tokens: Some(8192), ..ModelFacts::default() };
    let target = Target::new("m", &facts);
    let translate = || {
        let peek: Peek = client.peek(&body, path.as_ref()).unwrap_or_default();
        let request = client.read_request(&body, &peek).unwrap_or_default();
        black_box(provider.write_request(&request, &target, &mut Notes::default()).is_ok());
    };
    let parse = || drop(black_box(serde_json::from_slice::<Value>(&body)));
    let (mut translated, mut parsed) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        translated = translated.min(timed(translate));
        parsed = parsed.min(timed(parse));
    }
    RequestCost { translated, parsed }
}

/// Measures the look at a request in every format and returns the table in words.
fn looks() -> String {
    let mut text = String::from("\na look at a request, for its model and its outline\n\n");
    for client in WireFormat::ALL {
        let (look, parse) = look_cost(client.codec());
        let ratio = look.as_secs_f64() / parse.as_secs_f64();
        let (name, micros) = (client.name(), micros(look));
        let _ = writeln!(text, "{name:<18} {micros:>10.1} us {ratio:>9.3} x parse");
    }
    text
}

/// Returns the time of a look at a request that is plain, and that of parsing it.
fn look_cost(client: &dyn Codec) -> (Duration, Duration) {
    let (body, path) = asked(client.format());
    let is_plain = client.peek(&body, path.as_ref()).is_ok_and(|peek| peek.outline.is_some());
    assert!(is_plain, "the request of {} has an outline", client.format());
    let (mut looked, mut parsed) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        looked = looked.min(timed(|| drop(black_box(client.peek(&body, path.as_ref())))));
        parsed = parsed.min(timed(|| drop(black_box(serde_json::from_slice::<Value>(&body)))));
    }
    (looked, parsed)
}

/// A client's request, and what its URL says.
fn asked(format: WireFormat) -> (Vec<u8>, Option<PathModel>) {
    let path = PathModel { model: "m".to_owned(), stream: true, json_array: false };
    let path = (format == WireFormat::Gemini).then_some(path);
    (request(format).to_string().into_bytes(), path)
}

struct StreamCost {
    event_us: f64,
    over_exact_us: f64,
    growth: f64,
}

fn stream_cost(provider: &'static dyn Codec, client: &'static dyn Codec) -> StreamCost {
    let pieces = stream(provider.format(), EVENTS);
    let (mut translated, mut exact) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        translated = translated.min(timed(|| drop(black_box(run(provider, client, &pieces)))));
        exact = exact.min(timed(|| drop(black_box(run(provider, provider, &pieces)))));
    }
    let per_event = |time: Duration| micros(time) / EVENTS as f64;
    let long = stream(provider.format(), 10 * EVENTS);
    let (few, many) = (kept(provider, client, &pieces), kept(provider, client, &long));
    StreamCost {
        event_us: per_event(translated),
        over_exact_us: per_event(translated.saturating_sub(exact)),
        growth: (many as f64 - few as f64) / (9 * EVENTS) as f64,
    }
}

fn run(provider: &dyn Codec, client: &'static dyn Codec, pieces: &[Bytes]) -> Translator {
    let mut stream = Translator::new(provider, client, ReplyContext::default());
    let mut out = Vec::new();
    for piece in pieces {
        stream.push(piece, &mut out);
        out.clear();
    }
    stream
}

/// Returns how many bytes a stream holds on to while it is still open.
fn kept(provider: &'static dyn Codec, client: &'static dyn Codec, pieces: &[Bytes]) -> usize {
    let before = ALLOCATOR.allocated();
    let stream = run(provider, client, pieces);
    let after = ALLOCATOR.allocated();
    drop(stream);
    after.saturating_sub(before)
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = clock::now();
    work();
    start.elapsed()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A coding agent's conversation: long texts, calls and their results in turn.
fn request(format: WireFormat) -> Value {
    let text =
        "The function reads a line,\nsplits it at \"commas\" and returns its fields. ".repeat(13);
    let steps = REQUEST_BYTES / (2 * text.len());
    let tool = json!({ "type": "object", "properties": { "path": { "type": "string" } } });
    match format {
        WireFormat::OpenAiChat => {
            let mut messages = vec![json!({ "role": "user", "content": text })];
            for step in 0..steps {
                let call = json!({ "id": format!("call_{step}"), "type": "function", "function": { "name": "read", "arguments": "{\"path\":\"src/main.rs\"}" } });
                messages
                    .push(json!({ "role": "assistant", "content": text, "tool_calls": [call] }));
                messages.push(json!({ "role": "tool", "tool_call_id": format!("call_{step}"), "content": text }));
            }
            json!({ "model": "m", "stream": true, "messages": messages,
                    "tools": [{ "type": "function", "function": { "name": "read", "parameters": tool } }] })
        }
        WireFormat::OpenAiResponses => {
            let mut input = vec![json!({ "role": "user", "content": text })];
            for step in 0..steps {
                input.push(json!({ "role": "assistant", "content": [{ "type": "output_text", "text": text }] }));
                input.push(json!({ "type": "function_call", "call_id": format!("call_{step}"), "name": "read", "arguments": "{\"path\":\"src/main.rs\"}" }));
                input.push(json!({ "type": "function_call_output", "call_id": format!("call_{step}"), "output": text }));
            }
            json!({ "model": "m", "stream": true, "input": input,
                    "tools": [{ "type": "function", "name": "read", "parameters": tool, "strict": false }] })
        }
        WireFormat::Anthropic => {
            let mut messages = vec![json!({ "role": "user", "content": text })];
            for step in 0..steps {
                messages.push(json!({ "role": "assistant", "content": [{ "type": "text", "text": text }, { "type": "tool_use", "id": format!("toolu_{step}"), "name": "read", "input": { "path": "src/main.rs" } }] }));
                messages.push(json!({ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": format!("toolu_{step}"), "content": text }] }));
            }
            json!({ "model": "m", "stream": true, "max_tokens": 1000, "messages": messages,
                    "tools": [{ "name": "read", "input_schema": tool }] })
        }
        WireFormat::Gemini => {
            let mut contents = vec![json!({ "role": "user", "parts": [{ "text": text }] })];
            for step in 0..steps {
                contents.push(json!({ "role": "model", "parts": [{ "text": text }, { "functionCall": { "id": format!("c{step}"), "name": "read", "args": { "path": "src/main.rs" } } }] }));
                contents.push(json!({ "role": "user", "parts": [{ "functionResponse": { "id": format!("c{step}"), "name": "read", "response": { "output": text } } }] }));
            }
            json!({ "contents": contents, "tools": [{ "functionDeclarations": [{ "name": "read", "parameters": tool }] }] })
        }
    }
}

/// The pieces of an open stream of text: its beginning and this many deltas.
fn stream(format: WireFormat, events: usize) -> Vec<Bytes> {
    let (start, delta) = match format {
        WireFormat::OpenAiChat => (
            String::from(
                "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
            ),
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n",
        ),
        WireFormat::OpenAiResponses => (
            String::from(
                "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"in_progress\",\"model\":\"m\",\"output\":[]}}\n\n\
             event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n\
             event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
            ),
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" word\"}\n\n",
        ),
        WireFormat::Anthropic => (
            String::from(
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n\
             event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            ),
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n",
        ),
        WireFormat::Gemini => (
            String::new(),
            "data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\" word\"}]}}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
        ),
    };
    let mut pieces = vec![Bytes::from(start)];
    pieces.extend((0..events).map(|_| Bytes::from_static(delta.as_bytes())));
    pieces
}
