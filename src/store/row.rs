//! How keys and records are written as bytes.
//!
//! Keys keep their order as bytes, so that ranges work. A record is its version, one byte, and its JSON:
//! fields may be added under the same version (with a default), everything else is a new version that
//! [`Record::older`] knows how to read the last one to.

use omniroute_core::usage::RecordId;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A key of a table.
pub trait Key: Sized {
    /// Appends the key's bytes, in an order as the keys'.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Takes a key off the front; `None` if the bytes are not one.
    fn read(bytes: &mut &[u8]) -> Option<Self>;

    /// Returns the bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }
}

/// A row's content.
pub trait Record: Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: u8 = 1;

    /// Appends the record's JSON.
    ///
    /// # Errors
    ///
    /// That it has none.
    fn write_json(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        serde_json::to_writer(bytes, self).map_err(|error| error.to_string())
    }

    /// Reads a record of an older version from its JSON.
    ///
    /// # Errors
    ///
    /// What is wrong with it; that there is no such version, if no older one was ever written.
    fn older(version: u8, json: &[u8]) -> Result<Self, String> {
        let _ = json;
        Err(format!("it is of version {version}, which this program does not know"))
    }
}

/// Appends a record.
pub(super) fn encode<R: Record>(record: &R, bytes: &mut Vec<u8>) -> Result<(), String> {
    bytes.push(R::VERSION);
    record.write_json(bytes)
}

/// Reads a record.
pub(super) fn decode<R: Record>(bytes: &[u8]) -> Result<R, String> {
    let (version, json) = bytes.split_first().ok_or("it is empty")?;
    if *version == R::VERSION {
        // The position only: the words around it could be secret.
        return serde_json::from_slice(json)
            .map_err(|error| format!("it is not as written, at byte {}", error.column()));
    }
    R::older(*version, json)
}

impl Key for u32 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_be_bytes(*number))
    }
}

impl Key for u64 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_be_bytes(*number))
    }
}

impl Key for RecordId {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_bytes(*id))
    }
}

/// Ends a text; the bytes 0 and 1 inside it become two.
const END: u8 = 0;
const ESCAPE: u8 = 1;

/// Appends a text as a key has it.
pub(super) fn write_text(text: &str, bytes: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte > ESCAPE) {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.as_bytes() {
            match *byte {
                END => bytes.extend_from_slice(&[ESCAPE, 1]),
                ESCAPE => bytes.extend_from_slice(&[ESCAPE, 2]),
                other => bytes.push(other),
            }
        }
    }
    bytes.push(END);
}

impl Key for Box<str> {
    fn write(&self, bytes: &mut Vec<u8>) {
        write_text(self, bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == END)?;
        let mut text = Vec::with_capacity(end);
        let mut inside = bytes[..end].iter();
        while let Some(byte) = inside.next() {
            text.push(if *byte == ESCAPE { inside.next()?.checked_sub(1)? } else { *byte });
        }
        *bytes = &bytes[end + 1..];
        String::from_utf8(text).ok().map(String::into_boxed_str)
    }
}

impl Key for String {
    fn write(&self, bytes: &mut Vec<u8>) {
        write_text(self, bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Box::<str>::read(bytes).map(String::from)
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    proptest! {
        #[test]
        fn keys_come_back_and_keep_their_order(
            one in ("[\\x00-\\x03ab]{0,4}", any::<u64>(), "[\\x00-\\x03é]{0,3}"),
            two in ("[\\x00-\\x03ab]{0,4}", any::<u64>(), "[\\x00-\\x03é]{0,3}"),
        ) {
            let key = |(a, b, c): (String, u64, String)| (a, (b, c));
            let (one, two) = (key(one), key(two));
            let (left, right) = (one.bytes(), two.bytes());
            let mut rest = &left[..];
            prop_assert_eq!(Key::read(&mut rest), Some(one.clone()));
            prop_assert!(rest.is_empty());
            prop_assert_eq!(left.cmp(&right), one.cmp(&two));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            drop(<(Box<str>, (u32, RecordId))>::read(&mut &bytes[..]));
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Second {
        name: String,
    }

    impl Record for Second {
        const VERSION: u8 = 2;

        fn older(version: u8, json: &[u8]) -> Result<Self, String> {
            match version {
                1 => serde_json::from_slice(json)
                    .map(|name| Self { name })
                    .map_err(|e| e.to_string()),
                other => Err(format!("no version {other}")),
            }
        }
    }

    #[test]
    fn older_versions_are_read_and_unknown_ones_are_refused() {
        let mut bytes = Vec::new();
        encode(&Second { name: "n".to_owned() }, &mut bytes).unwrap();

        assert_eq!(bytes[0], 2);
        assert_eq!(decode::<Second>(&bytes).unwrap().name, "n");
        assert_eq!(decode::<Second>(b"\x01\"old\"").unwrap().name, "old");
        assert!(decode::<Second>(b"\x03{}").is_err());
        assert!(decode::<Second>(b"").is_err());
        let broken = decode::<Second>(b"\x02{\"name\":canary}").unwrap_err();
        assert!(!broken.contains("canary"), "{broken}");
    }
}
