//! One cheap look at a request's body: that it is JSON, where the members stand that routing needs, and
//! what a budget must know of it.
//!
//! Every call pays for this, also those whose bytes are passed on. So the bytes are walked over once, most
//! of them many at a time, and nothing is kept but places. Whatever is unusual is left to those who read
//! with care: a body that is no JSON to serde, whose error says where (`splice.rs`), and a request that
//! may hold more than plain text to the codec's own reader.
//!
//! Nothing is taken for JSON that serde would refuse. The reverse may happen (values nested deeper than 63
//! levels, escapes in the names at the top), and only costs time.

mod outline;
mod scanner;
mod shape;
mod shapes;
pub(crate) mod string;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::Range;

pub use self::outline::{BRINGS_IN, Outline};
pub(crate) use self::shape::Shape;
pub(crate) use self::shapes::{CHAT, GEMINI, MESSAGES, RESPONSES};
use self::walk::Walk;

/// What was seen of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Skimmed {
    /// Where the value of `model` stands.
    pub(crate) model: Option<Range<usize>>,
    /// Where the value of `stream` stands.
    pub(crate) stream: Option<Range<usize>>,
    /// Where the value of `stream_options` stands.
    pub(crate) stream_options: Option<Range<usize>>,
    /// What the request is, if it is plain.
    pub(crate) outline: Option<Outline>,
}

/// Looks at a request of which only the members at the top matter; it gets no outline.
pub(crate) fn head(body: &[u8]) -> Option<Skimmed> {
    Walk::of_head(body)?.skim(&shapes::HEAD)
}

/// Looks at a request of a format. `None`: it is no JSON object, or one that must be read with care.
pub(crate) fn skim(body: &[u8], shape: &'static Shape) -> Option<Skimmed> {
    Walk::of(body)?.skim(shape)
}
