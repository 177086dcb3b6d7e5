//! Addresses that the operator shut out for a time.
//!
//! A lock follows from wrong keys and spares who served before it; a ban is somebody's decision and holds for
//! whatever comes from the address. Both are in memory alone: a restart lifts them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most bans at once; rules of `ip_access` take whole networks.
const MAX_BANS: usize = 4096;

/// A ban of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// When it is over.
    pub until: Instant,
    /// Why, in the words of whoever banned it.
    pub reason: Box<str>,
}

/// The bans that are not over.
#[derive(Debug, Default)]
pub(super) struct Bans {
    /// Whether there may be any, to be read without the lock.
    is_used: AtomicBool,
    inner: Mutex<HashMap<IpAddr, Ban>>,
}

impl Bans {
    /// Tells whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_used.load(Ordering::Acquire)
    }

    /// Adds a ban, in the place of an older one of the same address. Returns whether there was room.
    pub(super) fn add(&self, address: IpAddr, ban: Ban) -> bool {
        let mut bans = self.lock();
        if bans.len() >= MAX_BANS && !bans.contains_key(&address) {
            return false;
        }
        bans.insert(address, ban);
        self.is_used.store(true, Ordering::Release);
        true
    }

    /// Tells for how long an address is still banned.
    pub(super) fn left(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let bans = self.lock();
        let left = bans.get(&address)?.until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Returns all bans by address, and forgets those that are over.
    pub(super) fn all(&self, now: Instant) -> Vec<(IpAddr, Ban)> {
        let mut bans = self.lock();
        bans.retain(|_, ban| ban.until > now);
        self.is_used.store(!bans.is_empty(), Ordering::Release);
        let mut all: Vec<_> = bans.iter().map(|(address, ban)| (*address, ban.clone())).collect();
        all.sort_by_key(|(address, _)| *address);
        all
    }

    /// Lifts a ban. Returns whether there was one.
    pub(super) fn lift(&self, address: IpAddr) -> bool {
        let mut bans = self.lock();
        let was_there = bans.remove(&address).is_some();
        self.is_used.store(!bans.is_empty(), Ordering::Release);
        was_there
    }

    /// Lifts all of them.
    pub(super) fn clear(&self) {
        let mut bans = self.lock();
        bans.clear();
        self.is_used.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Ban>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
