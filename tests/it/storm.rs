//! Storms: many requests at once while accounts fail in every way there is.
//!
//! Each prints how many calls a provider got for each call of a client; `--no-capture` shows it.

use std::net::SocketAddr;

use futures_util::future::join_all;
use omniroute_testkit::{Answer, Client, Protocol, Running, Sim, TestGateway};

use crate::setup::ask;

/// Requests in flight at once.
const CLIENTS: usize = 500;

/// Three providers of different formats with three accounts each; what the credentials ask for is
/// given by row.
fn nine(sim: &Running, credentials: [[&str; 3]; 3], routing: &str) -> String {
    let url = sim.url();
    let mut accounts = String::new();
    for (provider, row) in ["one", "two", "three"].iter().zip(credentials) {
        for (index, credential) in row.iter().enumerate() {
            let account = format!("{provider}-{index}");
            accounts.push_str(&format!(
                "  - {{ id: {account}, provider: {provider}, key: 'sk-sim-{credential}', priority: {index} }}\n"
            ));
        }
    }
    format!(
        "providers:
  one: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
  two: {{ wire: anthropic, base_url: '{url}', auth: {{ kind: static_key, header: x-api-key }} }}
  three: {{ wire: gemini, base_url: '{url}', auth: {{ kind: static_key, header: x-goog-api-key }} }}
accounts:
{accounts}combos:
  all: {{ targets: [one/echo, two/echo, three/echo] }}
client_keys:
  - {{ name: team, key: team-key-0123456789 }}
  - {{ name: boss, key: boss-key-0123456789, scopes: [admin] }}
{routing}"
    )
}

async fn quiet_simulator() -> Running {
    Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap()
}

/// One client per request, each with a connection of its own; every third wants a stream.
async fn burst(address: SocketAddr) -> Vec<Answer> {
    let one = async |index: usize| {
        let mut client = Client::connect(address, Protocol::Http1).await;
        let (path, body) = ask("chat", "all", index.is_multiple_of(3), "hello");
        client.post(&path, &[("authorization", "Bearer team-key-0123456789")], &body).await
    };
    join_all((0..CLIENTS).map(one)).await
}

/// What the gateway itself says of a request that should have been served.
async fn why(address: SocketAddr, answer: &Answer) -> String {
    let id = answer.header("x-request-id").unwrap_or_default();
    let headers = [("authorization", "Bearer boss-key-0123456789"), ("accept", "text/plain")];
    let mut client = Client::connect(address, Protocol::Http1).await;
    client.get(&format!("/api/requests/{id}/explain"), &headers).await.text()
}

#[expect(clippy::print_stdout, reason = "the table is what the test is read for")]
fn print(name: &str, client_calls: usize, upstream_calls: u64) {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let per_call = upstream_calls as f64 / client_calls as f64;
    println!(
        "{name:40} {client_calls:6} client calls {upstream_calls:6} upstream {per_call:6.2} ×"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_fails_while_one_account_works() {
    let failing = [
        ["429?retry_after=30", "reset", "500"],
        ["in-band-error", "529", "402"],
        ["garbage", "401", "echo-ok?first_token=40ms"],
    ];
    for strategy in ["fill_first", "round_robin", "random", "power_of_two", "least_used"] {
        let sim = quiet_simulator().await;
        let routing = format!("routing: {{ account_strategy: {strategy}, max_attempts: 16 }}\n");
        let gateway = TestGateway::start(&nine(&sim, failing, &routing)).await;
        for round in 0..3 {
            let before = sim.counts().requests;
            for (index, answer) in burst(gateway.address()).await.iter().enumerate() {
                let case = format!("{strategy}, round {round}, {index}: {}", answer.text());
                if answer.status != 200 {
                    panic!("{case}\n{}", why(gateway.address(), answer).await);
                }
                assert!(answer.complete && answer.text().contains("hello"), "{case}");
            }
            let calls = sim.counts().requests - before;
            print(&format!("{strategy}, one of nine works, round {round}"), CLIENTS, calls);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_everyone_fails_the_load_is_hardly_multiplied() {
    for fault in ["500", "529", "429", "reset", "in-band-error", "401", "garbage"] {
        let sim = quiet_simulator().await;
        let gateway = TestGateway::start(&nine(&sim, [[fault; 3]; 3], "")).await;
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.extend(burst(gateway.address()).await);
        }
        assert!(answers.iter().all(|answer| answer.status >= 400), "{fault}: nobody works");
        let told_off = answers.iter().filter(|a| a.header("x-should-retry") == Some("false"));
        let told_to_wait = answers.iter().filter(|a| a.header("retry-after").is_some());
        assert!(told_off.count() + told_to_wait.count() > answers.len() / 2, "{fault}");
        let calls = sim.counts().requests;
        print(&format!("everyone fails: {fault}"), answers.len(), calls);
        // Each of the nine accounts may be found out by a few second attempts.
        let probes = 9 * 5;
        let most = answers.len() as u64 * 12 / 10 + probes;
        assert!(calls <= most, "{fault}: {calls} calls for {} requests", answers.len());
    }
}
