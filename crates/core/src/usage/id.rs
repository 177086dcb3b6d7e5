//! Ids of records: they sort by time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// Bits of the random part.
const RANDOM_BITS: u32 = 80;

/// Version 7 and the variant of RFC 9562, where its layout has them.
const MARKS: u128 = 0x7000_8000_0000_0000_0000;
const MARKED: u128 = 0xf000_c000_0000_0000_0000;

/// A UUID of version 7 (RFC 9562): milliseconds since 1970, then chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(u128);

impl RecordId {
    /// Makes the id of something that happened then; `random` tells apart what happened in the same
    /// millisecond. 74 bits of it count.
    pub const fn new(unix_ms: u64, random: u128) -> Self {
        let chance = random & ((1 << RANDOM_BITS) - 1) & !MARKED;
        Self(((unix_ms as u128) << RANDOM_BITS) | chance | MARKS)
    }

    /// Returns the smallest possible id of a time: what happened at or after it is not below.
    pub const fn at(unix_ms: u64) -> Self {
        Self((unix_ms as u128) << RANDOM_BITS)
    }

    /// Returns when it happened, in milliseconds since 1970.
    pub const fn unix_ms(self) -> u64 {
        (self.0 >> RANDOM_BITS) as u64
    }

    /// Returns the bytes; they sort as the ids do.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Appends the text as JSON.
    pub(super) fn write_json(self, bytes: &mut Vec<u8>) {
        bytes.push(b'"');
        bytes.extend_from_slice(text(self, &mut [0; TEXT_BYTES]).as_bytes());
        bytes.push(b'"');
    }

    /// Makes an id of its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// Bytes of an id as text.
const TEXT_BYTES: usize = 36;

/// Writes an id's text. Made for every row that is written, so without a formatter.
fn text(id: RecordId, buffer: &mut [u8; TEXT_BYTES]) -> &str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut at = 0;
    for (index, byte) in id.to_bytes().into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            buffer[at] = b'-';
            at += 1;
        }
        buffer[at] = DIGITS[usize::from(byte >> 4)];
        buffer[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    std::str::from_utf8(buffer).unwrap_or_default()
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text(*self, &mut [0; TEXT_BYTES]))
    }
}

/// The text is not the id of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a record; it looks like 0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")]
pub struct NotAnId;

impl FromStr for RecordId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let hex: String = text.chars().filter(|letter| *letter != '-').collect();
        if hex.len() != 32 || hex.contains('+') {
            return Err(NotAnId);
        }
        u128::from_str_radix(&hex, 16).map(Self).map_err(|_| NotAnId)
    }
}

impl Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text(*self, &mut [0; TEXT_BYTES]))
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_are_uuids_of_version_7() {
        let (early, late) =
            (RecordId::new(1_700_000_000_000, u128::MAX), RecordId::new(1_700_000_000_001, 0));

        assert!(early < late);
        assert!(RecordId::at(1_700_000_000_001) <= late && RecordId::at(1_700_000_000_001) > early);
        assert_eq!(early.unix_ms(), 1_700_000_000_000);
        assert_eq!(late.to_string(), "018bcfe5-6801-7000-8000-000000000000");
        assert_eq!(late.to_string().parse(), Ok(late));
        assert_eq!(RecordId::from_bytes(early.to_bytes()), early);
        for wrong in [
            "",
            "018bcfe5",
            "+18bcfe5-6801-7000-8000-000000000000",
            "g18bcfe5-6801-7000-8000-000000000000",
        ] {
            assert_eq!(wrong.parse::<RecordId>(), Err(NotAnId), "{wrong}");
        }
    }
}
