//! What the database knows of itself: its version, and which master key it was sealed with.

use omniroute_core::hex;
use redb::Database;
use serde_json::Value;

use super::row::Record;
use super::seal::Sealer;
use super::table::Table;
use super::tx::WriteTx;
use super::{StoreError, file};

const META: Table<String, Value> = Table::open("meta");

impl Record for Value {}

/// The rows.
const SCHEMA: &str = "schema";
const KEY_CHECK: &str = "key_check";

/// Brings a database from one version to the next, inside the transaction that opens it.
pub(super) type Migration = fn(&WriteTx<'_>) -> Result<(), StoreError>;

/// All of them, the oldest first: the first leads from version 1 to 2.
pub(super) const MIGRATIONS: &[Migration] = &[];

/// Checks that the database is ours to use, and brings it to the latest version.
///
/// # Errors
///
/// [`StoreError::Newer`], [`StoreError::WrongKey`], or what a migration found; then nothing is changed.
pub(super) fn settle(
    database: &Database,
    sealer: &Sealer,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX).saturating_add(1);
    let found = {
        let tx = file::read(database, sealer)?;
        let meta = tx.table(&META)?;
        if let Some(check) = meta.get(&KEY_CHECK.to_owned())?
            && check != check_text(sealer)
        {
            return Err(StoreError::WrongKey { source_name: sealer.origin().to_string() });
        }
        meta.get(&SCHEMA.to_owned())?.map(|schema| version(&schema)).transpose()?
    };
    match found {
        Some(found) if found > known => Err(StoreError::Newer { found, known }),
        Some(found) if found == known => Ok(()),
        _ => {
            let tx = file::write(database, sealer)?;
            for step in migrations.iter().skip(found.unwrap_or(known) as usize - 1) {
                step(&tx)?;
            }
            {
                let mut meta = tx.table(&META)?;
                meta.put(&SCHEMA.to_owned(), &known.into())?;
                meta.put(&KEY_CHECK.to_owned(), &check_text(sealer))?;
            }
            tx.commit()
        }
    }
}

/// Checks that a database is one of ours, so that nothing of another's is ever migrated.
///
/// # Errors
///
/// [`StoreError::NotABackup`].
pub(super) fn is_ours(database: &Database, sealer: &Sealer) -> Result<(), StoreError> {
    let tx = file::read(database, sealer)?;
    let not = |detail: &str| StoreError::NotABackup(detail.to_owned());
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX).saturating_add(1);
    let schema = tx.table(&META).and_then(|meta| meta.get(&SCHEMA.to_owned()));
    let schema = schema.map_err(|_| not("it is a redb database, but not of omniroute"))?;
    let Some(schema) = schema else {
        return Err(not("it is a redb database, but not of omniroute"));
    };
    let found = version(&schema).map_err(|error| StoreError::NotABackup(error.to_string()))?;
    if found > known {
        return Err(StoreError::NotABackup(format!(
            "it is of version {found}, this program knows {known} at most; update omniroute first"
        )));
    }
    Ok(())
}

/// Tells whether a database was sealed with this key; `None` if it was not sealed yet.
pub(super) fn is_sealed_with(
    database: &Database,
    sealer: &Sealer,
) -> Result<Option<bool>, StoreError> {
    let tx = file::read(database, sealer)?;
    let check = tx.table(&META)?.get(&KEY_CHECK.to_owned())?;
    Ok(check.map(|check| check == check_text(sealer)))
}

/// Writes down which key the database is sealed with from now on.
pub(super) fn mark_key(tx: &WriteTx<'_>, sealer: &Sealer) -> Result<(), StoreError> {
    tx.table(&META)?.put(&KEY_CHECK.to_owned(), &check_text(sealer))
}

fn version(schema: &Value) -> Result<u32, StoreError> {
    let number = schema.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or_else(|| StoreError::Row {
        table: META.name(),
        detail: "the version is not a number above 0".to_owned(),
    })
}

fn check_text(sealer: &Sealer) -> Value {
    hex::encode(&sealer.check_value()[..]).into()
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;
    use crate::store::master::MasterKey;

    const OLD: Table<String, String> = Table::open("old");
    const NEW: Table<String, u64> = Table::open("new");

    impl Record for String {}
    impl Record for u64 {}

    fn lengths(tx: &WriteTx<'_>) -> Result<(), StoreError> {
        let old: Vec<(String, String)> = tx.table(&OLD)?.range(..)?.collect::<Result<_, _>>()?;
        let mut new = tx.table(&NEW)?;
        old.iter().try_for_each(|(key, text)| new.put(key, &(text.len() as u64)))
    }

    fn fails(tx: &WriteTx<'_>) -> Result<(), StoreError> {
        tx.table(&NEW)?.put(&"half".to_owned(), &1)?;
        Err(StoreError::Question("on purpose".to_owned()))
    }

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::of_bytes([1; 32]))
    }

    fn new_rows(database: &Database, sealer: &Sealer) -> Vec<(String, u64)> {
        let tx = file::read(database, sealer).unwrap();
        tx.table(&NEW).unwrap().range(..).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn an_older_database_is_brought_to_the_latest_version_once() {
        let (database, sealer) = (file::on_backend(InMemoryBackend::new)().unwrap(), sealer());
        settle(&database, &sealer, &[]).unwrap();
        let tx = file::write(&database, &sealer).unwrap();
        tx.table(&OLD).unwrap().put(&"a".to_owned(), &"four".to_owned()).unwrap();
        tx.commit().unwrap();

        let failure = settle(&database, &sealer, &[lengths, fails]);
        assert!(matches!(failure, Err(StoreError::Question(_))));
        assert_eq!(new_rows(&database, &sealer), [], "a failed migration leaves nothing");

        settle(&database, &sealer, &[lengths]).unwrap();
        settle(&database, &sealer, &[fails]).unwrap();
        assert_eq!(
            new_rows(&database, &sealer),
            [("a".to_owned(), 4)],
            "known steps are not repeated"
        );
        let newer = settle(&database, &sealer, &[]);
        assert!(matches!(newer, Err(StoreError::Newer { found: 2, known: 1 })));
    }

    #[test]
    fn another_master_key_is_one_clear_error() {
        let database = file::on_backend(InMemoryBackend::new)().unwrap();
        settle(&database, &sealer(), &[]).unwrap();

        let other = Sealer::new(&MasterKey::of_bytes([2; 32]));
        let error = settle(&database, &other, &[]).unwrap_err();

        assert!(matches!(error, StoreError::WrongKey { .. }));
        assert!(error.to_string().contains("master key"), "{error}");
        assert_eq!(is_sealed_with(&database, &sealer()).unwrap(), Some(true));
    }
}
