//! Bodies of requests: bounded wherever they wait or lie, in no copy, and readable after the key has changed.

use std::time::SystemTime;

use omniroute_core::usage::{Bodies, Body, CallLog, RecordId};

use super::*;

/// A record with bodies of this many bytes together.
fn with_bodies(number: u32, bytes: usize, max_entries: u64) -> UsageRecord {
    let body = |bytes: usize| Body::new(vec![b'x'; bytes], bytes as u64);
    let bodies = Bodies { request: body(bytes / 2), answer: body(bytes - bytes / 2), max_entries };
    let log = CallLog { path: "/p".into(), bodies: Some(bodies), ..CallLog::default() };
    UsageRecord { log: Some(Box::new(log)), ..record(number) }
}

/// What is kept of calls: how many logs, and the numbers of those with bodies.
fn kept(store: &Store, calls: u32) -> (usize, Vec<u32>) {
    let read = store.read(|tx| {
        let (mut logs, mut bodies) = (0, Vec::new());
        for number in 0..calls {
            let id: RecordId = record(number).id;
            logs += usize::from(requests::log(tx, id)?.is_some());
            if requests::bodies(tx, id)?.is_some() {
                bodies.push(number);
            }
        }
        Ok::<_, StoreError>((logs, bodies))
    });
    read.unwrap()
}

#[test]
fn rows_stay_without_their_log_and_only_the_newest_bodies_are_kept() {
    let store = Store::in_memory().unwrap();
    for number in 0..10 {
        store.record(with_bodies(number, 10, 3));
        store.flush().unwrap();
    }

    assert_eq!(kept(&store, 10), (10, vec![7, 8, 9]));
    assert_eq!(ids(&store), (0..10).map(record).collect::<Vec<_>>(), "rows hold none of it");
    let forgotten = store.write_blocking(|tx| usage::forget(tx, record(60).ended_unix_ms()));
    assert_eq!(forgotten.map_err(|error: StoreError| error.to_string()), Ok(10));
    assert_eq!(kept(&store, 10), (0, vec![]), "what is kept of a call goes with its row");
}

#[test]
fn bodies_that_wait_are_bounded_and_counted_and_their_records_stay() {
    let store = Store::in_memory().unwrap();
    let (begun, wait) = mpsc::sync_channel(0);
    let (release, held) = mpsc::sync_channel::<()>(0);
    let writer = store.clone();
    let stuck = std::thread::spawn(move || {
        writer.write_blocking(move |_| {
            begun.send(()).unwrap();
            held.recv().unwrap();
            Ok::<_, StoreError>(())
        })
    });
    wait.recv().unwrap();

    // 20 MiB while the writer is held up; 16 MiB may wait.
    (0..20).for_each(|number| store.record(with_bodies(number, 1 << 20, 100)));
    assert_eq!((store.health().bodies_lost, store.health().lost), (4, 0));
    release.send(()).unwrap();
    stuck.join().unwrap().unwrap();
    store.flush().unwrap();

    assert_eq!(kept(&store, 20), (20, (0..16).collect()));
    let lost = store.read(|tx| requests::log(tx, record(19).id)).unwrap();
    assert!(lost.is_some_and(|log| log.bodies_lost), "an operator is told so");
    store.record(with_bodies(20, 1 << 20, 100));
    store.flush().unwrap();
    assert_eq!(store.health().bodies_lost, 4, "there is room again");
}

#[test]
fn no_copy_has_bodies_and_another_master_key_opens_what_stays() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), &key(1)).unwrap();
    (0..3).for_each(|number| store.record(with_bodies(number, 10, 100)));
    store.flush().unwrap();

    let file = tempfile::tempfile().unwrap();
    store.copy(file.try_clone().unwrap(), "test", SystemTime::UNIX_EPOCH).unwrap();
    let copy = store.open_copy(file, None).unwrap();
    let id = record(1).id;
    let in_copy = copy.look(|tx| Ok((requests::log(tx, id)?, requests::bodies(tx, id)?)));
    let (log, bodies) = in_copy.unwrap();
    assert_eq!((log.map(|log| log.path), bodies), (Some("/p".into()), None));

    store.close();
    drop(store);
    rotate_master(home.path(), &key(1), Some(key(2))).unwrap();
    let again = Store::open(home.path(), &key(2)).unwrap();
    assert_eq!(kept(&again, 3), (3, vec![0, 1, 2]));
}
