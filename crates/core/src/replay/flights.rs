//! Calls under way or just ended, by the id that their client gave them: a repetition joins the first.
//!
//! An id alone says nothing. It counts together with who asks, where, and for what: the same id with
//! another body is an error if the id is meant for this (`Idempotency-Key`), and otherwise shows that it
//! is no id of a request but, say, of a session, and is not looked at again for a while.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use tokio::sync::watch;

use super::joined;
use super::tape::{Follower, MAX_KEPT_BYTES, Recorder, Tape};
use crate::attached::Ending;
use crate::filter::Reply;
use crate::sameness::Sameness;

/// Most ids that are known at once.
const MAX_IDS: NonZeroUsize = NonZeroUsize::new(8_192).unwrap();

/// Most bytes of ended answers, all together.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How long an id that came with different requests is not taken for one.
const NO_ID_FOR: Duration = Duration::from_secs(600);

/// What an id is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// To tell repetitions (`Idempotency-Key`).
    Repetition,
    /// To be found in logs (`X-Request-Id`).
    Trace,
}

/// How a request stands to others with its id.
#[derive(Debug)]
pub enum Joined {
    /// It is the first: it is to be answered, and recorded.
    First(Recorder),
    /// Another is under way.
    Follows(Follower),
    /// Another has just got this answer.
    Again(Reply),
    /// The id tells nothing.
    Alone,
    /// The id was given to another request, which it must not.
    Mismatch,
}

/// Calls by their ids.
pub struct Flights {
    table: Mutex<Table>,
    /// Bytes of all answers under way.
    running: AtomicUsize,
}

struct Table {
    /// In the order of their last change.
    entries: LruCache<Sameness, Entry>,
    /// Of ended answers.
    bytes: usize,
    /// When entries are over, the first first. Some may be gone by then.
    due: BinaryHeap<Reverse<(Instant, Sameness)>>,
}

struct Entry {
    /// What was asked for.
    body: Sameness,
    stage: Stage,
}

enum Stage {
    UnderWay(Tape),
    Ended { reply: Reply, until: Instant },
    NoId { until: Instant },
}

/// The place of one call among the flights.
pub(super) struct Flight {
    flights: Arc<Flights>,
    id: Sameness,
    /// For how long the answer is given again.
    window: Duration,
}

impl Default for Flights {
    fn default() -> Self {
        let (entries, due) = (LruCache::unbounded(), BinaryHeap::new());
        Self { table: Mutex::new(Table { entries, bytes: 0, due }), running: AtomicUsize::new(0) }
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}

impl Flights {
    /// Finds out how a request stands to others with its id, and takes note of it. `id` is a digest of the
    /// id and who gave it, `body` of what is asked for.
    pub fn join(
        self: &Arc<Self>,
        (id, kind): (Sameness, IdKind),
        body: Sameness,
        window: Duration,
        now: Instant,
    ) -> Joined {
        let mut table = self.locked();
        table.tidy(now);
        if let Some(known) = table.entries.peek(&id) {
            match &known.stage {
                Stage::NoId { .. } => return Joined::Alone,
                _ if known.body != body => {
                    return match kind {
                        IdKind::Repetition => Joined::Mismatch,
                        IdKind::Trace => {
                            let stage = Stage::NoId { until: now + NO_ID_FOR };
                            table.put(id, Entry { body, stage });
                            Joined::Alone
                        }
                    };
                }
                Stage::UnderWay(tape) => return Joined::Follows(Follower::of(tape)),
                Stage::Ended { reply, .. } => return Joined::Again(reply.clone()),
            }
        }
        let tape = Arc::new(watch::Sender::default());
        table.put(id, Entry { body, stage: Stage::UnderWay(Arc::clone(&tape)) });
        drop(table);
        Joined::First(Recorder::new(tape, Flight { flights: Arc::clone(self), id, window }))
    }

    /// Returns how many ids are known, and the bytes of ended answers.
    pub fn held(&self, now: Instant) -> (usize, usize) {
        let mut table = self.locked();
        table.tidy(now);
        (table.entries.len(), table.bytes)
    }

