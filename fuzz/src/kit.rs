//! What the targets share: formats and cuts chosen by the input.

use omniroute_wire::{Codec, ReplyContext, WireFormat};

/// Takes the format that the first byte chooses.
pub fn format(data: &[u8]) -> Option<(&'static dyn Codec, &[u8])> {
    let (choice, rest) = data.split_first()?;
    let format = WireFormat::ALL[usize::from(*choice) % WireFormat::ALL.len()];
    Some((format.codec(), rest))
}

/// All formats.
pub fn codecs() -> impl Iterator<Item = &'static dyn Codec> {
    WireFormat::ALL.into_iter().map(WireFormat::codec)
}

/// Cuts a body into pieces of lengths that the first bytes choose, over and over.
pub fn cut(data: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (lengths, body) = data.split_at_checked(3)?;
    let mut pieces = Vec::new();
    let mut rest = body;
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(1, |length| 1 + usize::from(*length % 61));
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    Some((body, pieces))
}

/// What a writer knows of a reply.
pub fn context() -> ReplyContext {
    ReplyContext {
        model: "model".to_owned(),
        id: "gateway-1".to_owned(),
        created: 1,
        include_usage: true,
        ..ReplyContext::default()
    }
}
