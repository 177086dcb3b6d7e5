//! Recorded replies of every provider, written for clients of every format and read again there, must
//! still say the same.
//!
//! That the reader finds the recorded facts is proved beside this test; here the facts it found are
//! compared with those that the client's own reader finds in what the client got.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly and says when it has nothing to read"
)]

use std::collections::BTreeSet;

use bytes::Bytes;
use omniroute_wire::chat::ChatRequest;
use omniroute_wire::translator::{Collector, WholeReply, WholeTurn, as_api_error, translate_reply};
use omniroute_wire::{Codec, Event, ReplyContext, Target, Translator, WireError, WireFormat};

mod asked;
mod replay;
mod said;
mod strict;

use asked::Asked;
use replay::{Case, are_there, cases, cut, read_stream};
use said::{Said, class, expected};

/// What a client gets differently from what the provider said: case, client, fact, and why.
const DEVIATIONS: &[(&str, &str, &str, &str)] = &[(
    "openai/responses/background-queued",
    "openai_responses",
    "finish",
    "a stream has no end for an answer that is not there yet; the object at its end says `queued`",
)];

/// What a Responses client asked for.
const ASKED: &[u8] =
    br#"{"include":["message.output_text.logprobs","reasoning.encrypted_content"]}"#;

/// Requests that cannot be asked elsewhere: case, the client's field, to which formats, and why.
const REFUSALS: &[(&str, &str, &[&str], &str)] = &[
    ("anthropic/messages/stream-code-execution", "tools", NOT_MESSAGES, "runs at its vendor"),
    ("anthropic/messages/stream-tool-search", "tools", NOT_MESSAGES, "runs at its vendor"),
    ("anthropic/messages/stream-mcp", "mcp_servers", NOT_MESSAGES, "called by its vendor"),
    (
        "anthropic/messages/stream-stop-sequence-prefill",
        "messages",
        &["gemini"],
        "an answer that was begun cannot be gone on from",
    ),
    (
        "google-vertex/messages/stream-tool-vertex-claude",
        "model",
        ALL,
        "the model is in a path that is not served",
    ),
    ("google/generate/cached-content", "cachedContent", NOT_GENERATE, "stored at its vendor"),
    ("google/generate/stream-code-execution", "tools", NOT_GENERATE, "runs at its vendor"),
    ("google/generate/stream-url-context", "tools", NOT_GENERATE, "runs at its vendor"),
    (
        "google-vertex/generate/image-out-webp",
        "generationConfig.responseModalities",
        &["anthropic"],
        "no pictures",
    ),
    ("openai/chat/audio-out", "modalities", &["openai_responses"], "no sound"),
    ("openai/chat/audio-out", "audio", &["anthropic", "gemini"], "no sound, or not of this kind"),
    ("openai/chat/stream-n2", "n", &["openai_responses", "anthropic"], "one answer"),
    ("openai/responses/background-queued", "background", ALL, "an answer that comes later"),
    ("openai/responses/image-generation-jpeg", "tools", NOT_RESPONSES, "runs at its vendor"),
    (
        "openai/responses/stream-mcp-list-items-never-done",
        "tools",
        NOT_RESPONSES,
        "called by its vendor",
    ),
];
const ALL: &[&str] = &["openai_chat", "openai_responses", "anthropic", "gemini"];
const NOT_MESSAGES: &[&str] = &["openai_chat", "openai_responses", "gemini"];
const NOT_GENERATE: &[&str] = &["openai_chat", "openai_responses", "anthropic"];
const NOT_RESPONSES: &[&str] = &["openai_chat", "anthropic", "gemini"];

/// Most bytes of a stream that is collected.
const MOST: usize = 1 << 24;

/// What was found wrong so far.
#[derive(Default)]
struct Findings {
    unknown: Vec<String>,
    seen: BTreeSet<(&'static str, &'static str, &'static str)>,
}

impl Findings {
    /// Compares what a client got with what it should get, and keeps what differs.
    fn compare(&mut self, case: &Case, client: &dyn Codec, way: &str, want: &Said, got: &Said) {
        for (fact, text) in want.differences(got) {
            self.add(case, client, way, fact, &text);
        }
    }

