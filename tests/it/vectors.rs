//! Requests as bytes that have had more than one reading in the world: each is refused, or served once and
//! nothing behind it answered (design/reliability.md, F1).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use omniroute_testkit::{RawConnection, TestGateway, spawn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const VECTORS: &str = include_str!("../vectors/http1.txt");

const POST: &str = "POST /v1/chat/completions HTTP/1.1\r\nHost: gw\r\n";
const BODY: &str = r#"{"model":"up/true","messages":[{"role":"user","content":"hi"}]}"#;
const SMUGGLED: &str = r#"{"model":"up/smuggled","messages":[{"role":"user","content":"hi"}]}"#;
const NEXT: &str = "GET /livez HTTP/1.1\r\nHost: gw\r\n\r\n";

/// A provider that takes what it is sent to the last byte.
#[derive(Clone, Default)]
struct Provider {
    requests: Arc<Mutex<Vec<String>>>,
    extra_bytes: Arc<Mutex<usize>>,
}

impl Provider {
    async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, provider) = (listener.local_addr().unwrap(), self.clone());
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = provider.clone();
                spawn(async move { provider.serve(stream).await });
            }
        });
        address
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut seen = Vec::new();
        loop {
            while let Some((model, length)) = request(&seen) {
                // The gateway waits for the answer; what is there already belongs to nothing.
                *self.extra_bytes.lock().unwrap() += seen.len() - length;
                seen.clear();
                self.requests.lock().unwrap().push(model);
                let answer = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}"#;
                let length = answer.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
                );
                stream.write_all(format!("{head}{answer}").as_bytes()).await.unwrap();
            }
            if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                *self.extra_bytes.lock().unwrap() += seen.len();
                return;
            }
        }
    }
}

/// Returns a whole request's model and length, once it is there.
fn request(seen: &[u8]) -> Option<(String, usize)> {
    let text = String::from_utf8_lossy(seen).into_owned();
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let fields = head.to_lowercase();
    assert!(!fields.contains("transfer-encoding"), "framing is ours: {fields}");
    let length = fields.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let body = rest.get(..length.parse().unwrap())?;
    let model = serde_json::from_str::<serde_json::Value>(body).unwrap()["model"].clone();
    Some((model.as_str().unwrap().to_owned(), head.len() + "\r\n\r\n".len() + body.len()))
}

/// One line of the data.
struct Vector<'a> {
    name: &'a str,
    answers: &'a str,
    calls: usize,
    bytes: Vec<u8>,
}

fn vectors() -> Vec<Vector<'static>> {
    let lines = VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &'static str| {
        let parts: Vec<&str> = line.splitn(4, " | ").collect();
        let [name, answers, calls, bytes] = parts[..] else { panic!("four parts: {line}") };
        Vector { name, answers, calls: calls.parse().unwrap(), bytes: expand(bytes) }
    };
    lines.map(read).collect()
}

/// Puts in what stands for more.
fn expand(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, after) = after.split_once('}').unwrap();
        bytes.extend(unescape(before));
        bytes.extend(match word.split_once('*') {
            Some((text, times)) => unescape(text).repeat(times.parse().unwrap()),
            None => named(word).into_bytes(),
        });
        rest = after;
    }
    bytes.extend(unescape(rest));
    bytes
}

fn named(word: &str) -> String {
    let smuggled = || format!("{POST}Content-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len());
    match word {
        "post" => POST.to_owned(),
        "body" => BODY.to_owned(),
        "len" => BODY.len().to_string(),
        "hex" => format!("{:x}", BODY.len()),
        "first" => BODY[..1].to_owned(),
        "rest" => BODY[1..].to_owned(),
        "resthex" => format!("{:X}", BODY.len() - 1),
        "next" => NEXT.to_owned(),
        "smuggled" => smuggled(),
        "smuggledlen" => smuggled().len().to_string(),
        "smuggledhex" => format!("{:x}", smuggled().len()),
        other => panic!("nothing is called {other}"),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().unwrap() {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => panic!("no escape {}", char::from(other)),
        });
    }
    bytes
}

/// Sends the bytes and returns the statuses of all answers until the connection is closed.
async fn statuses(gateway: SocketAddr, bytes: &[u8]) -> String {
    let mut raw = RawConnection::connect(gateway).await;
    // A refusal may come, and the connection go, before all is sent.
    raw.try_send(bytes).await;
    let answers = raw.read_until(|_| false).await;
    let lines = answers.split("HTTP/1.1 ").skip(1);
    let statuses: Vec<&str> = lines.map(|line| line.get(..3).unwrap_or(line)).collect();
    if statuses.is_empty() { "-".to_owned() } else { statuses.join(" ") }
}

#[tokio::test]
async fn every_vector_is_refused_or_served_once_and_nothing_behind_it_is_answered() {
    let provider = Provider::default();
    let url = format!("http://{}", provider.listen().await);
    let gateway = TestGateway::start(&format!(
        "server: {{ max_body: 64KiB, timeouts: {{ client_body: 200ms }} }}
limits: {{ head_time: 200ms, keep_alive: 100ms, body_time: 400ms }}
providers: {{ up: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: none }} }} }}
accounts: [{{ id: up, provider: up }}]
filters: [cors]
"
    ))
    .await;
    let (mut failed, mut refused, mut safe) = (Vec::new(), 0, 0);
    let vectors = vectors();
    for vector in &vectors {
        let before = provider.requests.lock().unwrap().len();

        let answers = statuses(gateway.address(), &vector.bytes).await;

        let calls = provider.requests.lock().unwrap().len() - before;
        if answers.starts_with('2') {
            safe += 1
        } else {
            refused += 1
        }
        if (answers.as_str(), calls) != (vector.answers, vector.calls) {
            let Vector { name, answers: expected, calls: expected_calls, .. } = vector;
            failed.push(format!(
                "{name}: {answers} and {calls} calls, not {expected} and {expected_calls}"
            ));
        }
    }
    let extra_bytes = *provider.extra_bytes.lock().unwrap();
    println!(
        "REL F1 vectors={} refused={refused} safe={safe} failed={} upstream_extra_bytes={extra_bytes}",
        vectors.len(),
        failed.len()
    );
    assert!(vectors.len() >= 120, "{} vectors", vectors.len());
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    assert_eq!(extra_bytes, 0, "nothing reaches the provider but whole requests");
}
