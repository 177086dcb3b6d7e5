//! Addresses that sent wrong keys again and again: for a while they are answered no more.
//!
//! A team often shares one address. Keys that served from an address before its lock go on serving, so
//! one misconfigured tool does not shut everybody out; what is being guessed there does not get in.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::bans::{Ban, Bans};
use super::window::Window;

/// Different wrong keys within [`WINDOW`] that lock an address: somebody guesses.
const MAX_GUESSES: usize = 10;

/// Wrong keys within [`WINDOW`], the same one included, that lock an address: a tool with an old key
/// that asks again and again.
const MAX_FAILURES: u32 = 50;

/// Wrong passwords within [`LOGIN_WINDOW`] that lock an address.
const MAX_LOGINS: u32 = 5;

/// How far back wrong passwords count.
const LOGIN_WINDOW: Duration = Duration::from_secs(900);

/// Wrong passwords within [`ALL_LOGINS_WINDOW`], from wherever, after which nobody may try for a while:
/// somebody guesses from many addresses.
const MAX_ALL_LOGINS: u32 = 30;

/// How far back those count, and how long the wait is.
const ALL_LOGINS_WINDOW: Duration = Duration::from_secs(60);

/// How far back wrong keys count.
const WINDOW: Duration = Duration::from_secs(300);

/// How long an address stays locked.
const LOCK: Duration = Duration::from_secs(900);

/// Most addresses that are remembered.
const MAX_ADDRESSES: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// Most keys that are remembered for one address.
const MAX_KEYS: usize = 64;

/// The addresses of clients, as far as locks are concerned. Those of IPv6 count by their network of 64
/// bits, which is what one customer usually has.
#[derive(Debug)]
pub struct Lockouts {
    hasher: RandomState,
    addresses: Mutex<LruCache<IpAddr, Address>>,
    /// Wrong passwords from wherever.
    logins: Mutex<Window>,
    bans: Bans,
}

#[derive(Debug)]
struct Address {
    failures: Window,
    /// Wrong passwords.
    logins: Window,
    /// Hashes of the wrong keys since the window was last empty.
    guesses: Vec<u64>,
    locked_until: Option<Instant>,
    /// Names of the keys that served from here.
    served: Vec<Box<str>>,
}

impl Default for Lockouts {
    fn default() -> Self {
        let addresses = Mutex::new(LruCache::new(MAX_ADDRESSES));
        let logins = Mutex::new(Window::new(ALL_LOGINS_WINDOW));
        Self { hasher: RandomState::new(), addresses, logins, bans: Bans::default() }
    }
}

impl Lockouts {
    /// Looks at a request that carries a key: returns for how long it is not answered, and counts the key
    /// as wrong if it is answered and `name`, the key's name, is not known.
    pub fn admit(
        &self,
        address: Option<IpAddr>,
        (presented, name): (&[u8], Option<&str>),
        now: Instant,
    ) -> Option<Duration> {
        let left = self.check(address, name, now);
        if left.is_none() && name.is_none() {
            self.failed(address, presented, now);
        }
        left
    }

    /// Tells for how long a request is not answered. `key` is the name of the key it carries, if that
    /// is a good one; it is remembered as one that served from this address.
    fn check(&self, address: Option<IpAddr>, key: Option<&str>, now: Instant) -> Option<Duration> {
        let address = network(address?);
        let mut addresses = self.lock();
        let known = match (addresses.get_mut(&address), key) {
            (Some(known), _) => known,
            (None, None) => return None,
            (None, Some(_)) => addresses.get_or_insert_mut(address, Address::default),
        };
        let left = known.left(now);
        let Some(key) = key else { return left };
        if known.served.iter().any(|served| **served == *key) {
            return None;
        }
        if left.is_none() && known.served.len() < MAX_KEYS {
            known.served.push(key.into());
        }
        left
    }

    /// Counts a wrong key.
    fn failed(&self, address: Option<IpAddr>, key: &[u8], now: Instant) {
        let Some(address) = address else { return };
        let guess = self.hasher.hash_one(key);
        let mut addresses = self.lock();
        let known = addresses.get_or_insert_mut(network(address), Address::default);
        if known.failures.counts(now).bad == 0 {
            known.guesses.clear();
        }
        known.failures.count(false, now);
        if !known.guesses.contains(&guess) {
            known.guesses.push(guess);
        }
        let is_too_much =
            known.guesses.len() >= MAX_GUESSES || known.failures.counts(now).bad >= MAX_FAILURES;
        if is_too_much && known.left(now).is_none() {
            known.forgive();
            known.locked_until = Some(now + LOCK);
            tracing::warn!(%address, lock_s = LOCK.as_secs(), "locked after too many wrong keys");
        }
    }