    fn add(&mut self, case: &Case, client: &dyn Codec, way: &str, fact: &str, text: &str) {
        let format = client.format().name();
        let known = DEVIATIONS.iter().find(|(name, client, known, _)| {
            case.name == *name && format == *client && fact == *known
        });
        match known {
            Some((name, client, fact, _)) => drop(self.seen.insert((name, client, fact))),
            None => self.unknown.push(format!("{} to {format}, {way}, {fact}: {text}", case.name)),
        }
    }
}

fn clients() -> impl Iterator<Item = &'static dyn Codec> {
    WireFormat::ALL.into_iter().map(WireFormat::codec)
}

fn context() -> ReplyContext {
    ReplyContext {
        model: "asked-for".to_owned(),
        id: "gateway-1".to_owned(),
        created: 1_600_000_000,
        include_usage: true,
        asked: Bytes::from_static(ASKED),
        ..ReplyContext::default()
    }
}

/// Translates a stream that comes in these pieces.
fn translated<'b>(
    upstream: &dyn Codec,
    client: &'static dyn Codec,
    context: ReplyContext,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Vec<u8> {
    let mut stream = Translator::new(upstream, client, context);
    let mut out = Vec::new();
    for piece in pieces {
        stream.push(&Bytes::copy_from_slice(piece), &mut out);
    }
    stream.finish(&mut out);
    out.concat()
}

/// Reads a whole answer as its client does.
fn read_whole(client: &dyn Codec, reply: &WholeReply) -> Vec<Event> {
    match &reply.error {
        Some(error) => vec![Event::Error(client.read_error(error.status, &reply.body))],
        None => {
            strict::check_whole(client.format(), &reply.body);
            client.read_reply(&reply.body)
        }
    }
}

fn streams(case: &Case, found: &mut Findings) {
    let body = case.stream();
    let source = read_stream(case.codec, [body.as_slice()]);
    cut_short(case, &body, found);
    for client in clients() {
        let want = expected(&source, client.format());
        let mut collector = Collector::new(case.codec, client, context(), MOST);
        cut(&body, 5, 90).into_iter().for_each(|piece| collector.push(piece));
        let whole = collector.finish();
        let got = Said::of(&read_whole(client, &whole));
        found.compare(case, client, "stream to whole", &want, &got);
        if client.format() == case.codec.format() {
            continue;
        }

        let bytes = translated(case.codec, client, context(), [body.as_slice()]);
        check_stream(case, client, "stream", &bytes, &want, found);
        second_hop(case, client, &bytes, found);
        for seed in 1..=3 {
            let pieces = cut(&body, seed, 90);
            let again = translated(case.codec, client, context(), pieces);
            assert_eq!(again, bytes, "{} to {} seed {seed}", case.name, client.format());
        }
        if client.format() == WireFormat::Gemini {
            let array = ReplyContext { json_array: true, ..context() };
            let bytes = translated(case.codec, client, array, [body.as_slice()]);
            let got = Said::of(&read_stream(client, [bytes.as_slice()]));
            found.compare(case, client, "stream to array", &want, &got);
        }
    }
}

/// What one client gets, taken for what a provider of its format sent, reaches all others as well.
fn second_hop(case: &Case, upstream: &dyn Codec, bytes: &[u8], found: &mut Findings) {
    let source = read_stream(upstream, [bytes]);
    for client in clients().filter(|client| client.format() != upstream.format()) {
        let way = format!("through {}", upstream.format());
        let again = translated(upstream, client, context(), cut(bytes, 9, 900));
        check_stream(case, client, &way, &again, &expected(&source, client.format()), found);
    }
}

/// The same for a whole reply.
fn second_reply(case: &Case, upstream: &dyn Codec, body: &Bytes, found: &mut Findings) {
    let source = upstream.read_reply(body);
    for client in clients().filter(|client| client.format() != upstream.format()) {
        let whole = translate_reply(upstream, client, body, &context());
        let want = expected(&source, client.format());
        let got = Said::of(&read_whole(client, &whole));
        found.compare(case, client, &format!("whole through {}", upstream.format()), &want, &got);
    }
}

/// A stream that ends too early anywhere ends as an error for every client.
fn cut_short(case: &Case, body: &[u8], found: &mut Findings) {
    for (place, piece) in cut(body, 3, body.len() / 3 + 1).iter().enumerate().take(6) {
        let end = piece.as_ptr() as usize - body.as_ptr() as usize + piece.len();
        let source = read_stream(case.codec, [&body[..end]]);
        for client in clients().filter(|client| client.format() != case.codec.format()) {
            let bytes = translated(case.codec, client, context(), [&body[..end]]);
            let want = expected(&source, client.format());
            check_stream(case, client, &format!("cut {place}"), &bytes, &want, found);
        }
    }
}

