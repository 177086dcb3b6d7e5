//! How the gateway is (`/api/health`): the six cards of the health screen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use omniroute_core::clock::millis;
use omniroute_core::snapshot::Snapshot;
use omniroute_core::state::{Gate, Standing};
use serde::Serialize;

use super::lockouts::Locked;
use super::resilience::{Latency, with_accounts};
use super::{Parts, cache, time};
use crate::store;

/// Where Linux tells how much memory the process has, in a line such as `VmRSS:  12345 kB`.
const MEMORY: (&str, &str) = ("/proc/self/status", "VmRSS:");

/// The cards.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    /// `healthy`, `degraded` (see `troubles`), or `unhealthy`: no model call can be served.
    status: &'static str,
    troubles: Vec<String>,
    timestamp: String,
    system: System,
    /// Circuit breakers, by provider.
    provider_health: BTreeMap<String, Breaker>,
    /// Accounts, or models of them, that rest.
    rate_limits: Vec<Rest>,
    /// Addresses that are locked.
    lockouts: Vec<Locked>,
    caches: Caches,
    /// Times to the first content of the last minutes, by provider.
    latency: BTreeMap<String, Latency>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct System {
    version: &'static str,
    /// Seconds.
    uptime: u64,
    memory_usage: Memory,
    pid: u32,
    platform: &'static str,
    data_dir: String,
    config_generation: u64,
    accounts: usize,
    store: Option<StoreNow>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Memory {
    /// Resident bytes; `null` where the system does not tell.
    rss: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Store)]
struct StoreNow {
    available: bool,
    /// Records of usage that are not in the database yet.
    waiting: usize,
    spilled: u64,
    lost: u64,
    /// Transactions that were written since the start.
    commits: u64,
    /// How long ago the last one was.
    last_commit_ms: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Breaker {
    /// `closed`, `open` or `half_open`.
    state: &'static str,
    /// Until an open breaker lets a probe through.
    open_for_ms: Option<u64>,
    /// Openings in a row.
    openings: u32,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rest {
    pub(super) provider: String,
    pub(super) account: String,
    /// The model that rests; `null`: the whole account.
    pub(super) model: Option<String>,
    pub(super) reason: Option<&'static str>,
    /// Whether it is not tried at all, or only after all others.
    tried_last: bool,
    pub(super) remaining_ms: u64,
}

/// What is remembered in memory; one entry for each cache.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Caches {
    signature: SignatureCache,
    response: cache::Stats,
}

/// The memory of reasoning and its signatures.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignatureCache {
    active_keys: usize,
    bytes: usize,
    hits: u64,
    misses: u64,
    /// From 0 to 1; `null` while nobody has asked.
    hit_rate: Option<f64>,
}

/// Tells how the gateway is.
#[utoipa::path(get, path = "/api/health", responses((status = 200, body = Health)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Health> {
    let memory = memory().await;
    let (snapshot, now) = (parts.live.load(), parts.clock.now());
    let provider_health = breakers(&snapshot, now);
    let accounts = snapshot.accounts.values().map(Vec::len).sum();
    let store = parts.store.as_ref().map(store::Store::health);
    let troubles = troubles(&parts, &provider_health, store.as_ref());
    Json(Health {
        status: match (accounts, troubles.is_empty()) {
            (0, _) => "unhealthy",
            (_, false) => "degraded",
            (_, true) => "healthy",
        },
        troubles,
        timestamp: time::iso(parts.clock.wall()),
        system: System {
            version: env!("CARGO_PKG_VERSION"),
            uptime: now.saturating_duration_since(parts.started).as_secs(),
            memory_usage: Memory { rss: memory },
            pid: std::process::id(),
            platform: std::env::consts::OS,
            data_dir: snapshot.server.data_dir.display().to_string(),
            config_generation: snapshot.revision,
            accounts,
            store: store.map(StoreNow::from),
        },
        provider_health,
        rate_limits: rests(&snapshot, now),
        lockouts: Locked::all(&parts),
        caches: Caches {
            signature: SignatureCache::of(&parts),
            response: cache::Stats::of(&parts),
        },
        latency: latencies(&snapshot, now),
    })
}

