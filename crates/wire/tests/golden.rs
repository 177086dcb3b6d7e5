//! Every request, reply, stream and error of `fixtures/`, from its format to every format.
//!
//! One snapshot per fixture shows what each of the formats makes of it, notes and refusals included.
//! `fixtures/<format>/<requests|replies|streams|errors>/<case>`; a new file is a new case.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use omniroute_wire::codec::{Change, PathModel};
use omniroute_wire::event::{Event, PartHead};
use omniroute_wire::model_facts::ThinkingControl;
use omniroute_wire::notes::Mark;
use omniroute_wire::translator::{Mode, as_api_error, translate_reply};
use omniroute_wire::{Codec, ModelFacts, Peek, ReplyContext, Target, Translator, WireFormat};
use proptest::prelude::*;
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// One file of the tree.
struct Fixture {
    name: String,
    codec: &'static dyn Codec,
    body: Bytes,
}

fn codecs() -> impl Iterator<Item = &'static dyn Codec> {
    WireFormat::ALL.into_iter().map(WireFormat::codec)
}

/// All files of one kind, by format and name.
fn fixtures(kind: &str) -> Vec<Fixture> {
    let mut found = Vec::new();
    for codec in codecs() {
        let folder = Path::new(FIXTURES).join(codec.format().name()).join(kind);
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            found.push(Fixture { name, codec, body: fs::read(&file).unwrap().into() });
        }
    }
    found
}