fn replies(case: &Case, found: &mut Findings) {
    let body = Bytes::from(case.whole());
    let source = case.codec.read_reply(&body);
    for client in clients() {
        let want = expected(&source, client.format());
        let mut turn = WholeTurn::new(case.codec, client, &context());
        turn.add(case.codec.read_reply(&body));
        let played = turn.played(client, &context());
        if played.error.is_none() {
            check_stream(case, client, "whole to stream", &played.body, &want, found);
            second_hop(case, client, &played.body, found);
        } else {
            assert!(want.failure.is_some(), "{}: {:?}", case.name, played.error);
        }
        if client.format() != case.codec.format() {
            let whole = translate_reply(case.codec, client, &body, &context());
            let got = Said::of(&read_whole(client, &whole));
            found.compare(case, client, "whole", &want, &got);
            if whole.error.is_none() {
                second_reply(case, client, &whole.body, found);
            }
        }
    }
}

fn check_stream(
    case: &Case,
    client: &'static dyn Codec,
    way: &str,
    bytes: &[u8],
    want: &Said,
    found: &mut Findings,
) {
    strict::check(client.format(), std::str::from_utf8(bytes).unwrap());
    let got = Said::of(&read_stream(client, [bytes]));
    found.compare(case, client, way, want, &got);
}

fn errors(case: &Case, found: &mut Findings) {
    let error = case.codec.read_error(case.status(), &case.whole());
    for client in clients() {
        let written = client.write_error(&as_api_error(&error));
        let again = client.read_error(client.format().client_status(error.status), &written);
        if (class(again.kind), &again.message) != (class(error.kind), &error.message) {
            found.add(case, client, "error", "error", &format!("{error:?} became {again:?}"));
        }
    }
}

#[test]
fn every_client_gets_what_was_recorded() {
    if !are_there() {
        return;
    }
    let mut found = Findings::default();
    for case in cases() {
        match case.kind() {
            "stream" => streams(&case, &mut found),
            "response" | "malformed" => replies(&case, &mut found),
            _ => errors(&case, &mut found),
        }
    }
    assert!(found.unknown.is_empty(), "unknown deviations:\n{}", found.unknown.join("\n"));
    let known: BTreeSet<_> =
        DEVIATIONS.iter().map(|(case, client, fact, _)| (*case, *client, *fact)).collect();
    let gone: Vec<_> = known.difference(&found.seen).collect();
    assert!(gone.is_empty(), "these deviations are gone; take them out of the table: {gone:?}");
}

/// Returns what is wrong with a request as a provider of this format gets it.
fn ask(
    target: &dyn Codec,
    request: &ChatRequest,
) -> Result<Vec<(&'static str, String)>, WireError> {
    let facts = asked::facts(target.format());
    let mut notes = request.notes.clone();
    let written = target.write_request(request, &Target::new("target-1", &facts), &mut notes)?;
    let again = asked::read(target, &Bytes::from(written.body))?;
    Ok(Asked::of(request).differences(&Asked::of(&again)))
}

#[test]
fn every_provider_is_asked_for_what_was_recorded() {
    if !are_there() {
        return;
    }
    let (mut wrong, mut refused) = (Vec::new(), BTreeSet::new());
    for case in cases() {
        let Some(body) = case.file("request.json") else { continue };
        let request = asked::read(case.codec, &Bytes::from(body));
        for target in clients() {
            let format = target.format().name();
            match request.as_ref().map_err(Clone::clone).and_then(|request| ask(target, request)) {
                Ok(differences) => wrong.extend(
                    differences
                        .iter()
                        .map(|(fact, text)| format!("{} to {format}, {fact}: {text}", case.name)),
                ),
                Err(error) => {
                    for field in asked::fields(&error) {
                        refused.insert((case.name.clone(), field, format));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed = |(case, field, formats, _): &(&str, &str, &'static [&'static str], _)| {
        let (case, field) = ((*case).to_owned(), (*field).to_owned());
        formats.iter().map(move |format| (case.clone(), field.clone(), *format)).collect::<Vec<_>>()
    };
    let listed: BTreeSet<_> = REFUSALS.iter().flat_map(listed).collect();
    let odd: Vec<_> = refused.symmetric_difference(&listed).collect();
    assert!(odd.is_empty(), "refused, or listed as refused, only: {odd:#?}");
}
