//! Copies of the database: of one moment, readable with the right key only, and none of their faults ours.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::SystemTime;

use omniroute_core::usage::RecordId;

use super::*;

/// The table of calls with rows that are none.
const BROKEN: Table<RecordId, String> = Table::open("usage_rows");

fn copied(store: &Store) -> File {
    let file = tempfile::tempfile().unwrap();
    store.copy(file.try_clone().unwrap(), "test", SystemTime::UNIX_EPOCH).unwrap();
    file
}

fn records(copy: &backup::Copy) -> Vec<UsageRecord> {
    let mut all = Vec::new();
    copy.each_record(2, |mut some| {
        all.append(&mut some);
        Ok(())
    })
    .unwrap();
    all
}

#[test]
fn a_copy_is_one_moment_while_others_write() {
    let store = Store::in_memory().unwrap();
    (0..300).for_each(|number| store.record(record(number)));
    store.flush().unwrap();
    let writer = store.clone();

    let writing = std::thread::spawn(move || {
        (0..50)
            .for_each(|number: u32| writer.write_blocking(put(&format!("{number:03}"))).unwrap());
    });
    let copies: Vec<_> = (0..5).map(|_| copied(&store)).collect();
    writing.join().unwrap();

    for file in copies {
        let copy = store.open_copy(file, None).unwrap();
        assert_eq!(records(&copy), (0..300).map(record).collect::<Vec<_>>());
        let kept = copy.look(|tx| {
            let notes = tx.table(&NOTES)?;
            notes.range(..)?.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>, _>>()
        });
        let kept = kept.unwrap();
        let begun = (0..kept.len()).map(|number| format!("{number:03}"));
        assert_eq!(
            kept,
            begun.collect::<Vec<_>>(),
            "the first so many, none without the one before"
        );
    }
    assert_eq!(notes(&store).len(), 50);
}

#[test]
fn a_copy_opens_with_the_key_it_was_sealed_with_and_serves_in_the_databases_place() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), &key(1)).unwrap();
    store.record(record(7));
    store.flush().unwrap();
    let (secret, mut file) = (store.secret("test").unwrap(), copied(&store));

    let other = Store::in_memory().unwrap();
    let wrong = other.open_copy(file.try_clone().unwrap(), None);
    assert!(matches!(wrong, Err(StoreError::WrongKey { .. })));
    let copy = other.open_copy(file.try_clone().unwrap(), Some(&key(1))).unwrap();
    assert_eq!(copy.secret("test").unwrap(), Some(*secret));
    assert_eq!(copy.secret("never made").unwrap(), None);
    assert_eq!(copy.manifest().unwrap().unwrap().reason, "test");
    drop(copy);

    store.close();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    fs::write(home.path().join(FILE), bytes).unwrap();
    let again = Store::open(home.path(), &key(1)).unwrap();
    assert_eq!((ids(&again), again.secret("test").unwrap()), (vec![record(7)], secret));
}

#[test]
fn records_that_break_in_the_middle_leave_nothing_and_the_store_stays_open() {
    let (from, to) = (Store::in_memory().unwrap(), Store::in_memory().unwrap());
    (0..10).for_each(|number| from.record(record(number)));
    from.flush().unwrap();
    let last = RecordId::from_bytes([0xff; 16]);
    from.write_blocking(move |tx| tx.table(&BROKEN)?.put(&last, &"no record".to_owned())).unwrap();
    let file = copied(&from);

    // The key of `from` ends with it; its sealer reads its own copies.
    let copy = from.open_copy(file, None).unwrap();
    let taken = to.write_blocking(move |tx| {
        put("before the records")(tx)?;
        copy.each_record(3, |records| usage::take_in(tx, records).map(drop))
    });

    assert!(matches!(taken, Err(StoreError::NotABackup(_))), "{taken:?}");
    assert_eq!((notes(&to), ids(&to)), (Vec::<String>::new(), Vec::new()));
    assert_eq!(to.health().trouble, None);
}

#[test]
fn rows_that_retention_took_out_do_not_come_back_to_be_counted_twice() {
    let store = Store::in_memory().unwrap();
    (0..10).for_each(|number| store.record(record(number)));
    store.flush().unwrap();
    let file = copied(&store);
    let end = (0..10).map(|number| record(number).ended_unix_ms()).max().unwrap() + 3_600_000;
    let gone = store.write_blocking(move |tx| usage::forget(tx, end)).unwrap();
    assert_eq!(gone, 10);

    let copy = store.open_copy(file, None).unwrap();
    let new = store.write_blocking(move |tx| {
        let mut new = 0;
        copy.each_record(100, |records| {
            new += usage::take_in(tx, records)?;
            Ok(())
        })?;
        Ok::<_, StoreError>(new)
    });

    assert_eq!((new.unwrap(), ids(&store).len()), (0, 0));
}

#[test]
fn what_is_no_copy_is_told_apart() {
    let store = Store::in_memory().unwrap();
    let mut text = tempfile::tempfile().unwrap();
    text.write_all(b"redb, but only by its first letters").unwrap();
    let strange = tempfile::tempfile().unwrap();
    let database = file::fresh(strange.try_clone().unwrap()).unwrap();
    database.close().unwrap();

    for file in [text, strange] {
        let found = store.open_copy(file, None).map(drop);
        assert!(matches!(found, Err(StoreError::NotABackup(_))), "{found:?}");
    }
}
