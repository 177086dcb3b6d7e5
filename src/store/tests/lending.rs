//! One database, and two processes after each other that both have records to keep.

use super::*;

#[test]
fn another_process_takes_the_database_and_what_the_first_records_after_that() {
    let home = tempfile::tempdir().unwrap();
    let old = Store::open(home.path(), &key(1)).unwrap();
    old.write_blocking(put("before")).unwrap();
    old.record(record(0));
    assert!(matches!(Store::open(home.path(), &key(1)), Err(StoreError::InUse { .. })));

    old.lend().unwrap();
    let new = Store::open(home.path(), &key(1)).unwrap();
    let refused = old.write_blocking(put("after"));
    (1..4).for_each(|number| old.record(record(number)));
    old.flush().unwrap();
    new.take_in();
    new.flush().unwrap();

    assert!(matches!(refused, Err(StoreError::Lent)));
    assert_eq!(notes(&new), ["before"]);
    assert_eq!(ids(&new), (0..4).map(record).collect::<Vec<_>>());

    // The last words of the old one come while it closes.
    old.record(record(4));
    old.close();
    new.take_in();
    new.flush().unwrap();
    assert_eq!(ids(&new).len(), 5);
}

#[test]
fn a_database_that_was_lent_in_vain_is_opened_again_with_all_records() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), &key(1)).unwrap();
    store.record(record(0));
    store.lend().unwrap();
    store.record(record(1));
    store.flush().unwrap();
    assert!(store.health().trouble.is_some());

    store.take_back();

    store.write_blocking(put("after")).unwrap();
    assert_eq!(ids(&store), [record(0), record(1)]);
    assert_eq!(store.health().trouble, None);
}
