//! Typed tables over the database's bytes.
//!
//! A new table is one constant: `const THINGS: Table<String, Thing> = Table::open("things")`, and
//! `impl Record for Thing {}`. Tables whose content is secret are `Table::sealed`: their rows are sealed
//! whole, and the rotation of the master key finds them by their name.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use redb::{CursorError, ReadableTable, TableDefinition};

use super::StoreError;
use super::encoded::{Encoded, SEALED};
use super::error::failed;
use super::row::{self, Key, Record};
use super::seal::{Sealer, open_whole};

/// Tables as the database knows them.
pub(super) type Raw = TableDefinition<'static, &'static [u8], &'static [u8]>;
pub(super) type RawMut<'tx> = redb::Table<'tx, &'static [u8], &'static [u8]>;
pub(super) type RawRead = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A table: its name, its keys, its records.
pub struct Table<K, V> {
    name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Record> Table<K, V> {
    /// Names a table whose content may be read by whoever has the file.
    pub const fn open(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }

    /// Names a table whose rows are sealed. The name begins with `sealed/`.
    ///
    /// # Panics
    ///
    /// If it does not; as constants are made while compiling, that is a compile error.
    #[expect(clippy::panic, reason = "evaluated while compiling")]
    pub const fn sealed(name: &'static str) -> Self {
        if !begins_with(name.as_bytes(), SEALED.as_bytes()) {
            panic!("the name of a sealed table begins with `sealed/`");
        }
        Self { name, types: PhantomData }
    }

    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn raw(&self) -> Raw {
        TableDefinition::new(self.name)
    }

    pub(super) const fn rows<'tx, T>(
        &self,
        raw: Option<T>,
        sealer: &'tx Sealer,
    ) -> Rows<'tx, T, K, V> {
        Rows { name: self.name, raw, sealer, types: PhantomData }
    }
}

