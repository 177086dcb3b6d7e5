//! What the request log keeps of a call besides its record: where it came from, whom it failed at, what was
//! lost on the way, and its bodies if the operator wants them.
//!
//! It travels with the record to the store, which keeps it apart: rows of usage stay small, and what is sealed
//! and short-lived has tables of its own. Headers are not here at all: they hold credentials.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What is known of a call that its record does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLog {
    /// The client's address.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// The method of the request.
    pub method: Box<str>,
    /// Its path without the query, cut to [`MAX_PATH_CHARS`].
    pub path: Box<str>,
    /// What `x-omniroute-cache` said: `hit`, `miss` or `bypass`.
    pub cache: Cow<'static, str>,
    /// What the translation of the request dropped, by the client's names, with commas; empty if nothing.
    #[serde(default)]
    pub dropped: Box<str>,
    /// What our error said, without credentials, cut to [`MAX_ERROR_CHARS`].
    #[serde(default)]
    pub error_text: Option<Box<str>>,
    /// The attempts that failed, in order. The one that served is the record's.
    #[serde(default)]
    pub failed: Vec<FailedAttempt>,
    /// Whether bodies were to be kept and could not be, because too many waited for the disk.
    #[serde(default)]
    pub bodies_lost: bool,
    /// The bodies, on their way to a table of their own.
    #[serde(skip)]
    pub bodies: Option<Bodies>,
}

/// Longest path that is kept, in characters.
pub const MAX_PATH_CHARS: usize = 200;

/// Longest text of an error that is kept, in characters.
pub const MAX_ERROR_CHARS: usize = 1000;

/// An attempt that did not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// The provider.
    pub provider: Box<str>,
    /// The account.
    pub account: Box<str>,
    /// The model by the provider's name.
    pub model: Box<str>,
    /// The verdict: why it failed.
    pub verdict: Cow<'static, str>,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What the client sent and what it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bodies {
    /// The client's body, as it came.
    pub request: Body,
    /// The answer's, as the client got it.
    pub answer: Body,
    /// Most calls whose bodies are kept; the oldest go first.
    #[serde(skip)]
    pub max_entries: u64,
}

/// A body, or its beginning.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The text; bytes that are no UTF-8 became U+FFFD.
    pub text: Box<str>,
    /// Bytes of the whole.
    pub bytes: u64,
    /// Whether the text is only the beginning.
    pub cut: bool,
}

impl Body {
    /// Makes a body of its first bytes and the length of the whole. A character that the cut went through is
    /// left out.
    pub fn new(mut start: Vec<u8>, bytes: u64) -> Self {
        let cut = bytes > start.len() as u64;
        if cut
            && let Err(error) = std::str::from_utf8(&start)
            && error.error_len().is_none()
        {
            start.truncate(error.valid_up_to());
        }
        let text = String::from_utf8(start)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Self { text: text.into(), bytes, cut }
    }
}

/// Prompts are never printed.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("bytes", &self.bytes).field("cut", &self.cut).finish()
    }
}

impl Bodies {
    /// Returns how much memory their texts take, in bytes.
    pub const fn size(&self) -> usize {
        self.request.text.len() + self.answer.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_leaves_no_half_character_and_is_marked() {
        let whole = Body::new("grün".into(), 5);
        let cut = Body::new("grü".as_bytes()[..3].to_vec(), 5);
        let odd = Body::new(vec![b'a', 0xff], 2);

        assert_eq!((&*whole.text, whole.cut), ("grün", false));
        assert_eq!((&*cut.text, cut.cut, cut.bytes), ("gr", true, 5));
        assert_eq!((&*odd.text, odd.cut), ("a\u{fffd}", false));
        assert!(!format!("{whole:?}").contains("gr"), "{whole:?}");
    }
}
