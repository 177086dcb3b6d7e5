//! Disks that fail: traffic goes on, records wait elsewhere, and all are there when the disk is back.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::*;

/// A disk in memory, which fails when it is told to. Clones share it; what was written stays.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<State>);

#[derive(Debug, Default)]
struct State {
    bytes: Mutex<Vec<u8>>,
    /// Changes until it fails, counted from 1; 0: it does not.
    fuse: AtomicU32,
    blown: Mutex<Option<Fault>>,
    fault: Mutex<Fault>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    /// EIO.
    #[default]
    Io,
    /// ENOSPC.
    Full,
    /// Half of a write is done, then EIO.
    Torn,
}

impl Disk {
    /// Lets the disk fail from its `after`th change on, until it is mended.
    fn break_after(&self, after: u32, fault: Fault) {
        *self.0.fault.lock().unwrap() = fault;
        self.0.fuse.store(after + 1, SeqCst);
    }

    fn mend(&self) {
        self.0.fuse.store(0, SeqCst);
        *self.0.blown.lock().unwrap() = None;
    }

    /// Counts a change; returns how it fails, if it does.
    fn change(&self) -> Option<Fault> {
        let mut blown = self.0.blown.lock().unwrap();
        let fuse = self.0.fuse.load(SeqCst);
        if blown.is_none() && fuse > 0 {
            self.0.fuse.store(fuse - 1, SeqCst);
            if fuse == 1 {
                *blown = Some(*self.0.fault.lock().unwrap());
            }
        }
        *blown
    }
}

fn error(fault: Fault) -> io::Error {
    let kind = match fault {
        Fault::Full => io::ErrorKind::StorageFull,
        Fault::Io | Fault::Torn => io::ErrorKind::Other,
    };
    io::Error::new(kind, "the disk of the test fails")
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.bytes.lock().unwrap();
        let start = offset as usize;
        let found = bytes.get(start..start + out.len());
        out.copy_from_slice(found.ok_or_else(|| error(Fault::Io))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if let Some(fault) = self.change() {
            return Err(error(fault));
        }
        self.0.bytes.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change().map_or(Ok(()), |fault| Err(error(fault)))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let fault = self.change();
        let done = match fault {
            None => data.len(),
            Some(Fault::Torn) => data.len() / 2,
            Some(_) => 0,
        };
        let start = offset as usize;
        let mut bytes = self.0.bytes.lock().unwrap();
        let target = bytes.get_mut(start..start + done).ok_or_else(|| error(Fault::Io))?;
        target.copy_from_slice(&data[..done]);
        fault.map_or(Ok(()), |fault| Err(error(fault)))
    }
}

fn store_on(disk: &Disk, spill: &Path) -> Store {
    let disk = disk.clone();
    Store::on_backend(move || disk.clone(), spill, &key(1)).unwrap()
}

fn assert_whole(store: &Store, count: u32, when: &str) {
    assert_eq!(ids(store), (0..count).map(record).collect::<Vec<_>>(), "{when}");
    assert_eq!(store.read(usage::check).unwrap().faults, [], "{when}");
}

#[test]
fn records_wait_in_spill_files_while_the_disk_fails_and_are_taken_in_once() {
    for fault in [Fault::Io, Fault::Full, Fault::Torn] {
        let (disk, home) = (Disk::default(), tempfile::tempdir().unwrap());
        let store = store_on(&disk, home.path());
        (0..10).for_each(|number| store.record(record(number)));
        store.flush().unwrap();

        disk.break_after(0, fault);
        (10..20).for_each(|number| store.record(record(number)));
        store.flush().unwrap();
        let health = store.health();
        let change = store.write_blocking(put("refused"));
        (20..30).for_each(|number| store.record(record(number)));
        store.flush().unwrap();
        disk.mend();
        store.flush().unwrap();

        assert_eq!((health.spilled, health.waiting), (10, 0), "{fault:?}: {health:?}");
        assert!(health.trouble.is_some_and(|why| why.contains("the disk of the test fails")));
        assert!(matches!(change, Err(StoreError::Unavailable(_))), "{change:?}");
        assert_whole(&store, 30, &format!("{fault:?}"));
        let health = store.health();
        let waits = (health.waiting, health.changes, health.spilled, health.lost);
        assert_eq!((health.trouble, waits), (None, (0, 0, 0, 0)));
        assert!(health.commits > 0 && health.last_commit.is_some());
        store.write_blocking(put("accepted")).unwrap();
        assert_eq!(notes(&store), ["accepted"]);
    }
}

