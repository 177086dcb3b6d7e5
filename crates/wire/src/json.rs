//! JSON appended to a buffer field by field, for what is written of every call or event; and read.
//!
//! The bytes are those that `serde_json` writes; through a derived form they cost three times as much, since
//! it looks into names for what is to be escaped and makes texts of numbers and times on the way.

use serde::{Deserialize, Serialize};

use crate::skim::string::is_plain;

/// Reads a document. Its characters are checked once, where `serde_json` by itself checks those of every
/// string.
///
/// # Errors
///
/// What is no such document.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(json),
    }
}

/// An object that is being appended. Names are ours and need no escapes.
pub struct Object<'b> {
    bytes: &'b mut Vec<u8>,
}

impl<'b> Object<'b> {
    /// Begins an object at the end of a buffer.
    pub fn begin(bytes: &'b mut Vec<u8>) -> Self {
        bytes.push(b'{');
        Self { bytes }
    }

    /// Writes a field's name; the caller appends its value.
    pub fn field(&mut self, name: &str) -> &mut Vec<u8> {
        if self.bytes.last() != Some(&b'{') {
            self.bytes.push(b',');
        }
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        self.bytes
    }

    /// Writes a text.
    pub fn text(&mut self, name: &str, value: &str) {
        string(value, self.field(name));
    }

    /// Writes a text if there is one.
    pub fn some_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Writes a whole number.
    pub fn number(&mut self, name: &str, value: impl Into<u64>) {
        number(value.into(), self.field(name));
    }

    /// Writes a whole number if there is one.
    pub fn some_number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    /// Writes a whole number, or nothing if it is zero.
    pub fn some_count(&mut self, name: &str, count: u64) {
        self.some_number(name, Some(count).filter(|count| *count > 0));
    }

    /// Writes `true`, or nothing.
    pub fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.field(name).extend_from_slice(b"true");
        }
    }

    /// Ends the object.
    pub fn end(self) {
        self.bytes.push(b'}');
    }
}

/// Appends a value that always serialises: a string, a number, or a struct of such.
pub(crate) fn value<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    // Writing into a vector cannot fail.
    let _infallible = serde_json::to_writer(bytes, value);
}

/// Appends a quoted and escaped string.
pub fn string(text: &str, bytes: &mut Vec<u8>) {
    // Names and paths are short, and hardly any has to be escaped.
    if is_plain(text.as_bytes()) {
        bytes.push(b'"');
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'"');
    } else {
        value(text, bytes);
    }
}

/// Appends a whole number.
pub fn number(number: u64, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_and_number_are_written_as_serde_writes_them(
            text in "[a-z\"\\\\/\\x00-\\x20\\x7f-\\x9fé\u{2028}\u{ffff}\u{1f600}]{0,40}",
            number: u64,
        ) {
            let mut bytes = Vec::new();
            let mut object = Object::begin(&mut bytes);
            object.text("t", &text);
            object.number("n", number);
            object.end();

            let mut expected = serde_json::Map::new();
            expected.insert("t".to_owned(), text.into());
            expected.insert("n".to_owned(), number.into());
            prop_assert_eq!(bytes, serde_json::to_vec(&expected).unwrap());
        }
    }

    #[test]
    fn what_is_not_there_leaves_no_trace() {
        let mut bytes = Vec::new();
        let mut object = Object::begin(&mut bytes);
        object.some_text("a", None);
        object.some_number("b", None);
        object.some_count("c", 0);
        object.flag("c", false);
        object.flag("d", true);
        object.some_text("e", Some(""));
        object.some_number("f", Some(0));
        Object::begin(object.field("g")).end();
        object.end();

        assert_eq!(String::from_utf8(bytes).unwrap(), r#"{"d":true,"e":"","f":0,"g":{}}"#);
    }
}
