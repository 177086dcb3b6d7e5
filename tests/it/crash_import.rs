//! `kill -9` in the middle of imports: afterwards the configuration is the one before or the one after,
//! never a mixture, what was acknowledged is there, and so is the copy of the state before.
//!
//! `OMNIROUTE_KILLS` says how often (5 if not), `OMNIROUTE_SEED` which moments.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use http::Method;
use omniroute::store::backup::Counts;
use omniroute::store::{MasterKey, Store};
use omniroute_testkit::{Client, Protocol, simulator, whole};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::task::JoinSet;

use crate::crash::number;
use crate::program::{Program, folder_with};
use crate::setup::all_formats_with;

/// Objects in each file.
const COMBOS: usize = 40;

/// How many answers another client gets before a kill. An import takes about as long as a few hundred.
const ANSWERS: std::ops::Range<usize> = 1..1500;

const BOSS: (&str, &str) = ("authorization", "Bearer boss-key-of-the-tests");

/// Points all combos at one model and exports that.
async fn export(client: &mut Client, model: &str) -> Bytes {
    for number in 0..COMBOS {
        let name = format!("combo-{number}");
        let combo = json!({ "name": name, "targets": [format!("chat/{model}")] }).to_string();
        let path = format!("/api/combos/{name}");
        let put = client.send(Method::PUT, &path, &[BOSS], whole(combo.into())).await;
        assert!(put.status == 200 || put.status == 201, "{}", put.text());
    }
    let exported = client.get("/api/db-backups/export", &[BOSS]).await;
    assert_eq!(exported.status, 200);
    exported.body
}

/// Imports one file after the other until the gateway is gone; counts those that were acknowledged.
async fn import(address: SocketAddr, files: [Bytes; 2], done: Arc<AtomicU64>) {
    let mut client = Client::connect(address, Protocol::Http1).await;
    loop {
        let file = files[usize::from(done.load(Relaxed) % 2 == 1)].clone();
        let sent = client.try_send(
            Method::POST,
            "/api/db-backups/import",
            &[BOSS, ("content-type", "application/octet-stream")],
            whole(file),
        );
        let Some(answer) = sent.await else { return };
        assert_eq!(answer.status, 200, "{}", answer.text());
        done.fetch_add(1, Relaxed);
    }
}

/// Asks for something small until the gateway is gone.
async fn watch(address: SocketAddr, answered: Arc<AtomicUsize>) {
    let mut client = Client::connect(address, Protocol::Http1).await;
    while let Some(answer) = client.try_send(Method::GET, "/livez", &[], whole(Bytes::new())).await
    {
        assert_eq!(answer.status, 200);
        answered.fetch_add(1, Relaxed);
    }
}

/// Returns the models that the combos of a data directory point at, and the objects of the newest copy.
fn found(folder: &Path) -> (BTreeSet<String>, Counts) {
    let data = folder.join(".omniroute");
    let store = Store::open(&data, &MasterKey::find(&data, &|_| None).unwrap()).unwrap();
    let objects = store.remembered().unwrap().objects;
    let targets = objects.iter().filter_map(|object| object.value["targets"][0].as_str());
    let targets: Vec<_> = targets.map(str::to_owned).collect();
    assert_eq!(targets.len(), COMBOS, "all of them, or all of the others");
    let copies = std::fs::read_dir(data.join("db_backups")).unwrap();
    let newest = copies
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "redb"));
    let manifest = store.manifest_of(&newest.max().unwrap()).unwrap().unwrap();
    (targets.into_iter().collect(), manifest.counts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_whole_or_not_there_after_every_kill() {
    let (kills, seed) = (number("OMNIROUTE_KILLS", 5), number("OMNIROUTE_SEED", 1));
    let sim = simulator().await;
    let keys = "client_keys: [{ name: boss, key: boss-key-of-the-tests, scopes: [admin] }]\n";
    let folder = folder_with(&all_formats_with(&sim, keys));
    let mut chance = StdRng::seed_from_u64(seed);
    let program = Program::start(folder.path(), false);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let files = [export(&mut client, "odd").await, export(&mut client, "even").await];
    let done = Arc::new(AtomicU64::new(0));
    program.kill();

    let mut unacknowledged = 0;
    for _ in 0..kills {
        let program = Program::start(folder.path(), false);
        let answered = Arc::new(AtomicUsize::default());
        let mut running = JoinSet::new();
        running.spawn(import(program.address, files.clone(), Arc::clone(&done)));
        running.spawn(watch(program.address, Arc::clone(&answered)));
        let (enough, before) = (chance.random_range(ANSWERS), done.load(Relaxed));
        // The first import of each round has to be under way, so that there is something to interrupt.
        while answered.load(Relaxed) < enough || done.load(Relaxed) == before {
            tokio::task::yield_now().await;
        }
        program.kill();
        running.join_all().await;

        let (targets, copied) = found(folder.path());
        let acknowledged = done.load(Relaxed);
        let of = |count: u64| if count % 2 == 1 { "chat/odd" } else { "chat/even" };
        let is_next = targets == BTreeSet::from([of(acknowledged + 1).to_owned()]);
        assert!(
            is_next || targets == BTreeSet::from([of(acknowledged).to_owned()]),
            "{acknowledged} imports were acknowledged; the combos point at {targets:?}"
        );
        // What was taken over without an answer counts too, or the next round would repeat it.
        done.fetch_add(u64::from(is_next), Relaxed);
        unacknowledged += u64::from(is_next);
        assert_eq!(copied.combo_count, COMBOS, "the copy is whole");
    }
    eprintln!(
        "REL D4 kills={kills} seed={seed} imports={} unacknowledged={unacknowledged} mixed=0",
        done.load(Relaxed)
    );
}