/// Compares what all formats make of every fixture of one kind with the snapshots.
fn check(kind: &str, show: fn(&Fixture, &'static dyn Codec, &mut String)) {
    for fixture in fixtures(kind) {
        let mut text = String::new();
        for target in codecs() {
            writeln!(text, "======== {}", target.format()).unwrap();
            show(&fixture, target, &mut text);
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(format!("snapshots/{kind}"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let name = format!("{}.{}", fixture.codec.format(), fixture.name);
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

fn pretty(bytes: &[u8]) -> String {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

fn peek(fixture: &Fixture) -> Peek {
    let gemini = fixture.codec.format() == WireFormat::Gemini;
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    fixture.codec.peek(&fixture.body, gemini.then_some(&path)).unwrap()
}

/// Facts under which each format shows most of what it has.
fn facts(format: WireFormat) -> ModelFacts {
    ModelFacts {
        thinking: match format {
            WireFormat::OpenAiChat | WireFormat::OpenAiResponses => ThinkingControl::Level,
            WireFormat::Anthropic | WireFormat::Gemini => ThinkingControl::Budget,
        },
        max_output_tokens: Some(32_000),
        max_completion_tokens: true,
        developer_role: true,
        structured_output: true,
        json_schema: true,
        ..ModelFacts::default()
    }
}

fn context() -> ReplyContext {
    ReplyContext {
        model: "asked-for".to_owned(),
        id: "gateway-1".to_owned(),
        created: 1_600_000_000,
        include_usage: true,
        json_array: false,
        ..ReplyContext::default()
    }
}

fn show_request(fixture: &Fixture, target: &'static dyn Codec, text: &mut String) {
    let request = match fixture.codec.read_request(&fixture.body, &peek(fixture)) {
        Ok(request) => request,
        Err(error) => return writeln!(text, "not readable: {error}").unwrap(),
    };
    let mut notes = request.notes.clone();
    let facts = facts(target.format());
    let written = target.write_request(&request, &Target::new("target", &facts), &mut notes);
    for note in notes.entries() {
        let mark = match note.mark {
            Mark::Approximated => "≈",
            Mark::Dropped => "✗",
        };
        writeln!(text, "{mark} {}: {}", note.field, note.detail).unwrap();
    }
    match written {
        Ok(written) => {
            if !written.aftercare.is_empty() {
                writeln!(text, "aftercare: {:?}", written.aftercare).unwrap();
            }
            writeln!(text, "{}", pretty(&written.body)).unwrap();
        }
        Err(error) => writeln!(text, "refused: {error}").unwrap(),
    }
}

fn show_reply(fixture: &Fixture, target: &'static dyn Codec, text: &mut String) {
    let whole = translate_reply(fixture.codec, target, &fixture.body, &context());
    let finish = whole.finish.map(|finish| finish.name());
    writeln!(text, "finish: {finish:?}\nusage: {:?}", whole.usage).unwrap();
    if let Some(error) = &whole.error {
        writeln!(text, "error: {error:?}").unwrap();
    }
    if fixture.codec.format() != target.format() {
        writeln!(text, "{}", pretty(&whole.body)).unwrap();
        return;
    }
    assert_eq!(whole.body, fixture.body, "{}: the same bytes", fixture.name);
    if whole.error.is_none() {
        let events = named(fixture.codec.read_reply(&fixture.body), target);
        let again = target.write_reply(&events, &context());
        writeln!(text, "exact; read and written again:\n{}", pretty(&again)).unwrap();
    }
}

fn show_stream(fixture: &Fixture, target: &'static dyn Codec, text: &mut String) {
    let mut events = Vec::new();
    let mut reader = fixture.codec.event_reader();
    reader.push(&fixture.body, &mut events);
    reader.finish(&mut events);
    if fixture.codec.format() == target.format() {
        for event in &events {
            writeln!(text, "{event:?}").unwrap();
        }
        let passed = translated(fixture, target, [fixture.body.as_ref()]);
        let added = passed.0.strip_prefix(&fixture.body[..]).unwrap();
        writeln!(text, "added to the exact bytes: {:?}", String::from_utf8_lossy(added)).unwrap();
        writeln!(text, "read and written again:").unwrap();
        text.push_str(&written(&named(events, target), target));
        return;
    }
    let (bytes, _) = translated(fixture, target, [fixture.body.as_ref()]);
    text.push_str(&String::from_utf8(bytes).unwrap().replace('\r', ""));
}

/// Gives calls without an id one, as a writer may expect.
fn named(mut events: Vec<Event>, target: &dyn Codec) -> Vec<Event> {
    for (place, event) in events.iter_mut().enumerate() {
        if let Event::PartStart { head: PartHead::ToolCall { id, .. }, .. } = event {
            *id = target.call_id(id, "reply", place);
        }
    }
    events
}

fn written(events: &[Event], target: &'static dyn Codec) -> String {
    let mut out = Vec::new();
    let mut writer = target.event_writer(&context());
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out).unwrap().replace('\r', "")
}

/// Returns the client's bytes and how the stream stood at its end.
fn translated<'b>(
    fixture: &Fixture,
    target: &'static dyn Codec,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> (Vec<u8>, String) {
    let mut stream = Translator::new(fixture.codec, target, context());
    let mut out = Vec::new();
    for piece in pieces {
        stream.push(&Bytes::copy_from_slice(piece), &mut out);
    }
    let progress = stream.finish(&mut out);
    let facts = (progress, stream.usage(), stream.end_reason(), stream.error());
    (out.concat(), format!("{facts:?}"))
}

fn show_error(fixture: &Fixture, target: &'static dyn Codec, text: &mut String) {
    let status = fixture.name.split('-').next().unwrap().parse().unwrap();
    let error = fixture.codec.read_error(status, &fixture.body);
    if fixture.codec.format() == target.format() {
        writeln!(text, "{error:?}").unwrap();
    }
    writeln!(text, "{}", pretty(&target.write_error(&as_api_error(&error)))).unwrap();
}

#[test]
fn requests() {
    check("requests", show_request);
}

#[test]
fn replies() {
    check("replies", show_reply);
}

#[test]
fn streams() {
    check("streams", show_stream);
}

#[test]
fn errors() {
    check("errors", show_error);
}

#[test]
fn requests_of_the_same_format_change_only_in_the_model() {
    for fixture in fixtures("requests") {
        let spliced =
            fixture.codec.splice(&fixture.body, &peek(&fixture), &Change::model("target/1"));
        let before = String::from_utf8(fixture.body.to_vec()).unwrap();
        let after = String::from_utf8(spliced.to_vec()).unwrap();
        let expected = before.replacen("\"model\": \"m\"", "\"model\": \"target/1\"", 1);
        assert_eq!(after, expected, "{}", fixture.name);
    }
}

#[test]
fn equal_formats_are_exact_and_others_translated() {
    for upstream in codecs() {
        for client in codecs() {
            let stream = Translator::new(upstream, client, context());
            let equal = upstream.format() == client.format();
            assert_eq!(stream.mode() == Mode::Exact, equal);

            let array = ReplyContext { json_array: true, ..context() };
            let stream = Translator::new(upstream, client, array);
            assert_eq!(stream.mode(), Mode::Translated, "providers send event streams");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_cut_of_any_stream_gives_the_same_client_bytes(
        pick in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let streams = fixtures("streams");
        let fixture = pick.get(&streams);
        let body = &fixture.body[..];
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        places.extend([0, body.len()]);
        places.sort_unstable();
        let pieces = || places.windows(2).map(|pair| &body[pair[0]..pair[1]]);

        for target in codecs() {
            let whole = translated(fixture, target, [body]);
            let cut = translated(fixture, target, pieces());
            if cut == whole {
                continue;
            }
            // Only the bytes of an exact stream that cannot be read may differ: it ends with the piece that shows it.
            prop_assert_eq!(target.format(), fixture.codec.format(), "{}", &fixture.name);
            prop_assert_eq!(&cut.1, &whole.1, "{}", &fixture.name);
            let told = whole.0.strip_prefix(body).unwrap().trim_ascii_start();
            let passed = cut.0.strip_suffix(told).unwrap().trim_ascii_end();
            prop_assert!(!told.is_empty() && body.starts_with(passed), "{}", &fixture.name);
        }
        let mut reader = fixture.codec.event_reader();
        let mut events = Vec::new();
        pieces().for_each(|piece| reader.push(piece, &mut events));
        reader.finish(&mut events);
        let mut reader = fixture.codec.event_reader();
        let mut at_once = Vec::new();
        reader.push(body, &mut at_once);
        reader.finish(&mut at_once);
        prop_assert_eq!(events, at_once);
    }
}
