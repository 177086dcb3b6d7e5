//! What attackers and odd peers try.

use omniroute::live::Text;
use omniroute_testkit::{Client, Gate, Protocol, RawConnection, Step, TestGateway, simulator};

use crate::setup::{all_formats, ask, has_error_event, is_complete, two_accounts};

const KEY: &str = "sk-canary-123456789";

#[tokio::test]
async fn a_credential_repeated_inside_a_stream_is_blotted_out_in_every_format() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, KEY, KEY)).await;
    for format in crate::setup::FORMATS {
        let content =
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
        let error =
            format!("data: {{\"error\":{{\"message\":\"bad key {KEY}\",\"type\":\"x\"}}}}\n\n");
        let step = Step::reply(200)
            .header("content-type", "text/event-stream")
            .header("request-id", KEY)
            .piece(content)
            .piece(error);
        sim.script([step]);
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/echo", true, "hello");

        let answer = client.post(&path, &[], &body).await;

        assert!(has_error_event(format, &answer.text()), "{format}: {}", answer.text());
        assert!(answer.text().contains("bad key ***"), "{format}: {}", answer.text());
        assert!(!format!("{:?} {}", answer.headers, answer.text()).contains(KEY), "{format}");
    }
}

#[tokio::test]
async fn a_large_refusal_is_told_in_well_formed_words_of_ours() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, KEY, KEY)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let long = format!("{{\"error\":{{\"message\":\"{}{KEY}\"}}}}", "x".repeat(100_000));
    sim.script([Step::reply(400).header("content-type", "application/json").piece(long)]);

    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 400);
    assert!(answer.json()["error"]["message"].is_string());
    assert!(!answer.text().contains("sk-canary"), "not even its beginning");
}

#[tokio::test]
async fn bytes_behind_a_request_do_not_end_its_answer() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let gate = Gate::new();
    let reply = Step::new().gate(&gate).head(200).header("content-type", "application/json");
    sim.script([reply.piece("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"late\"},\"finish_reason\":\"stop\"}]}")]);
    let mut raw = RawConnection::connect(gateway.address()).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let body = body.to_string();
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());

    raw.send(request.as_bytes()).await;
    sim.wait_until(|counts| counts.requests == 1).await;
    raw.send(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    gate.open();
    let answers = raw.read_until(|text| text.contains("{\"status\":\"ok\"}")).await;

    assert!(answers.contains("late"), "{answers}");
    assert!(answers.contains("{\"status\":\"ok\"}"), "the next request is served too: {answers}");
}

#[tokio::test]
async fn a_refused_request_that_waits_for_100_continue_closes_its_connection() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut raw = RawConnection::connect(gateway.address()).await;

    raw.send(
        b"POST /nope HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 40\r\n\r\n",
    )
    .await;
    let answer = raw.read_until(|_| false).await;

    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn limits_of_the_head_hold_on_every_path() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let long = "x".repeat(20_000);
    let fields: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), "414"),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{fields}\r\n"), "431"),
        ("GET /livez?no-host-here HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /livez HTTP/1.1\r\nhost: a b\r\n\r\n".to_owned(), "400"),
        (
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            "400",
        ),
    ] {
        let mut raw = RawConnection::connect(gateway.address()).await;
        raw.send(request.as_bytes()).await;
        let answer = raw.read_until(|text| text.contains("\r\n\r\n")).await;
        let seen = answer.split(' ').nth(1).unwrap_or_default();
        assert_eq!(seen, status, "{}: {answer}", &request[..30]);
    }
}

#[tokio::test]
async fn http_1_0_clients_get_a_whole_stream_and_a_closed_connection() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let (path, body) = ask("chat", "anthropic-sim/echo", true, "good morning");
    let body = body.to_string();
    let mut raw = RawConnection::connect(gateway.address()).await;

    let request = format!("POST {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    raw.send(request.as_bytes()).await;
    let answer = raw.read_until(|_| false).await;

    assert!(!answer.to_lowercase().contains("transfer-encoding"), "{answer}");
    assert!(is_complete("chat", &answer), "{answer}");
}

#[tokio::test]
async fn a_provider_that_switches_protocols_is_no_provider() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, KEY, KEY)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    sim.script([Step::reply(101).header("upgrade", "x").header("connection", "upgrade")]);

    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-account"), Some("second"));
}

#[tokio::test]
async fn repeated_headers_keep_all_their_values() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    client.post(&path, &[("openai-beta", "a=1"), ("openai-beta", "b=2")], &body).await;

    let seen = sim.seen().pop().unwrap();
    let betas: Vec<&str> = seen
        .headers
        .iter()
        .filter(|(name, _)| name == "openai-beta")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(betas, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_file_cut_to_nothing_changes_nothing() {
    let sim = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o.yaml");
    std::fs::write(&path, all_formats(&sim)).unwrap();
    let gateway = TestGateway::try_start(Text::File(path.clone())).await;
    let gateway = gateway.unwrap_or_else(|error| panic!("{error}"));

    std::fs::write(&path, "").unwrap();
    let refused = gateway.shared().live.reload();

    assert!(refused.unwrap_err().to_string().contains("no account"), "says why");
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (url, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(client.post(&url, &[], &body).await.status, 200);
}
