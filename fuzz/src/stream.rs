//! Streams: any cut of a provider's bytes gives every client the same bytes, which its reader accepts.

#![no_main]

mod kit;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use omniroute_wire::translator::Progress;
use omniroute_wire::{Codec, Translator};

fn translated<'b>(
    provider: &dyn Codec,
    client: &'static dyn Codec,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> (Vec<u8>, Progress) {
    let mut stream = Translator::new(provider, client, kit::context());
    let mut out = Vec::new();
    for piece in pieces {
        stream.push(&Bytes::copy_from_slice(piece), &mut out);
    }
    let progress = stream.finish(&mut out);
    (out.concat(), progress)
}

fuzz_target!(|data: &[u8]| {
    let Some((provider, rest)) = kit::format(data) else { return };
    let Some((body, pieces)) = kit::cut(rest) else { return };
    for client in kit::codecs() {
        let whole = translated(provider, client, [body]);
        assert_eq!(translated(provider, client, pieces.iter().copied()), whole);
        assert_ne!(whole.1, Progress::Open, "every stream ends");
        if provider.format() != client.format() {
            let again = translated(client, client, [&*whole.0]);
            assert_eq!(again.1, whole.1, "{}", String::from_utf8_lossy(&whole.0));
        }
    }
});