    /// Returns the bytes of all answers under way that are recorded, with what their pieces take besides.
    pub fn running_bytes(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Counts bytes among those of all answers under way; returns how many those are.
    pub(super) fn take_room(&self, bytes: usize) -> usize {
        self.flights.running.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// Counts bytes no more.
    pub(super) fn give_back(&self, bytes: usize) {
        self.flights.running.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes note that nobody can follow any more.
    pub(super) fn forget(&self, tape: &Tape) {
        let mut table = self.flights.locked();
        if table.is(&self.id, tape) {
            table.remove(&self.id);
        }
    }

    /// Takes note of the end: the answer is given again within the window unless asking again may give
    /// another, or it was cut.
    pub(super) fn ended(&self, tape: &Tape, ending: &Ending) {
        let reply = if lasts(ending) { reply(tape) } else { None };
        let mut table = self.flights.locked();
        let Some(body) = table.entries.peek(&self.id).map(|entry| entry.body) else { return };
        if !table.is(&self.id, tape) {
            return;
        }
        match reply {
            Some(reply) => {
                let stage = Stage::Ended { reply, until: ending.at + self.window };
                table.put(self.id, Entry { body, stage });
            }
            None => table.remove(&self.id),
        }
        table.tidy(ending.at);
    }
}

impl Table {
    fn put(&mut self, id: Sameness, entry: Entry) {
        self.bytes += entry.bytes();
        if let Some(until) = entry.until() {
            self.due.push(Reverse((until, id)));
        }
        if let Some((_, gone)) = self.entries.push(id, entry) {
            self.bytes -= gone.bytes();
        }
    }

    fn remove(&mut self, id: &Sameness) {
        if let Some(gone) = self.entries.pop(id) {
            self.bytes -= gone.bytes();
        }
    }

    /// Tells whether this tape is the one under way for an id.
    fn is(&self, id: &Sameness, tape: &Tape) -> bool {
        let stage = self.entries.peek(id).map(|entry| &entry.stage);
        matches!(stage, Some(Stage::UnderWay(known)) if Arc::ptr_eq(known, tape))
    }

    /// Forgets what is over or too much, the oldest first.
    fn tidy(&mut self, now: Instant) {
        while let Some(Reverse((until, id))) = self.due.peek().copied().filter(|due| due.0.0 <= now)
        {
            self.due.pop();
            if self.entries.peek(&id).and_then(Entry::until) == Some(until) {
                self.remove(&id);
            }
        }
        while self.entries.len() > MAX_IDS.get() || self.bytes > MAX_BYTES {
            let Some((_, gone)) = self.entries.pop_lru() else { return };
            self.bytes -= gone.bytes();
        }
        if self.due.len() > 2 * MAX_IDS.get() {
            let left = self.entries.iter();
            self.due =
                left.filter_map(|(id, entry)| Some(Reverse((entry.until()?, *id)))).collect();
        }
    }
}

impl Entry {
    /// Returns until when it holds; `None`: as long as the call is under way.
    fn until(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Ended { until, .. } | Stage::NoId { until } => Some(*until),
            Stage::UnderWay(_) => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.stage {
            Stage::Ended { reply, .. } => reply.body.len(),
            Stage::UnderWay(_) | Stage::NoId { .. } => 0,
        }
    }
}

/// Tells whether asking again within the window would give the same: a whole answer does, and a refusal
/// that is the request's own fault.
fn lasts(ending: &Ending) -> bool {
    let is_final =
        |status: u16| matches!(status, 400..=499) && !matches!(status, 408 | 409 | 425 | 429);
    !ending.interrupted && ending.error.is_none_or(|error| is_final(error.status))
}

fn reply(tape: &Tape) -> Option<Reply> {
    let recorded = tape.borrow();
    let (status, headers) = recorded.head.clone()?;
    let body = joined(&recorded.pieces);
    (body.len() <= MAX_KEPT_BYTES).then_some(Reply { status, headers, body })
}
