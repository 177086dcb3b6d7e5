//! Connections: records, counters, HTTP/2, and the end of it all.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;

use super::client::{Client, End, asking, fetch};
use super::{ANY_PORT, sim};
use crate::{Gate, Running, Sim, Step};

async fn h2(sim: &Running) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(sim.addr()).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(sim: &Running, model: &str) -> Request<Full<Bytes>> {
    let (path, body) = asking("chat", model, true);
    let body = Full::new(Bytes::from(body.to_string()));
    Request::post(format!("{}{path}", sim.url())).body(body).unwrap()
}

/// The reason an HTTP/2 stream was reset for.
fn reset_reason(error: &hyper::Error) -> Option<String> {
    let cause = std::error::Error::source(error)?;
    Some(cause.to_string())
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let sim = sim().await;
    let mut client = Client::connect(&sim).await;
    for letter in ["a", "b"] {
        client
            .send("/x/v1/chat/completions?q=1", &[("X-Letter", letter)], b"{\"model\": 1 }")
            .await;
        client.reply().await.unwrap();
    }
    fetch(&sim, "/v1/messages", &json!({})).await.unwrap();

    let seen = sim.seen();

    assert_eq!(seen.len(), 3);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path_and_query.as_str()),
        ("POST", "/x/v1/chat/completions?q=1")
    );
    assert_eq!(seen[1].header("x-letter"), Some("b"));
    assert_eq!(seen[0].text(), "{\"model\": 1 }");
    assert_eq!((seen[0].version, seen[0].body_len), (Version::HTTP_11, 13));
    assert_eq!(seen.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(sim.connections(), 2);
    assert_eq!(sim.take_seen().len(), 3);
    assert_eq!(sim.seen().len(), 0);
}

#[tokio::test]
async fn long_bodies_are_kept_whole_only_on_request() {
    let long = vec![b'x'; 8 * 1024 * 1024];
    let cut = Sim::new().record(true).bind(ANY_PORT).await.unwrap();
    let whole = Sim::new().keep_bodies(true).bind(ANY_PORT).await.unwrap();
    let none = Sim::new().bind(ANY_PORT).await.unwrap();
    for sim in [&cut, &whole, &none] {
        let mut client = Client::connect(sim).await;
        client.send("/v1/messages", &[], &long).await;
        assert_eq!(client.reply().await.unwrap().status, 400, "no JSON");
    }

    assert_eq!(cut.seen()[0].body.len(), 1024 * 1024);
    assert_eq!(cut.seen()[0].body_len, long.len());
    assert_eq!(cut.seen()[0].body_sha256[..], Sha256::digest(&long)[..]);
    assert_eq!(whole.seen()[0].body, long);
    assert_eq!(none.seen().len(), 0);
}

#[tokio::test]
async fn http2_streams_share_a_connection() {
    let sim = sim().await;
    let sender = h2(&sim).await;
    let answers = (0..20).map(|_| {
        let (mut sender, request) = (sender.clone(), request(&sim, "echo"));
        tokio::spawn(async move {
            let response = sender.send_request(request).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        })
    });
    let answers: Vec<_> = answers.collect();
    for answer in answers {
        assert!(answer.await.unwrap().ends_with(b"data: [DONE]\n\n"));
    }

    assert_eq!((sim.connections(), sim.seen().len()), (1, 20));
    assert_eq!(sim.seen()[0].version, Version::HTTP_2);
    assert_eq!(sim.counts().aborted, 0);
}

