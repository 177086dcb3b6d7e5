//! How many connections there are, in all and from each address.
//!
//! Above the cap a few more are let in: the reserve, on which only health and administration are served,
//! so that an operator can see and mend what happens.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use omniroute_core::config::Bounds;

/// Connections above the cap, for health and administration.
const RESERVE: usize = 64;

/// Counts connections.
#[derive(Debug)]
pub struct Caps {
    counts: Mutex<Counts>,
    /// More than this the system does not allow.
    at_most: usize,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// There are too many, the reserve included.
    Connections,
    /// There are too many from this address.
    Address,
}

impl Full {
    /// Returns the reason's name in metrics, which is that of its limit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Address => "connections_per_address",
        }
    }
}

/// The place of one connection among the others; dropping it makes room.
#[derive(Debug)]
pub struct Place {
    caps: Arc<Caps>,
    address: Option<IpAddr>,
    is_reserve: bool,
}

impl Caps {
    /// Begins to count. There are never more than `at_most`, whatever the configuration says.
    pub fn new(at_most: usize) -> Arc<Self> {
        Arc::new(Self { counts: Mutex::default(), at_most })
    }

    /// Takes a place for a connection from an address.
    ///
    /// # Errors
    ///
    /// What is full.
    pub fn take(self: &Arc<Self>, address: Option<IpAddr>, bounds: &Bounds) -> Result<Place, Full> {
        let most = bounds.connections.min(self.at_most);
        // Everything at this machine, a proxy in front of us too, has one address.
        let address = address.filter(|address| !address.is_loopback()).map(network);
        let mut counts = self.counts();
        if counts.all >= most.saturating_add(RESERVE) {
            return Err(Full::Connections);
        }
        if let Some(address) = address {
            let here = counts.by_address.entry(address).or_default();
            if *here >= bounds.connections_per_address {
                return Err(Full::Address);
            }
            *here += 1;
        }
        counts.all += 1;
        let is_reserve = counts.all > most;
        Ok(Place { caps: Arc::clone(self), address, is_reserve })
    }

    /// Returns how many connections there are.
    pub fn connections(&self) -> usize {
        self.counts().all
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Tells whether it is one of the reserve.
    pub const fn is_reserve(&self) -> bool {
        self.is_reserve
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.caps.counts();
        counts.all -= 1;
        let Some(address) = self.address else { return };
        if let Entry::Occupied(mut here) = counts.by_address.entry(address) {
            *here.get_mut() -= 1;
            if *here.get() == 0 {
                here.remove();
            }
        }
    }
}

/// Returns what counts as one address: with IPv6 a single subscriber has a /64 of them.
fn network(address: IpAddr) -> IpAddr {
    const SUBSCRIBER: u128 = !0 << 64;
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & SUBSCRIBER).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(connections: usize, connections_per_address: usize) -> Bounds {
        Bounds { connections, connections_per_address, ..Bounds::default() }
    }

    fn at(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn above_the_cap_there_is_the_reserve_and_above_it_nothing() {
        let (caps, bounds) = (Caps::new(1000), bounds(2, 1000));

        let mut taken: Vec<Place> =
            (0..2 + RESERVE).map(|_| caps.take(at("10.0.0.1"), &bounds).unwrap()).collect();

        let reserved: Vec<bool> = taken.iter().map(Place::is_reserve).collect();
        assert_eq!(reserved[..3], [false, false, true]);
        assert_eq!(caps.take(at("10.0.0.2"), &bounds).unwrap_err(), Full::Connections);
        taken.pop();
        assert!(caps.take(at("10.0.0.2"), &bounds).unwrap().is_reserve());
        taken.truncate(1);
        assert!(!caps.take(None, &bounds).unwrap().is_reserve(), "room again");
    }

    #[test]
    fn one_address_does_not_take_the_places_of_others() {
        let (caps, bounds) = (Caps::new(1000), bounds(100, 2));

        let taken: Vec<Place> =
            ["2001:db8::1", "2001:db8::2"].map(|from| caps.take(at(from), &bounds).unwrap()).into();

        assert_eq!(caps.take(at("2001:db8::3"), &bounds).unwrap_err(), Full::Address, "one /64");
        assert!(caps.take(at("2001:db8:0:1::3"), &bounds).is_ok());
        let near: Vec<_> = (0..9).map(|_| caps.take(at("127.0.0.1"), &bounds).unwrap()).collect();
        drop((taken, near));
        assert_eq!(caps.connections(), 0);
        assert!(caps.counts().by_address.is_empty(), "nothing is kept of who has left");
        assert!(caps.take(at("2001:db8::3"), &bounds).is_ok());
    }

    #[test]
    fn the_system_allows_less_than_the_configuration() {
        let caps = Caps::new(1);
        let _first = caps.take(None, &Bounds::default()).unwrap();
        assert!(caps.take(None, &Bounds::default()).unwrap().is_reserve());
    }
}