#[test]
fn wherever_in_a_commit_the_disk_fails_no_record_is_lost_or_doubled() {
    let mut failed = 0;
    for fault in [Fault::Io, Fault::Torn] {
        for after in 0..40 {
            let (disk, home) = (Disk::default(), tempfile::tempdir().unwrap());
            let store = store_on(&disk, home.path());
            disk.break_after(after, fault);
            for number in 0..6 {
                store.record(record(number));
                store.flush().unwrap();
            }
            failed += u32::from(store.health().trouble.is_some());
            disk.mend();
            store.flush().unwrap();
            assert_whole(&store, 6, &format!("{fault:?} after {after}"));

            drop(store);
            assert_whole(&store_on(&disk, home.path()), 6, "and after a restart");
        }
    }
    assert!(failed > 30, "the disk did fail: {failed}");
}

#[test]
fn without_database_and_spill_records_wait_in_memory() {
    let (disk, home) = (Disk::default(), tempfile::tempdir().unwrap());
    let blocked = home.path().join("spill");
    fs::write(&blocked, "no folder").unwrap();
    let store = store_on(&disk, home.path());

    disk.break_after(0, Fault::Full);
    (0..10).for_each(|number| store.record(record(number)));
    let stuck = store.flush();
    let waiting = store.health().waiting;
    disk.mend();
    fs::remove_file(&blocked).unwrap();
    store.flush().unwrap();

    assert!(matches!(stuck, Err(StoreError::Unavailable(_))), "{stuck:?}");
    assert_eq!(waiting, 10);
    assert_whole(&store, 10, "after the disk is back");
}

#[test]
fn a_spill_that_stayed_behind_is_taken_in_at_the_next_start_and_counts_once() {
    let (disk, home) = (Disk::default(), tempfile::tempdir().unwrap());
    let store = store_on(&disk, home.path());
    (0..5).for_each(|number| store.record(record(number)));
    store.flush().unwrap();
    disk.break_after(0, Fault::Io);
    (5..10).for_each(|number| store.record(record(number)));
    store.close();
    disk.mend();
    let segment = home.path().join("spill/000000000001.log");
    let kept = fs::read(&segment).unwrap();

    assert_whole(&store_on(&disk, home.path()), 10, "taken in at the start");
    assert!(!segment.exists());
    // As if the process had died between the commit and the removal.
    fs::write(&segment, kept).unwrap();
    assert_whole(&store_on(&disk, home.path()), 10, "known by their ids");
}

#[test]
fn when_more_records_wait_than_a_working_database_leaves_the_oldest_are_spilled() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::on_backend(InMemoryBackend::new, home.path(), &key(1)).unwrap();
    let count = u32::try_from(queue::CROWDED + 2 * queue::BATCH).unwrap();
    let (free, held) = mpsc::sync_channel::<()>(0);
    // The writer is held inside a change while the records come.
    let hold = writer::change(move |_| Ok::<_, StoreError>(held.recv().is_ok()), drop);
    store.inner.queue.change(hold).unwrap();

    (0..count).for_each(|number| store.record(record(number)));
    while store.health().spilled == 0 {
        std::thread::yield_now();
    }
    free.send(()).unwrap();
    store.flush().unwrap();

    assert_whole(&store, count, "spilled and not spilled");
    assert_eq!(store.health().lost, 0);
}
