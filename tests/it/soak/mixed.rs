//! Clients of all formats that ask all providers for everything: streams, whole answers, long prompts, answers
//! they leave, and faults of every kind.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use omniroute_testkit::{Client, Protocol, Running, whole};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::setup::{FORMATS, ask, is_complete, prefix};

/// Clients that ask at once.
const CLIENTS: u64 = 20;

/// Requests over one connection, at most.
const KEPT: u32 = 100;

/// What is wrong with the answers of a provider of its own, so that nobody else is avoided for it.
const FAULTS: [&str; 8] = [
    "400",
    "500",
    "429",
    "reset",
    "reset-after-3",
    "in-band-error-after-2",
    "garbage",
    "eof-after-2",
];

/// How many answers there were, of each kind.
#[derive(Default)]
pub(super) struct Done {
    whole: AtomicU64,
    streams: AtomicU64,
    left: AtomicU64,
    faults: AtomicU64,
}

/// The sums.
pub(super) struct Sums {
    done: Arc<Done>,
    /// Answers that should have been good and were not.
    pub(super) odd: u64,
}

impl fmt::Display for Sums {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Done { whole, streams, left, faults } = &*self.done;
        let counts = [whole, streams, left, faults].map(|count| count.load(Relaxed));
        let [whole, streams, left, faults] = counts;
        let odd = self.odd;
        write!(out, "whole={whole} streams={streams} left={left} faults={faults} odd={odd}")
    }
}

/// Adds a provider whose answers are faults.
pub(super) fn faulty_too(sim: &Running, yaml: &str) -> String {
    let url = sim.url();
    let provider = format!(
        "providers:\n  faulty: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: \
         authorization, scheme: Bearer }} }}\n"
    );
    let account = "accounts:\n  - { id: faulty-1, provider: faulty, key: sk-sim-ok }\n";
    yaml.replacen("providers:\n", &provider, 1).replacen("accounts:\n", account, 1)
}

/// Asks each provider in each format a few times, so that what is made once is there.
pub(super) async fn warm(address: SocketAddr, times: usize) {
    let mut client = Client::connect(address, Protocol::Http1).await;
    for time in 0..times {
        let (format, provider) = (FORMATS[time % 4], prefix(FORMATS[time / 4 % 4]));
        let (path, body) = ask(format, &format!("{provider}/echo"), time % 3 == 0, "hello");
        let answer = client.post(&path, &[], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// A load that runs.
pub(super) struct Mixed {
    stop: Arc<AtomicBool>,
    done: Arc<Done>,
    clients: JoinSet<u64>,
}

impl Mixed {
    /// Begins it with so many requests per second.
    pub(super) fn begin(address: SocketAddr, (rate, seed): (u64, u64)) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::<Done>::default());
        let mut clients = JoinSet::new();
        let between = Duration::from_millis(1000 * CLIENTS / rate.max(1));
        for number in 0..CLIENTS {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            let chance = StdRng::seed_from_u64(seed * CLIENTS + number);
            clients.spawn(async move {
                let mut one = One { address, chance, done, client: None, asked: 0 };
                let (mut ticks, mut odd) = (tokio::time::interval(between), 0);
                while !stop.load(Relaxed) {
                    ticks.tick().await;
                    odd += u64::from(!one.asks().await);
                }
                odd
            });
        }
        Self { stop, done, clients }
    }

    /// Ends it once what was asked is answered.
    pub(super) async fn end(self) -> Sums {
        self.stop.store(true, Relaxed);
        let odd = self.clients.join_all().await.into_iter().sum();
        Sums { done: self.done, odd }
    }
}

struct One {
    address: SocketAddr,
    chance: StdRng,
    done: Arc<Done>,
    client: Option<Client>,
    asked: u32,
}

impl One {
    /// Asks for something; tells whether what came is as it should be.
    async fn asks(&mut self) -> bool {
        let format = FORMATS[self.chance.random_range(0..4)];
        let provider = prefix(FORMATS[self.chance.random_range(0..4)]);
        let words = "word ".repeat(1 << self.chance.random_range(0..14));
        self.asked += 1;
        if self.client.is_none() || self.asked.is_multiple_of(KEPT) {
            let protocol = [Protocol::Http1, Protocol::H2c][self.chance.random_range(0..2)];
            self.client = Some(Client::connect(self.address, protocol).await);
        }
        match self.chance.random_range(0..10) {
            0..4 => self.answered((format, provider), &words).await,
            4..7 => self.streamed((format, provider), &words).await,
            7 => self.leaves((format, provider), &words).await,
            _ => self.fails(format).await,
        }
    }

    async fn answered(&mut self, (format, provider): (&str, &str), words: &str) -> bool {
        let (path, body) = ask(format, &format!("{provider}/echo"), false, words);
        let Some(client) = &mut self.client else { return false };
        let answer = client.try_post(&path, &[], &body).await;
        self.done.whole.fetch_add(1, Relaxed);
        answer.is_some_and(|answer| answer.status == 200 && answer.complete)
    }

    async fn streamed(&mut self, (format, provider): (&str, &str), words: &str) -> bool {
        let words = &words[..words.len().min(1000)];
        let (path, body) = ask(format, &format!("{provider}/echo?pace=1ms"), true, words);
        let Some(client) = &mut self.client else { return false };
        let answer = client.try_post(&path, &[], &body).await;
        self.done.streams.fetch_add(1, Relaxed);
        answer.is_some_and(|answer| is_complete(format, &answer.text()))
    }

    /// Leaves a stream after its beginning.
    async fn leaves(&mut self, (format, provider): (&str, &str), words: &str) -> bool {
        let (path, body) = ask(format, &format!("{provider}/echo?pace=20ms"), true, words);
        let body = whole(body.to_string().into());
        let Some(mut client) = self.client.take() else { return false };
        let mut answer = client.begin(Method::POST, &path, &[], body).await.into_body();
        for _ in 0..self.chance.random_range(0..4) {
            answer.frame().await;
        }
        self.done.left.fetch_add(1, Relaxed);
        true
    }

    /// Asks for a fault; whatever comes is an answer.
    async fn fails(&mut self, format: &str) -> bool {
        let fault = FAULTS[self.chance.random_range(0..FAULTS.len())];
        let stream = self.chance.random_range(0..2) == 0;
        let (path, body) = ask(format, &format!("faulty/{fault}"), stream, "hello");
        let Some(client) = &mut self.client else { return false };
        let answer = client.try_post(&path, &[], &body).await;
        self.done.faults.fetch_add(1, Relaxed);
        let closes =
            |answer: &omniroute_testkit::Answer| answer.header("connection") == Some("close");
        if answer.as_ref().is_none_or(|answer| closes(answer) || !answer.complete) {
            self.client = None;
        }
        answer.is_some()
    }
}
