//! Recorded provider traffic: its cases, the bytes of each as they came, and any cut of them.

use std::fs;
use std::path::{Path, PathBuf};

use omniroute_wire::event::Event;
use omniroute_wire::{Codec, WireFormat};
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");

/// One recorded case.
pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
    pub(crate) codec: &'static dyn Codec,
    pub(crate) expected: Value,
}

impl Case {
    pub(crate) fn kind(&self) -> &str {
        self.expected["kind"].as_str().unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    /// The body of a stream as it came over the wire.
    pub(crate) fn stream(&self) -> Vec<u8> {
        if let Some(body) = self.file("response.sse").or_else(|| self.file("response.array.json")) {
            return body;
        }
        let chunks = self.file("response.chunks.txt").unwrap();
        let lines = String::from_utf8(chunks).unwrap();
        let mut body = String::new();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            match self.codec.format() {
                WireFormat::Anthropic | WireFormat::OpenAiResponses => {
                    let event: Value = serde_json::from_str(line).unwrap();
                    let kind = event["type"].as_str().unwrap();
                    body.push_str(&format!("event: {kind}\ndata: {line}\n\n"));
                }
                WireFormat::Gemini => body.push_str(&format!("data: {line}\r\n\r\n")),
                _ => body.push_str(&format!("data: {line}\n\n")),
            }
        }
        if self.codec.format() == WireFormat::OpenAiChat {
            body.push_str("data: [DONE]\n\n");
        }
        body.into_bytes()
    }

    /// The status that came with it.
    pub(crate) fn status(&self) -> u16 {
        let http: Value = serde_json::from_slice(&self.file("http.json").unwrap()).unwrap();
        u16::try_from(http["http"]["status"].as_u64().unwrap()).unwrap()
    }

    pub(crate) fn whole(&self) -> Vec<u8> {
        let body = self.file("response.json").or_else(|| self.file("response.txt"));
        body.unwrap_or_else(|| panic!("{}: no body", self.name))
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for provider in folders(Path::new(FIXTURES)) {
        for (format, wire) in [
            ("chat", WireFormat::OpenAiChat),
            ("responses", WireFormat::OpenAiResponses),
            ("messages", WireFormat::Anthropic),
            ("generate", WireFormat::Gemini),
        ] {
            for folder in folders(&provider.join(format)) {
                let expected = fs::read(folder.join("expected.json")).unwrap();
                cases.push(Case {
                    name: folder.strip_prefix(FIXTURES).unwrap().display().to_string(),
                    codec: wire.codec(),
                    expected: serde_json::from_slice(&expected).unwrap(),
                    folder,
                });
            }
        }
    }
    cases
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

pub(crate) fn read_stream<'b>(
    codec: &dyn Codec,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Vec<Event> {
    let mut reader = codec.event_reader();
    let mut events = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut events);
    }
    reader.finish(&mut events);
    events
}

/// Cuts at pseudo-random places; the seed makes a failure repeatable.
pub(crate) fn cut(body: &[u8], seed: u64, longest: usize) -> Vec<&[u8]> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pieces = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let length = 1 + usize::try_from(state % u64::try_from(longest).unwrap()).unwrap();
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

pub(crate) fn are_there() -> bool {
    let found = Path::new(FIXTURES).is_dir();
    if !found {
        eprintln!("skipped: no recorded traffic at {FIXTURES}");
    }
    found
}
