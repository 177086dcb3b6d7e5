//! What waits for the writer: changes, whose callers wait for the result, and records, whose do not.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use omniroute_core::usage::UsageRecord;

use super::StoreError;

/// How long records are collected before they are committed, unless a change comes first. A record is on
/// the disk this long after its request, and the time of a commit (a millisecond); the promise is a second.
const COLLECT: Duration = Duration::from_millis(100);

/// The same once many come: a commit takes as much work as thirty rows, so at a thousand calls a second it would
/// be as much as the rows themselves.
const COLLECT_MANY: Duration = Duration::from_millis(300);

/// How many records of one commit are many.
const MANY: usize = 30;

/// Most records of one commit.
pub(super) const BATCH: usize = 1000;

/// From this many waiting records on, which is far more than a working database ever leaves waiting, the
/// oldest are spilled by a thread of its own.
pub(super) const CROWDED: usize = 10_000;

/// Most records that wait. Beyond it, with database and spill both stuck, they are counted as lost.
pub(super) const FULL: usize = 50_000;

/// Most bytes of bodies that wait with their records. What comes beyond is counted as lost; its record stays.
const FULL_OF_BODIES: usize = 16 * 1024 * 1024;

/// Most changes that wait.
const MAX_CHANGES: usize = 1024;

/// What waits for the writer.
pub(super) struct Queue<Change> {
    state: Mutex<State<Change>>,
    changed: Condvar,
    crowded: Condvar,
}

struct State<Change> {
    records: VecDeque<UsageRecord>,
    changes: VecDeque<Change>,
    /// How many records the last commit had.
    last: usize,
    lost: u64,
    body_bytes: usize,
    bodies_lost: u64,
    ended: bool,
}

impl<Change> Default for Queue<Change> {
    fn default() -> Self {
        let state = State {
            records: VecDeque::new(),
            changes: VecDeque::new(),
            last: 0,
            lost: 0,
            body_bytes: 0,
            bodies_lost: 0,
            ended: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), crowded: Condvar::new() }
    }
}

/// What the writer is to do next.
pub(super) struct Work<Change> {
    /// Records to commit first.
    pub(super) records: Vec<UsageRecord>,
    /// Changes to make, in order.
    pub(super) changes: VecDeque<Change>,
    /// Whether nothing more will come.
    pub(super) ended: bool,
}

impl<Change> Queue<Change> {
    /// Appends a record. Never waits.
    pub(super) fn record(&self, mut record: UsageRecord) {
        let mut state = self.lock();
        if state.records.len() >= FULL {
            state.lost += 1;
            return;
        }
        let body_bytes = record.body_bytes();
        if state.body_bytes + body_bytes <= FULL_OF_BODIES {
            state.body_bytes += body_bytes;
        } else if record.lose_bodies() {
            state.bodies_lost += 1;
        }
        state.records.push_back(record);
        let waiting = state.records.len();
        drop(state);
        if waiting == 1 || waiting == BATCH {
            self.changed.notify_all();
        } else if waiting > CROWDED && waiting.is_multiple_of(BATCH) {
            self.crowded.notify_all();
        }
    }

    /// Appends a change.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`], or [`StoreError::Unavailable`] after the end.
    pub(super) fn change(&self, change: Change) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.ended {
            return Err(StoreError::Unavailable("the gateway is stopping".to_owned()));
        }
        let waiting = state.changes.len();
        if waiting >= MAX_CHANGES {
            return Err(StoreError::Busy { waiting });
        }
        state.changes.push_back(change);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for work: until something has come and records had time to gather, or for `at_most`, after which there may be
    /// none.
    pub(super) fn next(&self, at_most: Option<Duration>) -> Work<Change> {
        let is_idle = |state: &mut State<Change>| {
            state.records.is_empty() && state.changes.is_empty() && !state.ended
        };
        let mut state = self.lock();
        match at_most {
            None => {
                state =
                    self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
            }
            // The database is away: records gather meanwhile, so only the time and changes count.
            Some(time) => state = self.gather(state, time),
        }
        if at_most.is_none() && !state.records.is_empty() {
            let time = time_to_collect(state.last);
            state = self.gather(state, time);
        }
        let end = state.records.len().min(BATCH);
        state.last = end;
        let records = state.take(end);
        Work { records, changes: std::mem::take(&mut state.changes), ended: state.ended }
    }

    fn gather<'a>(
        &self,
        state: MutexGuard<'a, State<Change>>,
        time: Duration,
    ) -> MutexGuard<'a, State<Change>> {
        let may_wait = |state: &mut State<Change>| {
            state.changes.is_empty() && !state.ended && state.records.len() < BATCH
        };
        let waited = self.changed.wait_timeout_while(state, time, may_wait);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes more records without waiting.
    pub(super) fn more(&self) -> Vec<UsageRecord> {
        let mut state = self.lock();
        let end = state.records.len().min(BATCH);
        state.take(end)
    }

    /// Lets go of the bodies of records that the database did not take: they are written nowhere else.
    pub(super) fn lose_bodies(&self, records: &mut [UsageRecord]) {
        let lost: u64 = records.iter_mut().map(|record| u64::from(record.lose_bodies())).sum();
        self.lock().bodies_lost += lost;
    }

    /// Puts records back in front that could be kept nowhere. They have no bodies any more.
    pub(super) fn put_back(&self, records: Vec<UsageRecord>) {
        let mut state = self.lock();
        records.into_iter().rev().for_each(|record| state.records.push_front(record));
    }

    /// Waits until too many records wait and returns the oldest; `None` after the end.
    pub(super) fn surplus(&self) -> Option<Vec<UsageRecord>> {
        let mut state = self.lock();
        loop {
            if state.ended {
                return None;
            }
            state = self.crowded.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.records.len() > CROWDED && !state.ended {
                let end = state.records.len() - CROWDED / 2;
                return Some(state.take(end));
            }
        }
    }

    /// Says that nothing more will come.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
        self.crowded.notify_all();
    }

    /// Returns how many records and changes wait, and how many records were lost.
    pub(super) fn counts(&self) -> (usize, usize, u64) {
        let state = self.lock();
        (state.records.len(), state.changes.len(), state.lost)
    }

    /// Returns of how many calls the bodies were lost.
    pub(super) fn bodies_lost(&self) -> u64 {
        self.lock().bodies_lost
    }

    fn lock(&self) -> MutexGuard<'_, State<Change>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how long records are collected behind a commit of so many.
const fn time_to_collect(last: usize) -> Duration {
    if last < MANY { COLLECT } else { COLLECT_MANY }
}

impl<Change> State<Change> {
    /// Takes so many records off the front.
    fn take(&mut self, end: usize) -> Vec<UsageRecord> {
        if end == self.records.len() {
            // Those who hand records over wait for this.
            self.body_bytes = 0;
            let empty = VecDeque::with_capacity(end);
            return std::mem::replace(&mut self.records, empty).into();
        }
        let taken: Vec<UsageRecord> = self.records.drain(..end).collect();
        let bytes: usize = taken.iter().map(UsageRecord::body_bytes).sum();
        self.body_bytes = self.body_bytes.saturating_sub(bytes);
        taken
    }
}
