//! Ids of records: they sort by time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, de};

use crate::clock::millis;

/// Bits below the milliseconds.
const LOW_BITS: u32 = 80;

/// Where the first of them begin, the part of the millisecond, and how finely they divide it.
const PART_BITS: u32 = 64;
const PARTS: u128 = 1 << 12;

const NANOS_PER_MILLI: u32 = 1_000_000;

/// Version 7 and the variant of RFC 9562, where its layout has them.
const MARKS: u128 = 0x7000_8000_0000_0000_0000;
const MARKED: u128 = 0xf000_c000_0000_0000_0000;

/// A UUID of version 7 (RFC 9562, its third method): milliseconds since 1970, 12 bits for the part of the
/// millisecond (244 ns each, so that calls that follow each other sort as they ended), then chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(u128);

impl RecordId {
    /// Makes the id of something that happened so long after 1970; `random` tells apart what happened at the same
    /// moment. 62 bits of it count.
    pub fn new(since_1970: Duration, random: u64) -> Self {
        let nanos = u128::from(since_1970.subsec_nanos() % NANOS_PER_MILLI);
        let part = nanos * PARTS / u128::from(NANOS_PER_MILLI);
        let chance = u128::from(random) & !MARKED;
        Self((u128::from(millis(since_1970)) << LOW_BITS) | (part << PART_BITS) | chance | MARKS)
    }

    /// Returns the smallest possible id of a time: what happened at or after it is not below.
    pub const fn at(unix_ms: u64) -> Self {
        Self((unix_ms as u128) << LOW_BITS)
    }

    /// Returns when it happened, in milliseconds since 1970.
    pub const fn unix_ms(self) -> u64 {
        (self.0 >> LOW_BITS) as u64
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
        let second = Duration::from_secs(1_700_000_000);
        let at = |nanos, random| RecordId::new(second + Duration::from_nanos(nanos), random);
        let (early, soon, late) = (at(0, u64::MAX), at(300, 0), at(1_000_000, 0));

        assert!(early < soon && soon < at(999_999, 0) && at(999_999, u64::MAX) < late);
        assert!(at(0, 1) < at(0, 2));
        assert!(RecordId::at(1_700_000_000_001) <= late && RecordId::at(1_700_000_000_001) > early);
        assert_eq!(at(999_999, u64::MAX).unix_ms(), 1_700_000_000_000);
        assert_eq!(soon.to_string(), "018bcfe5-6800-7001-8000-000000000000");
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