async fn memory() -> Option<u64> {
    let (path, field) = MEMORY;
    let status = tokio::fs::read_to_string(path).await.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn troubles(
    parts: &Parts,
    breakers: &BTreeMap<String, Breaker>,
    store: Option<&store::Health>,
) -> Vec<String> {
    let mut troubles = Vec::new();
    if parts.live.problem().is_some() {
        let what = "the configuration file was refused; the one before is in force";
        troubles.push(what.to_owned());
    }
    if let Some(problem) = parts.certificates.problem() {
        troubles.push(format!("the certificate was not replaced, the old one stays: {problem}"));
    }
    match store {
        None => troubles.push("nothing is kept: there is no data directory to use".to_owned()),
        Some(health) => troubles.extend(
            health.trouble.iter().map(|why| format!("the database is not available: {why}")),
        ),
    }
    let open = breakers.iter().filter(|(_, breaker)| breaker.state != Gate::Closed.name());
    troubles
        .extend(open.map(|(id, breaker)| format!("the breaker of `{id}` is {}", breaker.state)));
    troubles
}

fn breakers(snapshot: &Snapshot, now: Instant) -> BTreeMap<String, Breaker> {
    let of_provider = with_accounts(snapshot).map(|(provider, _)| {
        let gate = provider.state.breaker.gate(now);
        let open_for_ms = match gate {
            Gate::Open(left) => Some(millis(left)),
            _ => None,
        };
        let openings = provider.state.breaker.openings(now).map_or(0, |(_, openings)| openings);
        (provider.id.to_string(), Breaker { state: gate.name(), open_for_ms, openings })
    });
    of_provider.collect()
}

fn latencies(snapshot: &Snapshot, now: Instant) -> BTreeMap<String, Latency> {
    let known = with_accounts(snapshot)
        .filter_map(|(provider, _)| Some((provider.id.to_string(), Latency::of(provider, now)?)));
    known.collect()
}

/// Lists what rests, the longest first.
pub(super) fn rests(snapshot: &Snapshot, now: Instant) -> Vec<Rest> {
    let mut rests = Vec::new();
    for account in snapshot.accounts.values().flatten() {
        let mut push = |model: Option<&str>, standing: Standing| {
            let (left, reason): (Duration, _) = match standing {
                Standing::Ready => return,
                Standing::Behind(left) => (left, None),
                Standing::Away(left, reason) => (left, Some(reason.name())),
            };
            rests.push(Rest {
                provider: account.provider.id.to_string(),
                account: account.id.to_string(),
                model: model.map(ToOwned::to_owned),
                reason,
                tried_last: reason.is_none(),
                remaining_ms: millis(left),
            });
        };
        push(None, account.state.standing(now));
        for (model, standing) in account.state.resting_models(now) {
            push(Some(&*model), standing);
        }
    }
    rests.sort_by(|a, b| b.remaining_ms.cmp(&a.remaining_ms).then(a.account.cmp(&b.account)));
    rests
}

impl SignatureCache {
    fn of(parts: &Parts) -> Self {
        let counts = parts.state.recall.counts(parts.clock.now());
        Self {
            active_keys: counts.entries,
            bytes: counts.bytes,
            hits: counts.hits,
            misses: counts.misses,
            hit_rate: cache::hit_rate(counts.hits, counts.misses),
        }
    }
}

impl From<store::Health> for StoreNow {
    fn from(health: store::Health) -> Self {
        let available = health.trouble.is_none();
        let (commits, waiting) = (health.commits, health.waiting);
        let last_commit_ms = health.last_commit.map(millis);
        let (spilled, lost) = (health.spilled, health.lost);
        Self { available, waiting, spilled, lost, commits, last_commit_ms }
    }
}
