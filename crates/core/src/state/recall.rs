//! Reasoning behind calls of tools, kept for clients that send back the calls alone.
//!
//! Known by the client key and the call's id as that client sees it, so that no key reads what another
//! caused. What was not used for longest goes first when there is too much; nothing is written to disk.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use omniroute_wire::chat::Origin;
use omniroute_wire::recall::{CallReasoning, Learned};

use crate::ids::ClientKeyName;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct RecallLimits {
    /// Calls, of all clients together.
    pub entries: NonZeroUsize,
    /// Bytes of reasoning and ids, of all clients together. What is larger alone is not kept.
    pub bytes: usize,
    /// How long a call is known after it was last asked for.
    pub idle: Duration,
}

impl Default for RecallLimits {
    /// 65,536 calls, 64 MiB, 6 hours: a signature has one to a few KiB, and a conversation that rests
    /// overnight is resumed without its reasoning, which every vendor accepts.
    fn default() -> Self {
        Self {
            entries: const { NonZeroUsize::new(65_536).unwrap() },
            bytes: 64 * 1024 * 1024,
            idle: Duration::from_hours(6),
        }
    }
}

/// The memory of reasoning behind calls.
pub struct Recall {
    limits: RecallLimits,
    shelf: Mutex<Shelf>,
}

struct Shelf {
    /// In order of use, with the time of use.
    calls: LruCache<Key, Entry>,
    bytes: usize,
    hits: u64,
    misses: u64,
}

/// How much is remembered, and how often that helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallCounts {
    /// Calls that are known.
    pub entries: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Calls that came back and were known, since the start.
    pub hits: u64,
    /// Calls that came back without their reasoning and were not, or were another model's or account's.
    pub misses: u64,
}

/// A call, by the client key that caused it; `None` where no key is asked for.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    caller: Option<ClientKeyName>,
    call: Box<str>,
}

struct Entry {
    reasoning: Arc<CallReasoning>,
    origin: Origin,
    bytes: usize,
    used: Instant,
}

impl Default for Recall {
    fn default() -> Self {
        Self::new(RecallLimits::default())
    }
}

impl fmt::Debug for Recall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recall").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Recall {
    /// Makes an empty memory.
    pub fn new(limits: RecallLimits) -> Self {
        let calls = LruCache::new(limits.entries);
        let shelf = Shelf { calls, bytes: 0, hits: 0, misses: 0 };
        Self { limits, shelf: Mutex::new(shelf) }
    }

    /// Keeps what was learned of a call, in the place of what was known of it.
    pub fn keep(
        &self,
        caller: Option<&ClientKeyName>,
        learned: Learned,
        origin: &Origin,
        now: Instant,
    ) {
        let bytes = learned.call.len() + learned.reasoning.bytes();
        if bytes > self.limits.bytes {
            return;
        }
        let key = Key { caller: caller.cloned(), call: learned.call.into() };
        let reasoning = Arc::new(learned.reasoning);
        let entry = Entry { reasoning, origin: origin.clone(), bytes, used: now };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        // Both what had this key and what had to go for lack of room.
        if let Some((_, gone)) = shelf.calls.push(key, entry) {
            shelf.bytes -= gone.bytes;
        }
        shelf.bytes += bytes;
        shelf.tidy(self.limits, now);
    }

    /// Returns what led to a call of this client, if this model and account made it.
    pub fn find(
        &self,
        caller: Option<&ClientKeyName>,
        call: &str,
        origin: &Origin,
        now: Instant,
    ) -> Option<Arc<CallReasoning>> {
        let key = Key { caller: caller.cloned(), call: call.into() };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.tidy(self.limits, now);
        let found = shelf.calls.get_mut(&key).and_then(|entry| {
            entry.used = now;
            (entry.origin == *origin).then(|| Arc::clone(&entry.reasoning))
        });
        let counter = if found.is_some() { &mut shelf.hits } else { &mut shelf.misses };
        *counter += 1;
        found
    }

    /// Returns how much is remembered now, and how often that helped.
    pub fn counts(&self, now: Instant) -> RecallCounts {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.tidy(self.limits, now);
        let Shelf { calls, bytes, hits, misses } = &*shelf;
        RecallCounts { entries: calls.len(), bytes: *bytes, hits: *hits, misses: *misses }
    }
}

