//! Cuts top-level JSON objects out of bytes that arrive in any pieces.
//!
//! For bodies that are one JSON array of replies, for whole replies, and for bare objects between
//! events. Whatever stands between objects (brackets of the array, commas, blanks) is skipped.

use crate::sse::MAX_EVENT_BYTES;

/// Incremental scanner for one body.
#[derive(Debug, Default)]
pub(super) struct Objects {
    object: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    too_large: bool,
}

impl Objects {
    /// Takes the next bytes and calls `on_object` for every object they complete.
    pub(super) fn push(&mut self, bytes: &[u8], mut on_object: impl FnMut(&[u8])) {
        let mut begin = 0;
        for (place, byte) in bytes.iter().copied().enumerate() {
            if self.depth == 0 {
                begin = place;
            }
            if !self.step(byte) {
                continue;
            }
            if self.object.is_empty() {
                on_object(&bytes[begin..=place]);
            } else {
                self.object.extend_from_slice(&bytes[begin..=place]);
                on_object(&self.object);
                self.object.clear();
            }
        }
        if self.depth > 0 {
            self.object.extend_from_slice(&bytes[begin..]);
            self.too_large |= self.object.len() > MAX_EVENT_BYTES;
        }
    }

    /// Tells whether an object has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// Tells whether an object grew over [`MAX_EVENT_BYTES`]; nothing more can be read then.
    pub(super) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// Follows one byte and tells whether it ended an object.
    fn step(&mut self, byte: u8) -> bool {
        if self.in_string {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_string = false;
            }
            return false;
        }
        match byte {
            b'"' if self.depth > 0 => self.in_string = true,
            b'{' => self.depth += 1,
            b'}' if self.depth > 0 => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_at_any_cut() {
        let body = br#"[{"a":"}\"{"},
 {"b":{"c":[{}]}}
,{}]"#;
        let expected = [r#"{"a":"}\"{"}"#, r#"{"b":{"c":[{}]}}"#, "{}"];
        for cut in 0..=body.len() {
            let mut found = Vec::new();
            let mut objects = Objects::default();
            for piece in [&body[..cut], &body[cut..]] {
                objects
                    .push(piece, |object| found.push(String::from_utf8(object.to_vec()).unwrap()));
            }
            assert_eq!(found, expected, "cut at {cut}");
            assert!(!objects.is_inside());
        }
    }

    #[test]
    fn an_unfinished_object_is_known() {
        let mut objects = Objects::default();
        objects.push(b"[{\"a\":", |_| panic!("nothing is complete"));
        assert!(objects.is_inside());
    }
}
