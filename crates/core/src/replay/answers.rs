//! Answers that are kept because asking again would give the same, and what that saved.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use crate::filter::Reply;
use crate::money::Nanodollars;
use crate::sameness::Sameness;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Answers, of all clients together.
    pub entries: NonZeroUsize,
    /// Bytes of their bodies, all together.
    pub bytes: usize,
    /// For how long one is given again.
    pub ttl: Duration,
}

/// What an answer took, and each repetition saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Tokens of the request, cached ones included.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Money; nothing where nobody knows the price.
    pub cost: Nanodollars,
}

impl Saved {
    /// Adds; stops at the largest numbers.
    const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cost: self.cost.plus(other.cost),
        }
    }
}

/// What the kept answers did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerStats {
    /// Answers kept now.
    pub entries: usize,
    /// Bytes of their bodies.
    pub bytes: usize,
    /// Requests that got a kept answer.
    pub hits: u64,
    /// Requests that could have.
    pub misses: u64,
    /// Requests that could have but for `X-OmniRoute-No-Cache`.
    pub bypassed: u64,
    /// What hits saved.
    pub saved: Saved,
}

/// The kept answers.
pub struct Answers {
    shelf: Mutex<Shelf>,
    /// Numbers the configurations, so that none gives the answers of another.
    generation: AtomicU64,
    bypassed: AtomicU64,
}

struct Shelf {
    /// In order of use.
    kept: LruCache<Sameness, Kept>,
    stats: AnswerStats,
}

struct Kept {
    reply: Reply,
    saves: Saved,
    until: Instant,
}

impl Default for Answers {
    fn default() -> Self {
        let shelf = Shelf { kept: LruCache::unbounded(), stats: AnswerStats::default() };
        Self {
            shelf: Mutex::new(shelf),
            generation: AtomicU64::new(0),
            bypassed: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Answers {
    /// Returns a number that no configuration had before. It belongs into the digests of requests: another
    /// configuration may send the same request elsewhere.
    pub fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the answer to an equal request, if it is kept.
    pub fn find(&self, request: &Sameness, now: Instant) -> Option<Reply> {
        let mut shelf = self.locked();
        let Some(kept) = shelf.kept.get(request).filter(|kept| now < kept.until) else {
            shelf.remove(request);
            shelf.stats.misses += 1;
            return None;
        };
        let (reply, saves) = (kept.reply.clone(), kept.saves);
        shelf.stats.hits += 1;
        shelf.stats.saved = shelf.stats.saved.plus(saves);
        Some(reply)
    }

    /// Keeps an answer. What was not used for longest goes when there is too much.
    pub fn keep(
        &self,
        request: Sameness,
        (reply, saves): (Reply, Saved),
        limits: &AnswerLimits,
        now: Instant,
    ) {
        if reply.body.len() > limits.bytes {
            return;
        }
        let mut shelf = self.locked();
        shelf.remove(&request);
        shelf.stats.bytes += reply.body.len();
        shelf.kept.push(request, Kept { reply, saves, until: now + limits.ttl });
        while shelf.kept.len() > limits.entries.get() || shelf.stats.bytes > limits.bytes {
            let Some((_, gone)) = shelf.kept.pop_lru() else { break };
            shelf.stats.bytes -= gone.reply.body.len();
        }
    }

    /// Takes note of a request that was to be asked anew.
    pub fn bypassed(&self) {
        self.bypassed.fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets all answers and returns how many there were. What was counted stays.
    pub fn clear(&self) -> usize {
        let mut shelf = self.locked();
        let count = shelf.kept.len();
        shelf.kept.clear();
        shelf.stats.bytes = 0;
        count
    }

    /// Returns what the kept answers did since the start.
    pub fn stats(&self) -> AnswerStats {
        let shelf = self.locked();
        let (entries, bypassed) = (shelf.kept.len(), self.bypassed.load(Ordering::Relaxed));
        AnswerStats { entries, bypassed, ..shelf.stats }
    }

    fn locked(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn remove(&mut self, request: &Sameness) {
        if let Some(gone) = self.kept.pop(request) {
            self.stats.bytes -= gone.reply.body.len();
        }
    }
}
