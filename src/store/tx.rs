//! Transactions as the rest of the program sees them.

use redb::{ReadTransaction, TableError, WriteTransaction};

use super::StoreError;
use super::error::failed;
use super::row::{Key, Record};
use super::seal::Sealer;
use super::table::{RowsMut, RowsRead, Table};

/// Changes that are made together or not at all.
pub struct WriteTx<'store> {
    raw: WriteTransaction,
    sealer: &'store Sealer,
}

/// The store as it was when the transaction began.
pub struct ReadTx<'store> {
    raw: ReadTransaction,
    sealer: &'store Sealer,
}

impl<'store> WriteTx<'store> {
    pub(super) const fn new(raw: WriteTransaction, sealer: &'store Sealer) -> Self {
        Self { raw, sealer }
    }

    /// Opens a table; a table can be open once at a time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub fn table<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
    ) -> Result<RowsMut<'_, K, V>, StoreError> {
        let raw = self.raw.open_table(table.raw()).map_err(failed)?;
        Ok(table.rows(Some(raw), self.sealer))
    }

    pub(super) const fn raw(&self) -> &WriteTransaction {
        &self.raw
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        self.raw.commit().map_err(failed)
    }
}

impl<'store> ReadTx<'store> {
    pub(super) const fn new(raw: ReadTransaction, sealer: &'store Sealer) -> Self {
        Self { raw, sealer }
    }

    pub(super) const fn raw(&self) -> &ReadTransaction {
        &self.raw
    }

    /// Opens a table.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub fn table<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
    ) -> Result<RowsRead<'_, K, V>, StoreError> {
        match self.raw.open_table(table.raw()) {
            Ok(raw) => Ok(table.rows(Some(raw), self.sealer)),
            Err(TableError::TableDoesNotExist(_)) => Ok(table.rows(None, self.sealer)),
            Err(error) => Err(failed(error)),
        }
    }
}
