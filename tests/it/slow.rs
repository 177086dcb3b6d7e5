//! Clients that take their time: each wait has a limit, and what is served is not cut by it.

use std::net::SocketAddr;
use std::time::Duration;

use omniroute_core::config::Tls;
use omniroute_testkit::{
    Authority, Client, Gate, Protocol, RawConnection, Running, Step, TestGateway, Trust, chunked,
    simulator,
};

use crate::setup::{all_formats_with, ask};

/// How long a dripping client waits between two bytes.
const DRIP: Duration = Duration::from_millis(10);

async fn gateway(sim: &Running, limits: &str) -> TestGateway {
    TestGateway::start(&all_formats_with(sim, &format!("limits: {{ {limits} }}\n"))).await
}

/// Reads to the end of the connection.
async fn closed(raw: &mut RawConnection) -> String {
    raw.read_until(|_| false).await
}

/// Sends a beginning, and then one piece after the other until the connection is closed; returns what was
/// answered.
async fn drip(address: SocketAddr, beginning: &str, piece: &str) -> String {
    let mut raw = RawConnection::connect(address).await;
    raw.send(beginning.as_bytes()).await;
    raw.drip(piece.as_bytes(), DRIP).await
}

#[tokio::test]
async fn a_connection_that_sends_nothing_or_half_a_head_is_closed() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "head_time: 150ms, keep_alive: 1h").await;

    let mut silent = RawConnection::connect(gateway.address()).await;
    assert_eq!(closed(&mut silent).await, "", "nobody asked, so nobody is answered");
    for half in
        ["G", "GET /livez HTTP/1.1\r\nhost", "PRI * HTTP/2.0\r\n", "GET /livez HTTP/1.1\r\n\r"]
    {
        let mut raw = RawConnection::connect(gateway.address()).await;
        raw.send(half.as_bytes()).await;
        let answer = closed(&mut raw).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{half}: {answer}");
        assert!(answer.contains("connection: close"), "{half}: {answer}");
    }
    let answer = drip(gateway.address(), "GET /livez HTTP/1.1\r\nhost: x\r\nx: ", "y").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "a byte now and then changes nothing: {answer}");
}

#[tokio::test]
async fn over_tls_the_deadline_is_the_same() {
    let (sim, folder, authority) =
        (simulator().await, tempfile::tempdir().unwrap(), Authority::new());
    let issued = authority.issue("gateway.test");
    let files = Tls { cert: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    std::fs::write(&files.cert, issued.cert_pem()).unwrap();
    std::fs::write(&files.key, issued.key_pem()).unwrap();
    let (cert, key) = (files.cert.display(), files.key.display());
    let server = format!("server: {{ tls: {{ cert: '{cert}', key: '{key}' }} }}\n");
    let limits = "limits: { head_time: 150ms, keep_alive: 1h }\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, &format!("{server}{limits}"))).await;

    let mut silent = RawConnection::connect(gateway.address()).await;
    assert_eq!(closed(&mut silent).await, "", "no handshake was begun");
    let mut half = RawConnection::connect(gateway.address()).await;
    half.send(b"\x16\x03\x01\x02\x00\x01").await;
    assert_eq!(closed(&mut half).await, "", "nor ended");
    let pem = authority.pem();
    for alpn in [&b"\x02h2"[..], b"\x08http/1.1"] {
        let trust = Trust { alpn, ..Trust::of(&pem, "gateway.test") };
        let mut stream = trust.greet(gateway.address()).await.unwrap();
        let mut rest = Vec::new();
        let _closed_with_or_without_a_word =
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
        assert!(!rest.starts_with(b"HTTP/"), "nobody asked, so nobody is answered");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_whatever_the_client_asks_for() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "head_time: 150ms, keep_alive: 200ms").await;
    let ask = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\nkeep-alive: timeout=86400\r\n\r\n";

    let mut raw = RawConnection::connect(gateway.address()).await;
    raw.send(ask.as_bytes()).await;
    let answer = closed(&mut raw).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("408"), "{answer}");

    let mut raw = RawConnection::connect(gateway.address()).await;
    raw.send(ask.as_bytes()).await;
    raw.read_until(|text| text.contains("\"ok\"")).await;
    raw.send(b"GET /livez HTTP/1.1\r\nho").await;
    let answer = closed(&mut raw).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "the second head has a deadline too: {answer}");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_head_or_a_pause_between_requests() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "head_time: 100ms, keep_alive: 100ms").await;
    let gate = Gate::new();
    let reply = Step::new().gate(&gate).head(200).header("content-type", "application/json");
    sim.script([reply.piece("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"late\"},\"finish_reason\":\"stop\"}]}")]);
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let body = body.to_string();
    let length = body.len();
    let mut raw = RawConnection::connect(gateway.address()).await;

    raw.send(
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
            .as_bytes(),
    )
    .await;
    sim.wait_until(|counts| counts.requests == 1).await;
    for _ in 0..3 {
        let mut other = RawConnection::connect(gateway.address()).await;
        closed(&mut other).await;
    }
    gate.open();
    let answer = closed(&mut raw).await;

    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("late"), "{answer}");
}

#[tokio::test]
async fn a_body_that_drips_is_too_slow_in_the_end() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "body_time: 200ms").await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n";
    for (framing, piece) in [
        ("content-length: 100000\r\n\r\n", " "),
        ("transfer-encoding: chunked\r\n\r\n", "1\r\n \r\n"),
    ] {
        let answer = drip(gateway.address(), &format!("{head}{framing}"), piece).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("limits.body_time"), "names the limit: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
    assert_eq!(sim.counts().requests, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let sim = simulator().await;
    let gateway = gateway(&sim, "client_write: 200ms").await;
    let event = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(60_000)
    );
    let (path, body) = ask("chat", "chat/echo", true, "hello");
    for protocol in [Protocol::Http1, Protocol::H2c] {
        let mut step = Step::reply(200).header("content-type", "text/event-stream");
        for _ in 0..600 {
            step = step.piece(event.clone());
        }
        sim.script([step.hang()]);
        let aborted = sim.aborted();
        let mut client = Client::connect(gateway.address(), protocol).await;
        let whole = bytes::Bytes::from(body.to_string());

        let unread =
            client.begin(http::Method::POST, &path, &[], chunked(&whole, whole.len())).await;

        assert_eq!(unread.status(), 200);
        sim.wait_until(|_| sim.aborted() == aborted + 1).await;
        drop(unread);
    }
}
