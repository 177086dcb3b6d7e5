//! `kill -9` at random moments under load: the database opens, every call that was answered longer ago
//! than the commit interval has its row, once, and every change that was acknowledged is there.
//!
//! `OMNIROUTE_KILLS` says how often (5 if not), `OMNIROUTE_SEED` which moments. The load goes on until a random number
//! of calls is answered, so nothing here waits for a time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::Method;
use omniroute::login::Entrance;
use omniroute::store::usage::{Filter, Listing, Span, check, page};
use omniroute::store::{MasterKey, Store, StoreError};
use omniroute_core::clock::Clock;
use omniroute_core::usage::{RecordId, UsageRecord};
use omniroute_testkit::{Client, Protocol, simulator, whole};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::task::JoinSet;

use crate::program::{Program, folder_with};
use crate::setup::{all_formats_with, ask, is_complete};

/// After this time a call's row is on the disk. What is promised; 50 ms and a commit is what it takes.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// Clients that call at once.
const CLIENTS: usize = 4;

/// How many calls are answered before a kill.
const ANSWERS: std::ops::Range<usize> = 50..1500;

pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var_os(name).map_or(otherwise, |text| text.to_str().unwrap().parse().unwrap())
}

/// Calls until the gateway is gone; returns the calls that were answered whole, and when.
async fn call(
    address: SocketAddr,
    name: String,
    (answered, clock): (Arc<AtomicUsize>, Clock),
) -> Vec<(String, Instant)> {
    let mut client = Client::connect(address, Protocol::Http1).await;
    let mut done = Vec::new();
    for number in 0.. {
        let format = ["chat", "anthropic"][number % 2];
        let (path, body) = ask(format, "chat/echo", number % 3 == 0, "hello");
        let id = format!("{name}-{number}");
        let Some(answer) = client.try_post(&path, &[("x-request-id", &id)], &body).await else {
            break;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        if number % 3 == 0 {
            assert!(is_complete(format, &answer.text()), "a cut stream is no answer");
        }
        done.push((id, clock.now()));
        answered.fetch_add(1, Relaxed);
    }
    done
}

/// Points an alias at one model after the other until the gateway is gone; returns the number of the last
/// one that was acknowledged.
async fn administrate(address: SocketAddr, folder: std::path::PathBuf, first: u64) -> u64 {
    let mut client = Client::connect(address, Protocol::Http1).await;
    let bearer = format!("Bearer {}", console_token(&folder, address).await);
    let mut acknowledged = first;
    for number in first + 1.. {
        let alias = json!({ "name": "counter", "target": format!("chat/model-{number}") });
        let headers = [("authorization", bearer.as_str())];
        let put = whole(alias.to_string().into());
        let Some(answer) =
            client.try_send(Method::PUT, "/api/aliases/counter", &headers, put).await
        else {
            break;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        acknowledged = number;
    }
    acknowledged
}

/// Waits for the way in of the gateway at this address: it is written right after it serves.
pub(crate) async fn console_token(folder: &Path, address: SocketAddr) -> String {
    loop {
        if let Some(found) = Entrance::find(&folder.join(".omniroute"))
            && found.address == address
        {
            return found.token;
        }
        tokio::task::yield_now().await;
    }
}

/// Returns the number of the model that the alias points at.
fn counter(folder: &Path) -> u64 {
    let data = folder.join(".omniroute");
    let store = Store::open(&data, &MasterKey::find(&data, &|_| None).unwrap()).unwrap();
    let objects = store.remembered().unwrap().objects;
    let alias = objects.iter().find(|object| *object.name == *"counter");
    let target = alias.and_then(|alias| alias.value.as_str()).unwrap_or("chat/model-0");
    target.rsplit('-').next().unwrap().parse().unwrap()
}

/// Returns how many rows each request has, and checks that the sums are theirs.
pub(crate) fn rows(folder: &Path) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for row in records(folder) {
        *found.entry(row.request_id.to_string()).or_default() += 1;
    }
    found
}

/// Returns all rows, and checks that the sums are theirs.
pub(crate) fn records(folder: &Path) -> Vec<UsageRecord> {
    let data = folder.join(".omniroute");
    let store = Store::open(&data, &MasterKey::find(&data, &|_| None).unwrap()).unwrap();
    let span = Span { from: 0, until: u64::MAX };
    let all =
        Listing { span, filter: Filter::default(), good: None, status: None, request_id: None };
    let mut found = Vec::new();
    let mut before: Option<RecordId> = None;
    store
        .read(|tx| {
            loop {
                let page = page(tx, &all, before, 500)?;
                found.extend(page.rows);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(check(tx)?.faults, []);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_kill_the_rows_of_answered_calls_are_there_once() {
    let (kills, seed) = (number("OMNIROUTE_KILLS", 5), number("OMNIROUTE_SEED", 1));
    let (sim, clock) = (simulator().await, Clock::system());
    let folder = folder_with(&all_formats_with(&sim, ""));
    let mut chance = StdRng::seed_from_u64(seed);
    let (mut answers, mut older, mut missing) = (Vec::new(), 0, 0);
    let (mut slowest, mut changes) = (Duration::ZERO, 0);

    for kill in 0..kills {
        let begun = clock.now();
        let program = Program::start(folder.path(), false);
        slowest = slowest.max(clock.now() - begun);
        let answered = Arc::new(AtomicUsize::default());
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let counted = (Arc::clone(&answered), clock.clone());
            clients.spawn(call(program.address, format!("kill-{kill}-{client}"), counted));
        }
        let mut changing = JoinSet::new();
        changing.spawn(administrate(program.address, folder.path().into(), changes));
        let enough = chance.random_range(ANSWERS);
        while answered.load(Relaxed) < enough {
            tokio::task::yield_now().await;
        }
        let killed = clock.now();
        program.kill();
        let done = clients.join_all().await.concat();

        let acknowledged = changing.join_next().await.unwrap().unwrap();
        changes = counter(folder.path());
        assert!(
            changes == acknowledged || changes == acknowledged + 1,
            "change {acknowledged} was acknowledged, {changes} is there"
        );

        let found = rows(folder.path());
        for (id, at) in &done {
            let is_older = killed.saturating_duration_since(*at) > COMMIT_INTERVAL;
            let has_row = found.contains_key(id);
            assert!(has_row || !is_older, "{id} was answered {:?} before the kill", killed - *at);
            older += usize::from(is_older);
            missing += usize::from(!has_row);
        }
        answers.extend(done);
        assert!(found.values().all(|rows| *rows == 1), "no call has two rows");
    }

    let found = rows(folder.path());
    let lost = answers.iter().filter(|(id, _)| !found.contains_key(id)).count();
    assert_eq!(lost, missing, "what was there after one kill is there after all");
    eprintln!(
        "REL D1 kills={kills} seed={seed} answered={} older_than_interval={older} rows={} lost=0 \
         within_interval_missing={missing} acknowledged_changes={changes} lost_changes=0 slowest_start_ms={}",
        answers.len(),
        found.len(),
        slowest.as_millis()
    );
}