impl Shelf {
    /// Forgets what is too old or too much.
    fn tidy(&mut self, limits: RecallLimits, now: Instant) {
        while let Some((_, oldest)) = self.calls.peek_lru() {
            let is_old = now.saturating_duration_since(oldest.used) > limits.idle;
            if !is_old && self.bytes <= limits.bytes {
                return;
            }
            if let Some((_, gone)) = self.calls.pop_lru() {
                self.bytes -= gone.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use omniroute_wire::chat::{Opaque, OpaqueKind, Vendor};

    use super::*;
    use crate::clock::Clock;

    fn limits(entries: usize, bytes: usize) -> RecallLimits {
        let entries = NonZeroUsize::new(entries).unwrap();
        RecallLimits { entries, bytes, idle: Duration::from_hours(1) }
    }

    fn learned(call: &str, data: &str) -> Learned {
        let own = Some(Opaque::new(Vendor::Google, OpaqueKind::Signature, data));
        let reasoning = CallReasoning { own, ..CallReasoning::default() };
        Learned { call: call.to_owned(), reasoning }
    }

    fn origin(account: u64) -> Origin {
        Origin { family: "m".to_owned(), account }
    }

    /// A memory with its clock.
    struct Memory {
        recall: Recall,
        clock: Clock,
    }

    impl Memory {
        fn new(limits: RecallLimits) -> Self {
            Self { recall: Recall::new(limits), clock: Clock::manual(0) }
        }

        fn keep(&self, call: &str, data: &str) {
            self.recall.keep(None, learned(call, data), &origin(1), self.clock.now());
        }

        fn finds(&self, call: &str) -> Option<String> {
            let found = self.recall.find(None, call, &origin(1), self.clock.now())?;
            found.own.as_ref().map(|data| data.data.clone())
        }

        fn bytes(&self) -> usize {
            self.recall.shelf.lock().unwrap().bytes
        }
    }

    #[test]
    fn a_call_is_known_to_the_key_and_account_that_made_it_alone() {
        let (recall, now) = (Recall::default(), Clock::manual(0).now());
        let (one, other) = (ClientKeyName::new("one"), ClientKeyName::new("other"));

        recall.keep(Some(&one), learned("c", "data"), &origin(1), now);

        assert!(recall.find(Some(&one), "c", &origin(1), now).is_some());
        assert!(recall.find(Some(&one), "c", &origin(2), now).is_none(), "another account");
        assert!(recall.find(Some(&other), "c", &origin(1), now).is_none(), "another key");
        assert!(recall.find(None, "c", &origin(1), now).is_none(), "no key");
        assert!(recall.find(Some(&one), "d", &origin(1), now).is_none(), "another call");
        let family = Origin { family: "n".to_owned(), account: 1 };
        assert!(recall.find(Some(&one), "c", &family, now).is_none(), "another model");
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let memory = Memory::new(limits(2, 1000));
        memory.keep("a", "1");
        memory.keep("b", "2");
        assert!(memory.finds("a").is_some());

        memory.keep("c", "3");

        let found = ["a", "b", "c"].map(|call| memory.finds(call).is_some());
        assert_eq!(found, [true, false, true]);
        let counts = memory.recall.counts(memory.clock.now());
        assert_eq!(counts, RecallCounts { entries: 2, bytes: 4, hits: 3, misses: 1 });
        assert_eq!(memory.bytes(), 4, "two ids of one byte, two bytes of data");
    }

    #[test]
    fn bytes_are_bounded_and_what_is_too_large_alone_is_not_kept() {
        let memory = Memory::new(limits(10, 20));
        for call in ["a", "b", "c"] {
            memory.keep(call, "123456789");
            assert!(memory.bytes() <= 20);
        }
        memory.keep("d", "12345678901234567890");

        let found = ["a", "b", "c", "d"].map(|call| memory.finds(call).is_some());
        assert_eq!(found, [false, true, true, false]);
    }

    #[test]
    fn what_is_kept_again_replaces_what_was() {
        let memory = Memory::new(limits(10, 100));
        memory.keep("a", "old data");
        memory.keep("a", "new");

        assert_eq!((memory.finds("a").as_deref(), memory.bytes()), (Some("new"), 4));
    }

    #[test]
    fn a_call_is_forgotten_an_hour_after_its_last_use() {
        let memory = Memory::new(limits(10, 100));
        memory.keep("a", "1");
        memory.keep("b", "2");
        memory.clock.advance(Duration::from_mins(50));
        assert!(memory.finds("a").is_some());
        memory.clock.advance(Duration::from_mins(50));

        assert_eq!((memory.finds("b"), memory.finds("a")), (None, Some("1".to_owned())));
        memory.clock.advance(Duration::from_mins(61));
        assert_eq!((memory.finds("a"), memory.bytes()), (None, 0));
    }
}
