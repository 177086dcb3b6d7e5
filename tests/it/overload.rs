//! More than the gateway takes: refused early, in the client's format, and health and administration go on.

use omniroute_testkit::{
    Client, Gate, Protocol, RawConnection, Running, Step, TestGateway, simulator,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::setup::{FORMATS, all_formats_with, ask};

const ADMIN: [(&str, &str); 1] = [("authorization", "Bearer admin-key-0123456789")];

async fn gateway(sim: &Running, limits: &str) -> TestGateway {
    let keys =
        "client_keys: [{ name: a, key: admin-key-0123456789, scopes: [inference, admin] }]\n";
    let more = format!("{keys}limits: {{ {limits} }}\n");
    TestGateway::start(&all_formats_with(sim, &more)).await
}

fn shed(gateway: &TestGateway, reason: &str) -> f64 {
    gateway.metric(&format!("omniroute_shed_total{{reason=\"{reason}\"}}"))
}

/// A reply that waits.
fn waits_for(gate: &Gate) -> Step {
    let reply = Step::new().gate(gate).head(200).header("content-type", "application/json");
    reply.piece("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"late\"},\"finish_reason\":\"stop\"}]}")
}

#[tokio::test]
async fn calls_above_the_limit_get_503_and_the_rest_is_served() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "requests: 2").await;
    let gate = Gate::new();
    sim.script([waits_for(&gate), waits_for(&gate)]);
    let mut running = JoinSet::new();
    for _ in 0..2 {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        running.spawn(async move {
            let (path, body) = ask("chat", "chat/echo", false, "hello");
            client.post(&path, &ADMIN, &body).await.status
        });
    }
    sim.wait_until(|counts| counts.requests == 2).await;

    for format in FORMATS {
        for protocol in [Protocol::Http1, Protocol::H2c] {
            let mut client = Client::connect(gateway.address(), protocol).await;
            let (path, body) = ask(format, "chat/echo", false, "hello");
            let answer = client.post(&path, &ADMIN, &body).await;
            assert_eq!(answer.status, 503, "{format}: {}", answer.text());
            assert_eq!(answer.header("retry-after"), Some("1"), "{format}");
            let error = answer.json()["error"].clone();
            let (word, expected) = match format {
                "anthropic" => (&error["type"], "overloaded_error"),
                "gemini" => (&error["status"], "UNAVAILABLE"),
                _ => (&error["code"], "overloaded"),
            };
            assert_eq!(word, expected, "{format}: {error}");
            assert!(error["message"].as_str().unwrap().contains("limits.requests"), "{error}");
            for path in ["/livez", "/readyz", "/metrics", "/api/health"] {
                assert_eq!(client.get(path, &ADMIN).await.status, 200, "{path} has a reserve");
            }
        }
    }
    assert_eq!(shed(&gateway, "requests"), 8.0);

    gate.open();
    while let Some(status) = running.join_next().await {
        assert_eq!(status.unwrap(), 200, "what was begun is finished");
    }
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(client.post(&path, &ADMIN, &body).await.status, 200, "there is room again");
}

#[tokio::test]
async fn who_drips_a_body_takes_no_place_of_a_call() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "requests: 1").await;
    let mut half = Vec::new();
    for _ in 0..3 {
        let mut raw = RawConnection::connect(gateway.address()).await;
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n").await;
        raw.read_until(|text| text.contains("100 Continue")).await;
        raw.send(b"{").await;
        half.push(raw);
    }

    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &ADMIN, &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(shed(&gateway, "requests"), 0.0);
}

#[tokio::test]
async fn connections_above_the_limit_are_for_health_and_administration() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "connections: 2, head_time: 1h").await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        // Two bytes, so that it is known to be in.
        let mut raw = RawConnection::connect(gateway.address()).await;
        raw.send(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
        raw.read_until(|text| text.contains("\"ok\"")).await;
        idle.push(raw);
    }

    let (path, body) = ask("anthropic", "chat/echo", false, "hello");
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let refused = client.post(&path, &ADMIN, &body).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    assert_eq!(refused.header("connection"), Some("close"), "the reserve is for many");
    for path in ["/livez", "/readyz", "/metrics", "/api/health"] {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let answer = client.get(path, &ADMIN).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("connection"), Some("close"), "{path}");
    }
    assert_eq!(shed(&gateway, "connections"), 1.0);

    for _ in 0..64 {
        let mut raw = RawConnection::connect(gateway.address()).await;
        raw.send(b"GET").await;
        idle.push(raw);
    }
    let mut answer = "HTTP".to_owned();
    // Those before it may not be counted yet.
    while !answer.is_empty() {
        let mut raw = RawConnection::connect(gateway.address()).await;
        raw.try_send(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        answer = raw.read_until(|_| false).await;
    }
    assert!(shed(&gateway, "connections") >= 2.0);

    drop(idle);
    let mut status = 503;
    while status == 503 {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let sent = client.try_post(&path, &ADMIN, &body).await;
        status = sent.map_or(503, |answer| answer.status);
    }
    assert_eq!(status, 200, "there is room again");
}

#[tokio::test]
async fn bodies_have_a_limit_all_together() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "buffered_bodies: 64KiB").await;
    let gate = Gate::new();
    sim.script([waits_for(&gate)]);
    let large = "x".repeat(40_000);
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, &large);
    let running = {
        let (path, body) = (path.clone(), body.clone());
        let mut running = JoinSet::new();
        running.spawn(async move { client.post(&path, &ADMIN, &body).await.status });
        running
    };
    sim.wait_until(|counts| counts.requests == 1).await;
    assert!(gateway.metric("omniroute_buffered_body_bytes") > 40_000.0);

    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let refused = client.post(&path, &ADMIN, &body).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.text().contains("limits.buffered_bodies"), "{}", refused.text());
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (small_path, small) = ask("anthropic", "anthropic-sim/echo", false, "hello");
    assert_eq!(client.post(&small_path, &ADMIN, &small).await.status, 200, "there is still room");
    let settings = json!({ "text": large });
    let managed = client.post("/api/translator/detect", &ADMIN, &settings).await;
    assert_ne!(managed.status, 503, "administration is not refused: {}", managed.text());
    assert_eq!(shed(&gateway, "buffered_bodies"), 1.0);

    gate.open();
    assert_eq!(running.join_all().await, [200]);
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    assert_eq!(client.post(&path, &ADMIN, &body).await.status, 200);
    while gateway.metric("omniroute_buffered_body_bytes") > 0.0 {
        tokio::task::yield_now().await;
    }
}
