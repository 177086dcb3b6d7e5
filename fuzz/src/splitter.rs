//! The event-stream parser: any cut of the bytes gives the same frames.

#![no_main]

#[expect(dead_code, reason = "no target needs all of it")]
mod kit;

use libfuzzer_sys::fuzz_target;
use omniroute_wire::sse::Splitter;

fn frames<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<String> {
    let mut frames = Vec::new();
    let mut splitter = Splitter::default();
    for piece in pieces {
        splitter.push(piece, |frame| frames.push(format!("{frame:?}")));
    }
    splitter.finish(|frame| frames.push(format!("{frame:?}")));
    frames
}

fuzz_target!(|data: &[u8]| {
    let Some((body, pieces)) = kit::cut(data) else { return };
    assert_eq!(frames(pieces), frames([body]));
});
