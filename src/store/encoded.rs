//! A row as its table keeps it: sealed where the table's name says so.

use super::StoreError;
use super::row::{self, Key, Record};
use super::seal::{Sealer, seal_whole};

/// What names of sealed tables begin with.
pub(super) const SEALED: &str = "sealed/";

/// A row as bytes, one after the other in the same memory.
///
/// What is to be sealed is sealed where it was encoded, so that nothing of it is left here.
pub(super) struct Encoded {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Encoded {
    /// Makes room for what nearly every row takes: a buffer that has to grow leaves a piece of what is in it.
    pub(super) fn new() -> Self {
        Self { key: Vec::with_capacity(64), value: Vec::with_capacity(1024) }
    }

    /// Encodes a row of a table in the place of the one before.
    ///
    /// # Errors
    ///
    /// [`StoreError::Row`] if the record has no JSON.
    pub(super) fn encode<K: Key, V: Record>(
        &mut self,
        (table, sealer): (&'static str, &Sealer),
        key: &K,
        record: &V,
    ) -> Result<(), StoreError> {
        let Self { key: bytes, value } = self;
        bytes.clear();
        value.clear();
        key.write(bytes);
        let encoded = if table.starts_with(SEALED) {
            let place = (table, bytes.as_slice(), V::VERSION);
            seal_whole(sealer, place, value, |value| row::encode(record, value))
        } else {
            row::encode(record, value)
        };
        encoded.map_err(|detail| StoreError::Row { table, detail })
    }
}
