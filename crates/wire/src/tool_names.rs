//! Names of tools that a format takes, and legal ones for those it does not.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::aftercare::Aftercare;

/// Where an illegal name is cut before a hash of the whole is added, in bytes.
const CUT_BYTES: usize = 55;

/// Which names a format takes. Letters and digits are ASCII and legal in all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToolNames {
    /// Longest name, in bytes; no less than 64, so that a made name fits.
    pub(crate) max_bytes: usize,
    /// What may stand in a name beside letters and digits; `_` must be among it.
    pub(crate) marks: &'static [u8],
    /// What a name may begin with.
    pub(crate) first: First,
}

/// What a name may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Whatever may stand in it.
    Any,
    /// A letter or `_`.
    LetterOrBar,
}

impl ToolNames {
    /// Tells whether a tool may have this name.
    pub(crate) fn is_legal(&self, name: &str) -> bool {
        (1..=self.max_bytes).contains(&name.len())
            && self.may_begin(name)
            && name.bytes().all(|byte| self.is_legal_byte(byte))
    }

    /// Returns a legal name for a tool of the history, which is perhaps no longer declared.
    ///
    /// Pure, so that calls and results agree; equal names stay equal and different ones different.
    pub(crate) fn legal<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.is_legal(name) {
            return Cow::Borrowed(name);
        }
        let is_legal = |letter: char| letter.is_ascii() && self.is_legal_byte(letter as u8);
        let mut legal: String =
            name.chars().map(|letter| if is_legal(letter) { letter } else { '_' }).collect();
        if !self.may_begin(&legal) {
            legal.insert(0, '_');
        }
        legal.truncate(CUT_BYTES);
        legal.push('_');
        for byte in Sha256::digest(name.as_bytes()).iter().take(4) {
            // Writing to a string cannot fail.
            let _ = write!(legal, "{byte:02x}");
        }
        Cow::Owned(legal)
    }

    /// Returns the name under which a tool is sent, and remembers to change it back in the reply.
    pub(crate) fn sent<'n>(&self, name: &'n str, aftercare: &mut Aftercare) -> Cow<'n, str> {
        let legal = self.legal(name);
        if legal != name {
            aftercare.names.insert(legal.clone().into_owned(), name.to_owned());
        }
        legal
    }

    fn may_begin(&self, name: &str) -> bool {
        self.first == First::Any
            || name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    }

    fn is_legal_byte(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || self.marks.contains(&byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: ToolNames = ToolNames { max_bytes: 128, marks: b"_-", first: First::Any };
    const STRICT: ToolNames =
        ToolNames { max_bytes: 64, marks: b"_.:-", first: First::LetterOrBar };

    #[test]
    fn legal_names_stay() {
        assert_eq!(LONG.legal("1-get_weather"), "1-get_weather");
        assert_eq!(STRICT.legal("get_weather.v2:x-y"), "get_weather.v2:x-y");
    }

    #[test]
    fn other_names_become_legal_and_stay_distinct() {
        for names in [LONG, STRICT] {
            for name in ["a/b", "a b", "grüße", "", &"n".repeat(200)] {
                let legal = names.legal(name);
                assert!(names.is_legal(&legal), "{name} became {legal}");
                assert_eq!(legal, names.legal(name), "pure");
            }
            assert_ne!(names.legal("a b"), names.legal("a/b"));
        }
        let dotted = LONG.legal("a.b");
        assert!(dotted.starts_with("a_b_") && dotted.len() == 12, "{dotted}");
    }

    #[test]
    fn a_first_byte_that_is_refused_gets_a_bar_before_it() {
        for name in ["1st", "-x"] {
            assert!(!STRICT.is_legal(name), "{name}");
            assert!(STRICT.legal(name).starts_with(&format!("_{name}_")), "{name}");
        }
    }
}
