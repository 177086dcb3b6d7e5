//! Same format: bytes in are bytes out but for the model's name. What a quick look says of a body is what a
//! parser does.

#![no_main]

#[expect(dead_code, reason = "no target needs all of it")]
mod kit;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use omniroute_wire::codec::{Change, PathModel};
use omniroute_wire::{Peek, WireFormat, splice};

fuzz_target!(|data: &[u8]| {
    let Some((codec, body)) = kit::format(data) else { return };
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let body = Bytes::copy_from_slice(body);
    let peeked = codec.peek(&body, Some(&path));
    if codec.format() != WireFormat::Gemini {
        let quick = peeked.clone().map(|peek| Peek { outline: None, ..peek });
        assert_eq!(quick, splice::peek_closely(&body));
    }
    let Ok(peek) = peeked else { return };
    let spliced = codec.splice(&body, &peek, &Change::model("target"));
    match peek.model_span.clone() {
        None => assert_eq!(spliced, body),
        Some(span) => {
            let expected = [&body[..span.start], b"\"target\"", &body[span.end..]].concat();
            assert_eq!(spliced, expected);
        }
    }
    let asked = codec.splice(&body, &peek, &Change { ask_for_usage: true, ..Change::model("target") });
    let again = codec.peek(&asked, Some(&path)).expect("still a request");
    assert_eq!(again.stream, peek.stream);
});
