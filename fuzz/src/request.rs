//! Requests: whatever is read is written for every format, or refused with a sentence.

#![no_main]

#[expect(dead_code, reason = "no target needs all of it")]
mod kit;

use libfuzzer_sys::fuzz_target;
use omniroute_wire::codec::PathModel;
use omniroute_wire::{ModelFacts, Notes, Target, envelope};

fuzz_target!(|data: &[u8]| {
    let Some((client, body)) = kit::format(data) else { return };
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let Ok(peek) = client.peek(body, Some(&path)) else { return };
    let Ok(mut request) = client.read_request(body, &peek) else { return };
    envelope::open_all(&mut request, &[]);
    for target in kit::codecs() {
        let facts = ModelFacts::default();
        let mut notes = Notes::default();
        let written = target.write_request(&request, &Target::new("m", &facts), &mut notes);
        let Ok(written) = written else { continue };
        let peek = target.peek(&written.body, Some(&path)).expect("what was written is a request");
        let again = target.read_request(&written.body, &peek);
        assert!(again.is_ok(), "{again:?}: {}", String::from_utf8_lossy(&written.body));
    }
});