#[tokio::test]
async fn an_http2_reset_ends_one_stream_behind_its_pieces() {
    let sim = sim().await;
    let gate = Gate::new();
    sim.script([
        Step::reply(200).piece("other ").gate(&gate).piece("stream"),
        Step::reply(200).piece("a").piece("b").reset(),
        Step::new().reset(),
    ]);
    let mut sender = h2(&sim).await;
    let other = sender.send_request(request(&sim, "echo")).await.unwrap();
    gate.reached(1).await;

    let mut cut = sender.send_request(request(&sim, "echo")).await.unwrap().into_body();
    let mut got = Vec::new();
    let error = loop {
        match cut.frame().await.expect("an error comes first") {
            Ok(frame) => got.extend_from_slice(&frame.into_data().unwrap()),
            Err(error) => break error,
        }
    };
    let headless = sender.send_request(request(&sim, "echo")).await.unwrap_err();
    gate.open();
    let other = other.into_body().collect().await.unwrap().to_bytes();

    assert_eq!(got, b"ab");
    assert!(reset_reason(&error).unwrap().contains("stream error"), "{error:?}");
    assert!(reset_reason(&headless).unwrap().contains("stream error"), "{headless:?}");
    assert_eq!(other, "other stream");
    assert_eq!((sim.connections(), sim.aborted()), (1, 0));
}

#[tokio::test]
async fn an_http2_close_ends_the_whole_connection() {
    let sim = sim().await;
    sim.script([Step::reply(200).piece("a").close()]);
    let mut sender = h2(&sim).await;

    let body = sender.send_request(request(&sim, "echo")).await.unwrap().into_body();
    let result = body.collect().await;

    assert!(result.is_err());
    sim.wait_until(|counts| counts.open_connections == 0).await;
}

#[tokio::test]
async fn an_http2_client_that_leaves_a_stream_is_counted() {
    let sim = sim().await;
    sim.script([Step::new().hang(), Step::own()]);
    let mut sender = h2(&sim).await;
    {
        let mut headless = std::pin::pin!(sender.send_request(request(&sim, "echo")));
        tokio::select! {
            _ = &mut headless => panic!("answered"),
            _ = sim.wait_seen(1) => {}
        }
    }
    let mut body = sender.send_request(request(&sim, "stall-after-1")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);

    let counts = sim.wait_until(|counts| counts.open_streams == 0).await;

    assert_eq!((counts.aborted, counts.open_connections), (2, 1));
}

#[tokio::test]
async fn a_client_that_leaves_during_its_upload_is_counted() {
    let sim = sim().await;
    let mut client = Client::connect(&sim).await;
    client.write(b"POST /v1/messages HTTP/1.1\r\nhost: sim\r\ncontent-length: 99\r\n\r\nbeg").await;
    sim.wait_until(|counts| counts.open_streams == 1).await;

    drop(client);

    let counts = sim.wait_until(|counts| counts.open_streams == 0).await;
    assert_eq!((counts.aborted, counts.finished), (1, 0));
}

#[tokio::test]
async fn shutdown_ends_open_answers_and_frees_the_port() {
    let sim = sim().await;
    let addr = sim.addr();
    let (path, body) = asking("messages", "stall-after-1", true);
    let mut client = Client::connect(&sim).await;
    client.send(&path, &[], body.to_string().as_bytes()).await;
    let head = client.head().await.unwrap();

    sim.shutdown().await;

    assert_ne!(client.rest(head).await.end, End::Complete);
    Sim::new().bind(addr).await.expect("the port is free");
}

#[tokio::test]
async fn dropping_a_simulator_closes_its_connections() {
    let sim = sim().await;
    let mut client = Client::connect(&sim).await;
    sim.wait_until(|counts| counts.open_connections == 1).await;

    drop(sim);

    assert_eq!(client.head().await.unwrap_err(), End::Eof);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_get_complete_answers() {
    let sim = Arc::new(Sim::new().bind(ANY_PORT).await.unwrap());
    let clients = (0..16).map(|_| {
        let sim = Arc::clone(&sim);
        tokio::spawn(async move {
            let (path, body) = asking("chat", "tokens?n=5", true);
            let body = body.to_string();
            let mut client = Client::connect(&sim).await;
            for _ in 0..50 {
                client.send(&path, &[], body.as_bytes()).await;
                let got = client.reply().await.unwrap();
                assert!(got.text().ends_with("data: [DONE]\n\n"));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }

    let counts = sim.wait_until(|counts| counts.open_streams == 0).await;
    assert_eq!((counts.connections, counts.requests, counts.finished), (16, 800, 800));
}