const fn begins_with(text: &[u8], start: &[u8]) -> bool {
    let mut at = 0;
    while at < start.len() {
        if at == text.len() || text[at] != start[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The rows of a table inside a transaction. A table that nobody has written to yet is empty.
pub struct Rows<'tx, T, K, V> {
    name: &'static str,
    raw: Option<T>,
    sealer: &'tx Sealer,
    types: PhantomData<fn() -> (K, V)>,
}

/// The rows of a table that can be changed.
pub type RowsMut<'tx, K, V> = Rows<'tx, RawMut<'tx>, K, V>;

/// The rows of a table as they were when the transaction began.
pub type RowsRead<'tx, K, V> = Rows<'tx, RawRead, K, V>;

impl<'tx, T, K, V> Rows<'tx, T, K, V>
where
    T: ReadableTable<&'static [u8], &'static [u8]>,
    K: Key,
    V: Record,
{
    /// Returns a row, if it is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`], or [`StoreError::Row`] if the row cannot be read.
    pub fn get(&self, key: &K) -> Result<Option<V>, StoreError> {
        let bytes = key.bytes();
        let Some(raw) = &self.raw else { return Ok(None) };
        let found = raw.get(bytes.as_slice()).map_err(failed)?;
        found.map(|value| self.decode(&bytes, value.value())).transpose()
    }

    /// Tells whether a row is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub fn has(&self, key: &K) -> Result<bool, StoreError> {
        let Some(raw) = &self.raw else { return Ok(false) };
        Ok(raw.get(key.bytes().as_slice()).map_err(failed)?.is_some())
    }

    /// Returns how many rows there are.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub fn count(&self) -> Result<u64, StoreError> {
        self.raw.as_ref().map_or(Ok(0), |raw| raw.len().map_err(failed))
    }

    /// Returns the greatest key, if there is any row.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]; [`StoreError::Row`] for what is no key of the table.
    pub fn last_key(&self) -> Result<Option<K>, StoreError> {
        let Some(raw) = &self.raw else { return Ok(None) };
        let last = raw.last().map_err(failed)?;
        last.map(|(key, _)| self.key(key.value())).transpose()
    }

    /// Iterates over the rows of a range of keys, in their order; from the end with `rev`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]; each row may fail as in [`Rows::get`].
    pub fn range(
        &self,
        keys: impl RangeBounds<K>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(K, V), StoreError>>, StoreError> {
        self.between((keys.start_bound().map(Key::bytes), keys.end_bound().map(Key::bytes)))
    }

    /// Iterates over the keys of a range, in their order, without reading the rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]; [`StoreError::Row`] for what is no key of the table.
    pub fn keys(
        &self,
        keys: impl RangeBounds<K>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<K, StoreError>>, StoreError> {
        let (start, end) = (keys.start_bound().map(Key::bytes), keys.end_bound().map(Key::bytes));
        let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        let rows = self.raw.as_ref().map(|raw| raw.range::<&[u8]>(bounds)).transpose();
        Ok(rows.map_err(failed)?.into_iter().flatten().map(|row| {
            let (key, _) = row.map_err(failed)?;
            self.key(key.value())
        }))
    }

    /// Iterates over the rows whose keys begin with this part, as `(kind, id)` begins with `kind`.
    ///
    /// # Errors
    ///
    /// As [`Rows::range`].
    pub fn beginning_with<'rows, P: Key>(
        &'rows self,
        part: &P,
    ) -> Result<
        impl DoubleEndedIterator<Item = Result<(K, V), StoreError>> + use<'rows, 'tx, T, K, V, P>,
        StoreError,
    > {
        let start = part.bytes();
        let end = after(&start).map_or(Bound::Unbounded, Bound::Excluded);
        self.between((Bound::Included(start), end))
    }

    fn between(
        &self,
        (start, end): (Bound<Vec<u8>>, Bound<Vec<u8>>),
    ) -> Result<impl DoubleEndedIterator<Item = Result<(K, V), StoreError>>, StoreError> {
        let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        let rows = self.raw.as_ref().map(|raw| raw.range::<&[u8]>(bounds)).transpose();
        Ok(rows.map_err(failed)?.into_iter().flatten().map(|row| {
            let (key, value) = row.map_err(failed)?;
            let record = self.decode(key.value(), value.value())?;
            Ok((self.key(key.value())?, record))
        }))
    }

    fn key(&self, mut bytes: &[u8]) -> Result<K, StoreError> {
        let key = K::read(&mut bytes).filter(|_| bytes.is_empty());
        key.ok_or_else(|| self.broken("its key is not one".to_owned()))
    }

    fn decode(&self, key: &[u8], value: &[u8]) -> Result<V, StoreError> {
        if !self.name.starts_with(SEALED) {
            return row::decode(value).map_err(|detail| self.broken(detail));
        }
        let opened = open_whole(self.sealer, self.name, key, value);
        row::decode(&opened.map_err(|detail| self.broken(detail))?)
            .map_err(|detail| self.broken(detail))
    }

    fn broken(&self, detail: String) -> StoreError {
        StoreError::Row { table: self.name, detail }
    }
}

impl<K: Key, V: Record> RowsMut<'_, K, V> {
    /// Writes a row, in the place of one with the same key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`], or [`StoreError::Row`] if the record has no JSON.
    pub fn put(&mut self, key: &K, record: &V) -> Result<(), StoreError> {
        let mut row = Encoded::new();
        row.encode((self.name, self.sealer), key, record)?;
        let Some(raw) = &mut self.raw else { return Ok(()) };
        raw.insert(row.key.as_slice(), row.value.as_slice()).map_err(failed)?;
        Ok(())
    }

    /// Writes rows whose keys are beyond the last and rise, many at once: pages are filled one after the other
    /// and written once, which takes a fifth of the work of [`put`](Self::put).
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put); [`StoreError::Row`] for a key that is not beyond the one before it. Then the
    /// transaction is not to be committed.
    pub fn append<'r>(
        &mut self,
        rows: impl IntoIterator<Item = (K, &'r V)>,
    ) -> Result<(), StoreError>
    where
        V: 'r,
    {
        let (name, sealer) = (self.name, self.sealer);
        let Some(raw) = &mut self.raw else { return Ok(()) };
        let mut row = Encoded::new();
        let mut end = raw.upper_bound_mut(Bound::<&[u8]>::Unbounded).map_err(failed)?;
        for (key, record) in rows {
            row.encode((name, sealer), &key, record)?;
            let appended = end.insert_before(row.key.as_slice(), row.value.as_slice());
            appended.map_err(|error| match error {
                CursorError::Storage(error) => failed(error),
                _ => StoreError::Row { table: name, detail: "its key does not rise".to_owned() },
            })?;
        }
        end.close().map_err(failed)
    }

    /// Takes a row out; tells whether it was there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub fn remove(&mut self, key: &K) -> Result<bool, StoreError> {
        let Some(raw) = &mut self.raw else { return Ok(false) };
        Ok(raw.remove(key.bytes().as_slice()).map_err(failed)?.is_some())
    }
}

/// Returns the first bytes after all that begin with these; `None` if there are none.
fn after(start: &[u8]) -> Option<Vec<u8>> {
    let last = start.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = start[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
