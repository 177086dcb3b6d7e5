//! One process takes the place of another under load: no connection is refused, no stream is cut, no row
//! is lost, and no budget is spent twice.
//!
//! `OMNIROUTE_UPGRADES` says how often (2 if not), `OMNIROUTE_STREAMS` how many streams are open (16),
//! `OMNIROUTE_RATE` how many requests come per second beside them (40).

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http::Method;
use omniroute::live::Text;
use omniroute_core::clock::Clock;
use omniroute_testkit::{Answer, Client, Protocol, Sim, TestGateway, whole};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::budgets::KEY;
use crate::crash::{number, rows};
use crate::program::{folder_with, omniroute};
use crate::setup::{FORMATS, all_formats_with, ask, is_complete};
use crate::stopping::Begun;

/// What never comes is a failure, not a wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway whose log is read all the time.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it says, apart from the access log.
    said: mpsc::Receiver<Value>,
    log: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts a gateway that takes over if there is one to take over from; returns once it serves.
    pub(crate) fn start(folder: &Path) -> Self {
        let arguments =
            ["run", "--upgrade", "--config", "o.yaml", "--port", "0", "--log-format", "json"];
        let mut child = omniroute(folder, &arguments).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, said) = mpsc::channel();
        let log = Some(thread::spawn(move || {
            let mut text = String::new();
            for line in log.lines().map_while(Result::ok) {
                let json: Value = serde_json::from_str(&line).unwrap_or_default();
                if json["target"] != "access" {
                    text.push_str(&line);
                    text.push('\n');
                    // Not every test listens to the end.
                    let _ = sender.send(json);
                }
            }
            text
        }));
        let any = ([0, 0, 0, 0], 0).into();
        let mut process = Self { child, address: any, said, log };
        let serves = process.hear("omniroute serves");
        process.address = serves["listen"].as_str().unwrap().parse().unwrap();
        process
    }

    /// Waits until it says this.
    fn hear(&self, message: &str) -> Value {
        loop {
            let said = self.said.recv_timeout(PATIENCE);
            let said = said.unwrap_or_else(|error| panic!("{error}: it does not say `{message}`"));
            if said["message"] == message {
                return said;
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Process {
    /// Nothing outlives a test that failed.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Requests at a steady rate over connections that are kept as long as the gateway keeps them.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: JoinSet<Vec<String>>,
}

impl Load {
    fn begin(address: SocketAddr, rate: u64) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut clients = JoinSet::new();
        for client in 0..rate.min(20) {
            let between = Duration::from_millis(1000 * rate.min(20) / rate);
            let shared = (Arc::clone(&stop), Arc::clone(&answered));
            clients.spawn(Self::client(address, (client, between), shared));
        }
        Self { stop, answered, clients }
    }

    async fn client(
        address: SocketAddr,
        (number, between): (u64, Duration),
        (stop, answered): (Arc<AtomicBool>, Arc<AtomicUsize>),
    ) -> Vec<String> {
        let mut ticks = tokio::time::interval(between);
        let mut client = Client::connect(address, Protocol::Http1).await;
        let mut ids = Vec::new();
        for count in 0.. {
            ticks.tick().await;
            if stop.load(Relaxed) {
                break;
            }
            let format = FORMATS[count % FORMATS.len()];
            let (path, body) = ask(format, "chat/echo", count % 3 == 0, "hello");
            let id = format!("steady-{number}-{count}");
            let answer = client.try_post(&path, &[("x-request-id", &id), KEY], &body).await;
            let answer = answer.unwrap_or_else(|| panic!("{id} was not answered"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(count % 3 != 0 || is_complete(format, &answer.text()), "{}", answer.text());
            if answer.header("connection") == Some("close") {
                client = Client::connect(address, Protocol::Http1).await;
            }
            answered.fetch_add(1, Relaxed);
            ids.push(id);
        }
        ids
    }

    /// Waits until so many more requests were answered.
    async fn more(&self, count: usize) {
        let enough = self.answered.load(Relaxed) + count;
        while self.answered.load(Relaxed) < enough {
            assert!(!self.clients.is_empty());
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Relaxed);
        self.clients.join_all().await.concat()
    }
}

/// A dollar for a million tokens in, two out, and a key with money for everything.
const RICH: &str = "server: { drain: 5m }
client_keys: [{ name: ci, key: ci-key-0123456789, budget: { limit: $10000, period: monthly } }]
pricing: { chat/*: { input: $1, output: $2 } }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_under_load_refuse_cut_and_lose_nothing() {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let (upgrades, clock) = (number("OMNIROUTE_UPGRADES", 2), Clock::system());
    let (streams, rate) = (number("OMNIROUTE_STREAMS", 16), number("OMNIROUTE_RATE", 40));
    let folder = folder_with(&all_formats_with(&sim, RICH));
    let mut processes = vec![Process::start(folder.path())];
    let address = processes[0].address;
    let load = Load::begin(address, rate);
    // Each lasts over all upgrades: they are read to their end at last.
    let words = "word ".repeat(20);
    let pace = 150 * upgrades.max(1);
    let mut open = Vec::new();
    for stream in 0..streams {
        let format = FORMATS[usize::try_from(stream).unwrap() % FORMATS.len()];
        let model = format!("chat/echo?pace={pace}ms");
        open.push(Begun::over(address, (format, &model, &words), &format!("open-{stream}")).await);
    }
    let mut reading: JoinSet<Begun> = open.into_iter().map(Begun::rest).collect();

    for _ in 0..upgrades {
        let next = Process::start(folder.path());
        assert_eq!(next.address, address);
        processes.push(next);
        load.more(10).await;
        processes.last().unwrap().signal("-HUP");
        load.more(10).await;
    }
    let mut cut = 0;
    let mut ids = Vec::new();
    while let Some(ended) = reading.join_next().await {
        let ended = ended.unwrap();
        cut += usize::from(!is_complete(ended.format, &ended.text));
        ids.push(ended.id);
    }
    let idle = clock.now();
    let last = processes.pop().unwrap();
    for process in processes {
        let (code, log) = process.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("another process has taken over"), "{log}");
    }
    let left = clock.now() - idle;
    load.more(10).await;
    ids.extend(load.end().await);
    last.signal("-TERM");
    let (code, log) = last.end();

    assert_eq!((code, cut), (Some(0), 0), "{log}");
    assert!(left < Duration::from_secs(5), "the old processes left {left:?} after the last stream");
    let found = rows(folder.path());
    let lost = ids.iter().filter(|id| found.get(*id) != Some(&1)).count();
    assert_eq!(lost, 0, "each answer has one row");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), found.len(), "and nothing else has");
    eprintln!(
        "REL U2 upgrades={upgrades} streams={streams} requests={} failed=0 cut_streams={cut} \
         lost_rows={lost} old_exit_after_idle_ms={}",
        ids.len(),
        left.as_millis()
    );
}

/// Asks until the budget has no room; returns what the answers cost, in nanodollars, and the last refusal.
async fn spend(address: SocketAddr, model: &str) -> (u64, Answer) {
    let (path, mut body) = ask("chat", model, false, &"word ".repeat(50));
    body["max_tokens"] = 200.into();
    let (mut spent, mut refused) = (0, 0);
    let mut client = Client::connect(address, Protocol::Http1).await;
    loop {
        let answer = client.post(&path, &[KEY], &body).await;
        match answer.status {
            200 => spent += crate::budgets::cost(&answer),
            429 => refused += 1,
            // The old process has no room left of what it may still spend; the new one may have.
            503 => assert_eq!(answer.header("retry-after"), Some("1"), "{}", answer.text()),
            _ => panic!("{} {}", answer.status, answer.text()),
        }
        if refused == 3 {
            return (spent, answer);
        }
        if answer.header("connection") == Some("close") || answer.status != 200 {
            client = Client::connect(address, Protocol::Http1).await;
        }
    }
}

/// Reads of a refusal how the budget stands and what the call needed, in nanodollars.
fn named(refusal: &Answer, what: &str) -> u64 {
    let text = refusal.text();
    let (_, after) = text.split_once(what).unwrap_or_else(|| panic!("no `{what}` in {text}"));
    let end = after.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(after.len());
    let (whole, decimals) = after[..end].split_once('.').unwrap_or((&after[..end], ""));
    format!("{whole}{decimals:0<9}").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_neither_overrun_nor_lost_by_two_processes_together() {
    const LIMIT: u64 = 20_000_000;
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let poor = RICH.replace("$10000", "$0.02");
    let folder = folder_with(&all_formats_with(&sim, &poor));
    let first = Process::start(folder.path());
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        clients.spawn(spend(first.address, "chat/echo?pace=5ms"));
    }
    sim.wait_until(|counts| counts.requests > 50).await;

    let second = Process::start(folder.path());
    let third = Process::start(folder.path());

    let spent: u64 = clients.join_all().await.into_iter().map(|(spent, _)| spent).sum();
    for process in [first, second] {
        assert_eq!(process.end().0, Some(0));
    }
    // Its end is heard over the line a moment after it.
    third.hear("the gateway before this one has ended");
    let (late, refusal) = spend(third.address, "chat/echo").await;
    let spent = spent + late;
    third.signal("-TERM");
    assert_eq!(third.end().0, Some(0));

    // What the earlier ones held back and did not need is there again, to the last nanodollar: what is left is
    // less than the most that one more call could cost, with the tokens that the vendor may add.
    assert!(spent <= LIMIT, "{spent}");
    let standing = [" spent $", "reserved for running calls $"].map(|what| named(&refusal, what));
    assert_eq!(standing, [spent, 0], "{}", refusal.text());
    let needed = named(&refusal, "needed for this call at most $");
    assert!(spent + needed > LIMIT && needed < LIMIT / 7, "{}", refusal.text());
    // The next start counts the rows, and finds the same.
    let fourth = Process::start(folder.path());
    let (nothing, refusal) = spend(fourth.address, "chat/echo").await;
    assert_eq!((nothing, named(&refusal, " spent $")), (0, spent), "{}", refusal.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_fails_changes_nothing() {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let yaml = all_formats_with(&sim, RICH);
    let folder = folder_with(&yaml);
    let running = Process::start(folder.path());
    let mut client = Client::connect(running.address, Protocol::Http1).await;
    std::fs::write(folder.path().join("broken.yaml"), "routing: { max_attempts: lots }\n").unwrap();

    let arguments = ["run", "--upgrade", "--config", "broken.yaml", "--port", "0"];
    let failed = omniroute(folder.path(), &arguments).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));

    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &[KEY, ("x-request-id", "after")], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(answer.header("connection"), Some("close"), "it stays");
    let alias = whole(r#"{"name":"a","target":"chat/echo"}"#.into());
    let token = crate::crash::console_token(folder.path(), running.address).await;
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let put = client.send(Method::PUT, "/api/aliases/a", &headers, alias).await;
    assert_eq!(put.status, 200, "the database is this one's again: {}", put.text());
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(0));
    assert_eq!(rows(folder.path())["after"], 1);
}

#[tokio::test]
async fn the_administration_says_when_to_come_back_while_another_has_the_database() {
    let home = tempfile::tempdir().unwrap();
    let yaml = "client_keys: [{ name: ops, key: ops-key-0123456789, scopes: [admin] }]\n";
    let text = Text::BuiltIn("test.yaml", yaml.to_owned());
    let gateway = TestGateway::start_at(home.path(), &[], text).await.unwrap();
    let put = async |gateway: &TestGateway| {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let headers = [("authorization", "Bearer ops-key-0123456789")];
        let alias = whole(r#"{"name":"a","target":"openai/gpt-4o"}"#.into());
        client.send(Method::PUT, "/api/aliases/a", &headers, alias).await
    };

    gateway.store().lend().unwrap();
    let refused = put(&gateway).await;
    gateway.store().take_back();
    let made = put(&gateway).await;

    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.text().contains("taking over"), "{}", refused.text());
    assert_eq!(made.status, 200, "{}", made.text());
}
