//! The store as its callers see it.

mod bodies;
mod copies;
mod failing;
mod lending;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use omniroute_core::usage::{Recorder, UsageRecord};

use super::usage::tests::record;
use super::*;

const NOTES: Table<String, String> = Table::open("notes");
const SECRETS: Table<(String, String), String> = Table::sealed("sealed/test");

fn key(byte: u8) -> MasterKey {
    MasterKey::of_bytes([byte; 32])
}

fn put(text: &str) -> impl FnOnce(&WriteTx<'_>) -> Result<(), StoreError> + Send + 'static {
    let text = text.to_owned();
    move |tx| tx.table(&NOTES)?.put(&text, &text)
}

fn notes(store: &Store) -> Vec<String> {
    let read = store.read(|tx| {
        tx.table(&NOTES)?.range(..)?.map(|row| row.map(|(key, _)| key)).collect::<Result<_, _>>()
    });
    read.unwrap_or_else(|error: StoreError| panic!("{error}"))
}

fn ids(store: &Store) -> Vec<UsageRecord> {
    store.read(usage::all_rows).unwrap()
}

#[test]
fn what_was_written_is_there_after_a_restart_and_only_the_owner_may_read_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a/b");

    let store = Store::open(&folder, &key(1)).unwrap();
    store.write_blocking(put("kept")).unwrap();
    (0..3).for_each(|number| store.record(record(number)));
    store.close();
    let late = store.write_blocking(put("late"));
    drop(store);
    let again = Store::open(&folder, &key(1)).unwrap();

    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    assert_eq!(notes(&again), ["kept"]);
    assert_eq!(ids(&again), (0..3).map(record).collect::<Vec<_>>());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
}

#[test]
fn a_change_that_fails_or_panics_leaves_nothing_and_the_writer_goes_on() {
    let store = Store::in_memory().unwrap();

    let refused = store.write_blocking(|tx| {
        put("half")(tx)?;
        Err::<(), _>(StoreError::Question("no".to_owned()))
    });
    let panicked = store.write_blocking(|tx| {
        put("half")(tx)?;
        if notes(&Store::in_memory()?).is_empty() {
            panic!("on purpose");
        }
        Ok::<_, StoreError>(())
    });
    store.write_blocking(put("whole")).unwrap();

    assert!(matches!(refused, Err(StoreError::Question(_))));
    assert!(matches!(panicked, Err(StoreError::Unavailable(_))));
    assert_eq!(notes(&store), ["whole"]);
}

#[tokio::test]
async fn the_async_forms_do_the_same() {
    let store = Store::in_memory().unwrap();
    store.write(put("one")).await.unwrap();
    let found = store.view(|tx| tx.table(&NOTES)?.get(&"one".to_owned())).await;
    assert_eq!(found.unwrap_or_else(|error: StoreError| panic!("{error}")).as_deref(), Some("one"));
}

#[test]
fn sealed_rows_are_not_in_the_file_and_a_moved_one_does_not_open() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), &key(1)).unwrap();
    let (mine, other) =
        (("kind".to_owned(), "mine".to_owned()), ("kind".to_owned(), "other".to_owned()));
    let (one, two) = (mine.clone(), other.clone());
    store
        .write_blocking(move |tx| {
            let mut rows = tx.table(&SECRETS)?;
            rows.put(&one, &"canary-secret".to_owned())?;
            rows.put(&("kinder".to_owned(), "x".to_owned()), &"y".to_owned())?;
            rows.put(&two, &"else".to_owned())
        })
        .unwrap();

    let of_kind = store.read(|tx| {
        let rows = tx.table(&SECRETS)?;
        let rows = rows.beginning_with(&"kind".to_owned())?;
        rows.map(|row| row.map(|(_, text)| text)).collect::<Result<Vec<_>, StoreError>>()
    });
    assert_eq!(of_kind.unwrap(), ["canary-secret", "else"]);
    let wrong_key = Store::open(home.path(), &key(2)).map(|_| ());
    assert!(matches!(wrong_key, Err(StoreError::InUse { .. })), "one process at a time");
    store.close();
    let file = fs::read(home.path().join(FILE)).unwrap();
    assert!(!file.windows(13).any(|piece| piece == b"canary-secret"));

    move_row(home.path(), &mine.bytes(), &other.bytes());
    let store = Store::open(home.path(), &key(1)).unwrap();
    let moved = store.read(|tx| tx.table(&SECRETS)?.get(&other));
    assert!(matches!(moved, Err(StoreError::Row { table: "sealed/test", .. })), "{moved:?}");
}

