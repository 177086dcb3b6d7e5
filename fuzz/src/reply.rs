//! Whole replies and errors: whatever comes, every client gets a document of its own format.

#![no_main]

#[expect(dead_code, reason = "no target needs all of it")]
mod kit;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use omniroute_wire::translator::{WholeTurn, as_api_error, translate_reply};

fuzz_target!(|data: &[u8]| {
    let Some((provider, body)) = kit::format(data) else { return };
    let body = Bytes::copy_from_slice(body);
    for client in kit::codecs() {
        let whole = translate_reply(provider, client, &body, &kit::context());
        if provider.format() != client.format() && whole.error.is_none() {
            let events = client.read_reply(&whole.body);
            assert!(!events.is_empty(), "{}", String::from_utf8_lossy(&whole.body));
        }
        let mut turn = WholeTurn::new(provider, client, &kit::context());
        turn.add(provider.read_reply(&body));
        turn.played(client, &kit::context());
        client.write_error(&as_api_error(&provider.read_error(500, &body)));
    }
});
