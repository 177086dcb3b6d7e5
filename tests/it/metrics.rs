//! What `/metrics` has: its reference, what is counted of the gateway's own time, limits, refusals.

use std::fmt::Write;
use std::time::Duration;

use omniroute::metrics::Metrics;
use omniroute_testkit::{Client, Gate, Protocol, RawConnection, Step, TestGateway, simulator};

use crate::bench::Bench;
use crate::setup::{all_formats, all_formats_with, ask};

/// The reference, from the folder of the program.
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/metrics.md");

/// What stands between the page's own words and the table.
const TABLE: &str = "<!-- The table is written by `make docs`. -->\n";

fn table() -> String {
    let mut table = "\n| metric | kind | labels | what it says |\n|---|---|---|---|\n".to_owned();
    for metric in Metrics::new().unwrap().described() {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, labels, help) =
            (&metric.name, metric.kind, labels.join(", "), metric.help.trim_end_matches('.'));
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
    }
    table
}

#[test]
fn the_reference_has_every_metric() {
    let page = std::fs::read_to_string(REFERENCE).unwrap();
    let (words, written) = page.split_once(TABLE).unwrap();

    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(REFERENCE, format!("{words}{TABLE}{}", table())).unwrap();
        return;
    }

    assert_eq!(written, table(), "run `make docs`");
}

#[tokio::test]
async fn everything_that_is_shown_is_in_the_reference() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let (path, body) = ask("chat", "chat/echo", true, "hello");
    Client::connect(gateway.address(), Protocol::Http1).await.post(&path, &[], &body).await;

    let text = String::from_utf8(gateway.shared().metrics_text()).unwrap();

    let described = gateway.shared().metrics.described();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let found = described.iter().find(|metric| metric.name == name);
        assert_eq!(found.map(|metric| metric.kind), Some(kind), "{line}");
    }
}

#[tokio::test]
async fn overhead_is_neither_the_providers_time_nor_the_clients() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let gate = Gate::new();
    let reply = "{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";
    let slow = Step::reply(200).header("content-type", "application/json").gate(&gate).piece(reply);
    sim.script([slow]);
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let body = body.to_string();
    let (first, rest) = body.split_at(10);
    let mut client = RawConnection::connect(gateway.address()).await;
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());

    // The gateway waits for the client, then for the provider, a minute each.
    client.send(format!("{head}{first}").as_bytes()).await;
    until(|| gateway.shared().metrics.in_flight() == 1).await;
    gateway.clock().advance(Duration::from_secs(60));
    client.send(rest.as_bytes()).await;
    until(|| !sim.seen().is_empty()).await;
    gateway.clock().advance(Duration::from_secs(60));
    gate.open();
    let answer = client.read_until(|text| text.contains("\"hi\"")).await;

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    until(|| gateway.shared().metrics.in_flight() == 0).await;
    let metric = |line: &str| gateway.metric(line);
    assert!(metric("omniroute_request_seconds_sum{format=\"openai_chat\",status=\"200\"}") > 119.0);
    assert_eq!(metric("omniroute_overhead_seconds_count{passage=\"exact\"}"), 1.0);
    let overhead = metric("omniroute_overhead_seconds_sum{passage=\"exact\"}");
    assert!(overhead > 0.0 && overhead < 30.0, "{overhead}");
}

#[tokio::test]
async fn limits_waits_and_refusals_are_shown() {
    let sim = simulator().await;
    let config = all_formats_with(&sim, "resilience: { account_limits: { max_wait: 20s } }\n")
        .replace("key: sk-sim-ok }", "key: sk-sim-ok, limits: { rpm: 5, concurrent: 1 } }");
    let gateway = TestGateway::start(&config).await;
    let call = async |model: &str| {
        let (path, body) = ask("chat", model, false, "hello");
        Client::connect(gateway.address(), Protocol::Http1).await.post(&path, &[], &body).await
    };

    let answers = tokio::join!(call("chat/echo?pace=5ms"), call("chat/echo"), call("no-such"));

    assert_eq!((answers.0.status, answers.1.status, answers.2.status), (200, 200, 404));
    until(|| gateway.shared().metrics.in_flight() == 0).await;
    let account = "account=\"chat-1\"";
    for (line, expected) in [
        (format!("omniroute_account_limit{{{account},limit=\"rpm\",provider=\"chat\"}}"), 5.0),
        (format!("omniroute_account_limit_used{{{account},limit=\"rpm\",provider=\"chat\"}}"), 2.0),
        (format!("omniroute_account_limit{{{account},limit=\"tpm\",provider=\"chat\"}}"), 0.0),
        ("omniroute_account_wait_seconds_count{provider=\"chat\"}".to_owned(), 1.0),
        ("omniroute_errors_total{code=\"model_not_found\"}".to_owned(), 1.0),
        ("omniroute_draining".to_owned(), 0.0),
    ] {
        assert_eq!(gateway.metric(&line), expected, "{line}");
    }
    gateway.shared().metrics.draining();
    assert_eq!(gateway.metric("omniroute_draining"), 1.0);
}

#[tokio::test]
async fn a_refused_file_shows_until_it_is_mended() {
    let bench = Bench::start("client_keys: [{ name: a, key: some-key-0123456789 }]\n").await;
    let file = bench.folder.path().join("omniroute.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let refused = || bench.gateway.metric("omniroute_config_file_refused");
    assert_eq!(refused(), 0.0);

    std::fs::write(&file, "acounts: []\n").unwrap();
    assert!(bench.gateway.shared().live.reload().is_err());
    assert_eq!(refused(), 1.0);

    std::fs::write(&file, good).unwrap();
    assert!(bench.gateway.shared().live.reload().is_ok());
    assert_eq!(refused(), 0.0);
    assert_eq!(bench.gateway.metric("omniroute_config_reload_failures_total"), 1.0);
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}