/// Puts the sealed bytes of one row in the place of another's, as someone with the file could.
fn move_row(folder: &Path, from: &[u8], to: &[u8]) {
    let database = file::in_folder(folder)().unwrap();
    let tx = database.begin_write().unwrap();
    {
        let mut table = tx.open_table(SECRETS.raw()).unwrap();
        let value = redb::ReadableTable::get(&table, from).unwrap().unwrap().value().to_vec();
        table.insert(to, value.as_slice()).unwrap();
    }
    tx.commit().unwrap();
}

#[test]
fn another_master_key_and_a_damaged_file_are_refused_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    Store::open(home.path(), &key(1)).unwrap().close();

    let wrong = Store::open(home.path(), &key(2)).map(|_| ()).unwrap_err();
    assert!(matches!(wrong, StoreError::WrongKey { .. }), "{wrong}");
    let path = home.path().join(FILE);
    let size = fs::metadata(&path).unwrap().len() as usize;
    for garbage in [b"not a database".to_vec(), vec![0xff; size]] {
        fs::write(&path, garbage).unwrap();
        let error = Store::open(home.path(), &key(1)).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("backup"), "{error}");
    }
}

#[test]
fn secrets_of_the_store_stay_the_same_over_restarts_and_rotations() {
    let home = tempfile::tempdir().unwrap();
    let open =
        || Store::open(home.path(), &MasterKey::find(home.path(), &|_| None).unwrap()).unwrap();
    let store = open();
    let (first, other) = (store.secret("one").unwrap(), store.secret("two").unwrap());
    drop(store);
    let before = fs::read(home.path().join("master.key")).unwrap();

    let old = MasterKey::find(home.path(), &|_| None).unwrap();
    assert_eq!(rotate_master(home.path(), &old, None).unwrap(), 2);

    assert_ne!(first, other);
    assert_ne!(fs::read(home.path().join("master.key")).unwrap(), before);
    assert_eq!(open().secret("one").unwrap(), first);
    let stale = Store::open(home.path(), &old).map(|_| ());
    assert!(matches!(stale, Err(StoreError::WrongKey { .. })), "the old key opens nothing");
}

#[test]
fn a_rotation_that_was_cut_off_after_its_commit_is_finished_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let find = || MasterKey::find(home.path(), &|_| None).unwrap();
    let secret = Store::open(home.path(), &find()).unwrap().secret("one").unwrap();
    let kept = home.path().join("master.key");
    let old = fs::read(&kept).unwrap();
    rotate_master(home.path(), &find(), None).unwrap();
    // As if the process had died before the new key took the old one's place.
    fs::rename(&kept, home.path().join("master.key.next")).unwrap();
    fs::write(&kept, &old).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();

    assert_eq!(Store::open(home.path(), &find()).unwrap().secret("one").unwrap(), secret);
    assert_ne!(fs::read(&kept).unwrap(), old);
    assert_eq!(Store::open(home.path(), &find()).unwrap().secret("one").unwrap(), secret);
}

#[test]
fn the_operators_own_key_is_rotated_only_to_a_given_one() {
    let home = tempfile::tempdir().unwrap();
    let secret = Store::open(home.path(), &key(1)).unwrap().secret("one").unwrap();

    assert!(matches!(rotate_master(home.path(), &key(1), None), Err(StoreError::MasterKey(_))));
    rotate_master(home.path(), &key(1), Some(key(2))).unwrap();

    assert_eq!(Store::open(home.path(), &key(2)).unwrap().secret("one").unwrap(), secret);
}

#[test]
fn rows_are_appended_in_the_order_of_their_keys_or_not_at_all() {
    let store = Store::in_memory().unwrap();
    let append = |keys: &'static [&'static str]| {
        store.write_blocking(move |tx| {
            let rows = keys.iter().map(|key| ((*key).to_owned(), "text".to_owned()));
            let rows: Vec<_> = rows.collect();
            tx.table(&NOTES)?.append(rows.iter().map(|(key, text)| (key.clone(), text)))
        })
    };

    assert!(append(&[]).is_ok());
    assert!(append(&["b", "c"]).is_ok());
    for wrong in [&["d", "d"][..], &["e", "d"], &["a"], &["c"], &["d", "b"]] {
        let refused: Result<(), StoreError> = append(wrong);
        assert!(matches!(refused, Err(StoreError::Row { .. })), "{wrong:?}: {refused:?}");
    }
    assert!(append(&["d"]).is_ok());

    let keys = store.read(|tx| tx.table(&NOTES)?.keys(..)?.collect::<Result<Vec<_>, _>>());
    assert_eq!(keys.unwrap(), ["b", "c", "d"]);
}