    /// Tells for how long a login is not tried, if at all.
    pub fn admit_login(&self, address: Option<IpAddr>, now: Instant) -> Option<Duration> {
        let all = self.logins.lock().unwrap_or_else(PoisonError::into_inner).counts(now).bad;
        if all >= MAX_ALL_LOGINS {
            return Some(ALL_LOGINS_WINDOW);
        }
        self.lock().get_mut(&network(address?))?.left(now)
    }

    /// Counts a wrong password.
    pub fn login_failed(&self, address: Option<IpAddr>, now: Instant) {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).count(false, now);
        let Some(address) = address else { return };
        let mut addresses = self.lock();
        let known = addresses.get_or_insert_mut(network(address), Address::default);
        known.logins.count(false, now);
        if known.logins.counts(now).bad >= MAX_LOGINS && known.left(now).is_none() {
            known.forgive();
            known.locked_until = Some(now + LOCK);
            tracing::warn!(%address, lock_s = LOCK.as_secs(), "locked after too many wrong passwords");
        }
    }

    /// Forgets an address's wrong passwords: somebody there knows the right one.
    pub fn logged_in(&self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Some(known) = self.lock().get_mut(&network(address)) {
            known.logins.clear();
        }
    }

    /// Shuts an address out for a while, whatever keys it has. Returns whether there was room for it.
    pub fn ban(&self, address: IpAddr, ban: Ban) -> bool {
        self.bans.add(network(address), ban)
    }

    /// Tells for how long an address is still shut out by a ban. Without bans it costs one look.
    pub fn banned(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        if self.bans.is_empty() { None } else { self.bans.left(network(address), now) }
    }

    /// Tells whether nobody is banned.
    pub fn is_without_bans(&self) -> bool {
        self.bans.is_empty()
    }

    /// Returns the banned addresses, in their order.
    pub fn bans(&self, now: Instant) -> Vec<(IpAddr, Ban)> {
        self.bans.all(now)
    }

    /// Returns the addresses that are locked by what they sent and for how long, in no order.
    pub fn locked(&self, now: Instant) -> Vec<(IpAddr, Duration)> {
        let addresses = self.lock();
        addresses.iter().filter_map(|(address, known)| Some((*address, known.left(now)?))).collect()
    }

    /// Unlocks an address, and lifts its ban. Returns whether there was anything to lift.
    pub fn unlock(&self, address: IpAddr) -> bool {
        let was_banned = self.bans.lift(network(address));
        let mut addresses = self.lock();
        let known = addresses.peek_mut(&network(address));
        let was_locked = known.is_some_and(|known| {
            known.forgive();
            known.locked_until.take().is_some()
        });
        was_banned || was_locked
    }

    /// Unlocks all addresses, and lifts all bans.
    pub fn unlock_all(&self) {
        self.bans.clear();
        self.forgive_all();
    }

    /// Unlocks all addresses that wrong keys or passwords locked. Bans stay: somebody wanted them.
    pub fn forgive_all(&self) {
        for (_, known) in self.lock().iter_mut() {
            known.forgive();
            known.locked_until = None;
        }
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<IpAddr, Address>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Address {
    fn default() -> Self {
        Self {
            failures: Window::new(WINDOW),
            logins: Window::new(LOGIN_WINDOW),
            guesses: Vec::new(),
            locked_until: None,
            served: Vec::new(),
        }
    }
}

impl Address {
    fn forgive(&mut self) {
        self.failures.clear();
        self.logins.clear();
        self.guesses.clear();
    }

    fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.locked_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)));

    fn locked(clock: &Clock) -> Lockouts {
        let lockouts = Lockouts::default();
        assert_eq!(lockouts.check(HERE, Some("team"), clock.now()), None);
        for guess in 0..MAX_GUESSES {
            assert_eq!(lockouts.check(HERE, None, clock.now()), None);
            lockouts.failed(HERE, &guess.to_le_bytes(), clock.now());
        }
        lockouts
    }

    #[test]
    fn wrong_keys_lock_the_address_but_not_those_who_served_from_it() {
        let clock = Clock::manual(0);
        let lockouts = locked(&clock);
        assert_eq!(lockouts.check(HERE, None, clock.now()), Some(LOCK));
        assert_eq!(lockouts.check(HERE, Some("guessed"), clock.now()), Some(LOCK));
        assert_eq!(lockouts.check(HERE, Some("team"), clock.now()), None);
        let elsewhere = Some("192.0.2.8".parse().unwrap());
        assert_eq!(lockouts.check(elsewhere, Some("guessed"), clock.now()), None);

        clock.advance(LOCK);
        assert_eq!(lockouts.check(HERE, Some("guessed"), clock.now()), None);
        assert!(lockouts.locked(clock.now()).is_empty());
    }

    #[test]
    fn wrong_keys_that_are_long_ago_do_not_count() {
        let (lockouts, clock) = (Lockouts::default(), Clock::manual(0));
        for guess in 0..3 * MAX_GUESSES {
            lockouts.failed(HERE, &guess.to_le_bytes(), clock.now());
            clock.advance(WINDOW);
        }
        assert_eq!(lockouts.check(HERE, None, clock.now()), None);
    }

    #[test]
    fn the_same_wrong_key_is_no_guess_for_long() {
        let (lockouts, clock) = (Lockouts::default(), Clock::manual(0));
        for _ in 1..MAX_FAILURES {
            lockouts.failed(HERE, b"old", clock.now());
        }
        assert_eq!(lockouts.check(HERE, None, clock.now()), None);
        lockouts.failed(HERE, b"old", clock.now());
        assert_eq!(lockouts.check(HERE, None, clock.now()), Some(LOCK));
    }

    #[test]
    fn a_lock_can_be_seen_and_lifted() {
        let clock = Clock::manual(0);
        let lockouts = locked(&clock);
        let address = HERE.unwrap();
        assert_eq!(lockouts.locked(clock.now()), [(address, LOCK)]);
        assert!(lockouts.unlock(address));
        assert!(!lockouts.unlock(address), "once");
        assert_eq!(lockouts.check(HERE, None, clock.now()), None);

        let lockouts = locked(&clock);
        lockouts.unlock_all();
        assert!(lockouts.locked(clock.now()).is_empty());
    }

    #[test]
    fn a_ban_holds_for_good_keys_too_until_it_is_over_or_lifted() {
        let clock = Clock::manual(0);
        let (lockouts, address) = (locked(&clock), HERE.unwrap());
        let ban = |length| Ban { until: clock.now() + length, reason: "a test".into() };
        assert!(lockouts.is_without_bans());

        assert!(lockouts.ban(address, ban(LOCK)));
        lockouts.forgive_all();
        assert!(lockouts.locked(clock.now()).is_empty());
        assert_eq!(lockouts.banned(address, clock.now()), Some(LOCK), "it stays");
        assert_eq!(lockouts.bans(clock.now()), [(address, ban(LOCK))]);
        assert!(lockouts.unlock(address));
        assert_eq!(lockouts.banned(address, clock.now()), None);

        let mapped = "::ffff:192.0.2.7".parse().unwrap();
        assert!(lockouts.ban(mapped, ban(WINDOW)));
        assert_eq!(lockouts.banned(address, clock.now()), Some(WINDOW), "it is the same one");
        clock.advance(WINDOW);
        assert_eq!(lockouts.banned(address, clock.now()), None);
        assert!(lockouts.bans(clock.now()).is_empty() && lockouts.is_without_bans());

        lockouts.ban(address, ban(LOCK));
        lockouts.unlock_all();
        assert!(lockouts.is_without_bans());
    }

    #[test]
    fn ipv6_counts_by_its_network() {
        let (lockouts, clock) = (Lockouts::default(), Clock::manual(0));
        for host in 0..MAX_GUESSES {
            let address = Some(format!("2001:db8::{host:x}").parse().unwrap());
            lockouts.failed(address, &host.to_le_bytes(), clock.now());
        }
        let neighbour = Some("2001:db8::ffff".parse().unwrap());
        assert_eq!(lockouts.check(neighbour, None, clock.now()), Some(LOCK));
    }

    #[test]
    fn wrong_passwords_lock_an_address_and_many_of_them_everybody() {
        let (lockouts, clock) = (Lockouts::default(), Clock::manual(0));
        let address = |last| Some(IpAddr::from([192, 0, 2, last]));
        for _ in 0..MAX_LOGINS {
            assert_eq!(lockouts.admit_login(address(1), clock.now()), None);
            lockouts.login_failed(address(1), clock.now());
        }
        assert_eq!(lockouts.admit_login(address(1), clock.now()), Some(LOCK));
        assert_eq!(lockouts.admit_login(address(2), clock.now()), None);

        for last in 2..27 {
            lockouts.login_failed(address(last), clock.now());
        }
        assert_eq!(lockouts.admit_login(address(99), clock.now()), Some(ALL_LOGINS_WINDOW));
        clock.advance(ALL_LOGINS_WINDOW);
        assert_eq!(lockouts.admit_login(address(99), clock.now()), None);
        assert!(lockouts.unlock(address(1).unwrap()));
        assert_eq!(lockouts.admit_login(address(1), clock.now()), None);
    }

    #[test]
    fn the_right_password_forgives_the_wrong_ones() {
        let (lockouts, clock) = (Lockouts::default(), Clock::manual(0));
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..3 * MAX_LOGINS {
            lockouts.login_failed(address, clock.now());
            lockouts.logged_in(address);
        }
        assert_eq!(lockouts.admit_login(address, clock.now()), None);
    }
}
