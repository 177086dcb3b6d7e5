//! Slow clients of every kind at once, who come back when they are thrown out: they are, and others are served
//! as if they were not there.
//!
//! `OMNIROUTE_SIEGE` says how many clients of each kind there are (20 if not).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use omniroute_core::clock::Clock;
use omniroute_testkit::{Client, Protocol, RawConnection, Sim};
use tokio::task::JoinSet;

use crate::crash::number;
use crate::program::folder_with;
use crate::setup::{FORMATS, all_formats_with, ask, is_complete};
use crate::upgrade::Process;

/// How slow they are.
const DRIP: Duration = Duration::from_millis(200);

/// What the gateway waits for, far less than usual.
const LIMITS: &str = "limits: { head_time: 1s, keep_alive: 1s, body_time: 1s, client_write: 1s, connections: 20000 }\n";

/// Requests of those who are not slow.
const NORMAL: usize = 400;

/// How long the slowest hundredth of them may take, on a machine that does other things too; 50 ms are promised.
const SOON: Duration = Duration::from_millis(500);

/// What slow clients do: they send a beginning, and then a piece now and then.
const KINDS: [(&str, &str, &str); 5] = [
    ("says nothing", "", ""),
    ("drips its head", "POST /v1/messages HTTP/1.1\r\nhost: x\r\n", "x: y\r\n"),
    (
        "drips its body",
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n",
        " ",
    ),
    ("is idle", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", ""),
    ("half an HTTP/2 head", "PRI * HTTP/2.0\r\n", ""),
];

/// Comes back for as long as the siege lasts; counts how often it is thrown out.
async fn besiege(
    address: SocketAddr,
    (_, beginning, piece): (&'static str, &'static str, &'static str),
    (over, thrown_out): (Arc<AtomicBool>, Arc<AtomicU64>),
) {
    while !over.load(Relaxed) {
        let mut raw = RawConnection::connect(address).await;
        raw.try_send(beginning.as_bytes()).await;
        raw.drip(piece.as_bytes(), DRIP).await;
        thrown_out.fetch_add(1, Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_thrown_out_and_others_served_at_once() {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let (each, clock) = (number("OMNIROUTE_SIEGE", 20), Clock::system());
    let folder = folder_with(&all_formats_with(&sim, LIMITS));
    let gateway = Process::start(folder.path());
    let over = Arc::new(AtomicBool::new(false));
    let mut slow = JoinSet::new();
    let thrown_out = KINDS.map(|kind| {
        let thrown_out = Arc::<AtomicU64>::default();
        for _ in 0..each {
            let shared = (Arc::clone(&over), Arc::clone(&thrown_out));
            slow.spawn(besiege(gateway.address, kind, shared));
        }
        thrown_out
    });

    let mut took = Vec::new();
    let mut client = Client::connect(gateway.address, Protocol::H2c).await;
    while took.len() < NORMAL || thrown_out.iter().any(|count| count.load(Relaxed) < each) {
        let (format, stream) = (FORMATS[took.len() % FORMATS.len()], took.len() % 3 == 0);
        let (path, body) = ask(format, "chat/echo", stream, "hello");
        let begun = clock.now();
        let answer = client.post(&path, &[], &body).await;
        took.push(clock.now() - begun);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!stream || is_complete(format, &answer.text()), "{}", answer.text());
    }
    over.store(true, Relaxed);
    while slow.join_next().await.is_some() {}
    gateway.signal("-TERM");
    let (code, log) = gateway.end();

    took.sort_unstable();
    let p99 = took[took.len() - 1 - took.len() / 100];
    let counts = thrown_out.map(|count| count.load(Relaxed));
    eprintln!(
        "REL L2 slow_clients={} thrown_out={} requests={} p99_ms={:.1}",
        each * KINDS.len() as u64,
        counts.iter().sum::<u64>(),
        took.len(),
        p99.as_secs_f64() * 1000.0
    );
    assert_eq!(code, Some(0), "{log}");
    for ((kind, ..), count) in KINDS.iter().zip(counts) {
        assert!(count >= each, "who {kind} is thrown out: {count}");
    }
    assert!(p99 < SOON, "{p99:?}");
}
