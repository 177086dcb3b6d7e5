//! Changes the master key: everything sealed is sealed anew in one transaction.
//!
//! A key that the program keeps itself is made first, as `master.key.next`, and takes its place after the
//! commit. If the process dies in between, the next start finds that the database opens with the next key,
//! and finishes.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use redb::{ReadableTable, TableHandle};

use super::encoded::SEALED;
use super::error::failed;
use super::master::{KEY_FILE, MasterKey, NEXT_KEY_FILE, Origin};
use super::seal::{Sealer, open_whole, seal_whole};
use super::tx::WriteTx;
use super::{FILE, StoreError, file, meta};

/// Seals everything with a new master key: the given one, or one that is made and kept where the old one
/// was. Returns how many rows there were. No gateway may run on the data directory meanwhile.
///
/// # Errors
///
/// [`StoreError::MasterKey`] if the old key is the operator's and no new one is given,
/// [`StoreError::InUse`] while a gateway runs, [`StoreError::WrongKey`] if the old key is not the right one.
pub fn rotate_master(
    folder: &Path,
    old: &MasterKey,
    new: Option<MasterKey>,
) -> Result<usize, StoreError> {
    if !folder.join(FILE).exists() {
        let what = format!("there is no {FILE} in {}: nothing is sealed yet", folder.display());
        return Err(StoreError::MasterKey(what));
    }
    let database = file::in_folder(folder)()?;
    let from = Sealer::new(old);
    meta::settle(&database, &from, meta::MIGRATIONS)?;
    let is_kept = matches!(old.origin(), Origin::Kept(_));
    let new = match new {
        Some(new) => new,
        None if is_kept => MasterKey::keep_next(folder)?,
        None => {
            return Err(StoreError::MasterKey(format!(
                "the master key comes from {}; write the new one into a file, name it with --new-key-file, and \
                 put it in the place of the old one afterwards",
                old.origin()
            )));
        }
    };
    let is_next = matches!(new.origin(), Origin::Kept(_));
    let to = Sealer::new(&new);
    let tx = file::write(&database, &from)?;
    let rows = reseal(&tx, &from, &to)?;
    meta::mark_key(&tx, &to)?;
    tx.commit()?;
    drop(database);
    if is_next {
        take_place(folder)?;
    }
    Ok(rows)
}

/// Returns the key with which a rotation was cut off between its commit and its end, if that may be so.
pub(super) fn cut_off(folder: &Path, master: &MasterKey) -> Option<MasterKey> {
    let next = matches!(master.origin(), Origin::Kept(_)).then(|| MasterKey::next_of(folder))??;
    let database = file::in_folder(folder)().ok()?;
    let is_sealed = meta::is_sealed_with(&database, &Sealer::new(&next)).ok()??;
    is_sealed.then_some(next)
}

/// Puts the next key in the place of the one that is kept.
pub(super) fn take_place(folder: &Path) -> io::Result<()> {
    fs::rename(folder.join(NEXT_KEY_FILE), folder.join(KEY_FILE))?;
    File::open(folder)?.sync_all()
}

fn reseal(tx: &WriteTx<'_>, from: &Sealer, to: &Sealer) -> Result<usize, StoreError> {
    let tables = tx.raw().list_tables().map_err(failed)?;
    let tables = tables.map(|table| table.name().to_owned());
    let tables: Vec<_> = tables.filter(|name| name.starts_with(SEALED)).collect();
    let mut rows = 0;
    for name in tables {
        rows += reseal_table(tx, &name, from, to)?;
    }
    Ok(rows)
}

fn reseal_table(
    tx: &WriteTx<'_>,
    name: &str,
    from: &Sealer,
    to: &Sealer,
) -> Result<usize, StoreError> {
    let definition = redb::TableDefinition::<&[u8], &[u8]>::new(name);
    let mut table = tx.raw().open_table(definition).map_err(failed)?;
    let keys = table.iter().map_err(failed)?;
    let keys = keys.map(|row| row.map(|(key, _)| key.value().to_vec()));
    let keys: Vec<Vec<u8>> = keys.collect::<Result<_, _>>().map_err(failed)?;
    // One at a time: all bodies of requests together would not fit into memory.
    for key in &keys {
        let Some(sealed) = table.get(key.as_slice()).map_err(failed)? else { continue };
        let record = open_whole(from, name, key, sealed.value()).map_err(|detail| {
            StoreError::MasterKey(format!("a row of `{name}` cannot be opened: {detail}"))
        })?;
        drop(sealed);
        let version = record.first().copied().unwrap_or_default();
        let mut sealed = Vec::new();
        let sealing = seal_whole(to, (name, key, version), &mut sealed, |sealed| {
            sealed.extend_from_slice(&record);
            Ok::<_, Infallible>(())
        });
        let Ok(()) = sealing;
        table.insert(key.as_slice(), sealed.as_slice()).map_err(failed)?;
    }
    Ok(keys.len())
}
