//! Host names of providers and tunnels → addresses, without ever blocking a worker.
//!
//! Each host has a load balancer of Pingora's over what the system's resolver said (`/etc/hosts` and
//! `nsswitch` count). Answers are used for 30 seconds; after that the next request triggers a new
//! look-up in the background and goes on with the old answer, so only the very first request for a
//! host waits. When a look-up fails the old addresses stay.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use omniroute_core::clock::{Clock, millis};
use pingora_core::{Error, ErrorType};
use pingora_load_balancing::discovery::ServiceDiscovery;
use pingora_load_balancing::selection::RoundRobin;
use pingora_load_balancing::{Backend, Backends, LoadBalancer};
use tokio::sync::Mutex;

/// How long an answer of the resolver is used without asking again.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// How long a failed look-up is not repeated, in milliseconds.
const FAILED_FOR_MILLIS: u64 = 1000;

/// Longest time a look-up may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Most addresses of one host that are looked at.
const MAX_ADDRESSES: usize = 64;

/// A host name that could not be resolved.
#[derive(Debug)]
pub struct Unresolved;

/// The addresses of all hosts that are connected to.
pub struct Endpoints {
    hosts: RwLock<Hosts>,
    clock: Clock,
    started: Instant,
}

/// Hosts by name and port.
type Hosts = HashMap<(Arc<str>, u16), Arc<Host>>;

struct Host {
    balancer: LoadBalancer<RoundRobin>,
    /// Milliseconds after `started` of the last look-up; 0 before the first.
    looked_up: AtomicU64,
    looking_up: Mutex<()>,
}

impl Endpoints {
    /// Makes an empty cache.
    pub fn new(clock: Clock) -> Arc<Self> {
        let started = clock.now();
        Arc::new(Self { hosts: RwLock::default(), clock, started })
    }

    /// Returns an address of the host; one that is not in `avoid` if there is any.
    ///
    /// # Errors
    ///
    /// [`Unresolved`] if the resolver knows no address and none is remembered.
    pub async fn address(
        self: &Arc<Self>,
        name: &Arc<str>,
        port: u16,
        avoid: &[SocketAddr],
    ) -> Result<SocketAddr, Unresolved> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Ok(SocketAddr::new(ip, port));
        }
        let host = self.host(name, port);
        self.refresh(&host).await;
        let pick = |avoid: &[SocketAddr]| {
            let accept = |backend: &Backend, _healthy: bool| {
                inet(backend).is_some_and(|address| !avoid.contains(&address))
            };
            host.balancer.select_with(b"", MAX_ADDRESSES, accept).as_ref().and_then(inet)
        };
        pick(avoid).or_else(|| pick(&[])).ok_or(Unresolved)
    }

    fn host(&self, name: &Arc<str>, port: u16) -> Arc<Host> {
        let key = (Arc::clone(name), port);
        if let Some(host) = self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(host);
        }
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(key).or_insert_with(|| {
            let lookup = Box::new(Lookup { name: Arc::clone(name), port });
            Arc::new(Host {
                balancer: LoadBalancer::from_backends(Backends::new(lookup)),
                looked_up: AtomicU64::new(0),
                looking_up: Mutex::new(()),
            })
        }))
    }

    /// Looks the host up if its answer is old; waits only if there is no answer at all.
    async fn refresh(self: &Arc<Self>, host: &Arc<Host>) {
        let age = self.millis().saturating_sub(host.looked_up.load(Ordering::Relaxed));
        let known = !host.balancer.backends().get_backend().is_empty();
        if known && age < millis(FRESH_FOR) {
            return;
        }
        if !known {
            let _one_at_a_time = host.looking_up.lock().await;
            // Who waited for somebody else's look-up takes its outcome, also if it failed.
            let since = self.millis().saturating_sub(host.looked_up.load(Ordering::Relaxed));
            let just_failed =
                host.looked_up.load(Ordering::Relaxed) > 0 && since < FAILED_FOR_MILLIS;
            if host.balancer.backends().get_backend().is_empty() && !just_failed {
                self.look_up(host).await;
            }
            return;
        }
        let (endpoints, host) = (Arc::clone(self), Arc::clone(host));
        #[expect(clippy::disallowed_methods, reason = "bounded: one look-up per host at a time")]
        tokio::spawn(async move {
            if let Ok(_one_at_a_time) = host.looking_up.try_lock() {
                endpoints.look_up(&host).await;
            }
        });
    }

    async fn look_up(&self, host: &Host) {
        match tokio::time::timeout(LOOK_UP, host.balancer.update()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the host name of a provider or tunnel could not be resolved");
            }
            Err(_) => {
                tracing::warn!("looking up the host name of a provider or tunnel took too long")
            }
        }
        host.looked_up.store(self.millis().max(1), Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        let since = self.clock.now().saturating_duration_since(self.started);
        millis(since)
    }
}

fn inet(backend: &Backend) -> Option<SocketAddr> {
    backend.addr.as_inet().copied()
}

/// Asks the system's resolver for one host.
struct Lookup {
    name: Arc<str>,
    port: u16,
}

#[async_trait]
impl ServiceDiscovery for Lookup {
    async fn discover(&self) -> pingora_core::Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        let addresses =
            tokio::net::lookup_host((&*self.name, self.port)).await.map_err(|cause| {
                Error::because(ErrorType::ConnectError, format!("looking up {}", self.name), cause)
            })?;
        let mut backends = BTreeSet::new();
        for address in addresses.take(MAX_ADDRESSES) {
            backends.insert(Backend::new(&address.to_string())?);
        }
        if backends.is_empty() {
            return Error::e_explain(
                ErrorType::ConnectError,
                format!("{} has no address", self.name),
            );
        }
        Ok((backends, HashMap::new()))
    }
}
