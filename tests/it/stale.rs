//! Kept connections that the provider has given up: the account is not to blame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use omniroute_testkit::{Client, Protocol, TestGateway};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use crate::setup::ask;

const REPLY: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;

/// Reads one request, whose body ends with the head's last brace.
async fn request(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => read.extend_from_slice(&piece[..count]),
        }
        let head = read.windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|head| read.len() > head + 4) && read.ends_with(b"}") {
            return true;
        }
    }
}

/// A provider that answers the first request of each connection, the first two together, and drops every
/// connection at its second request.
#[expect(clippy::disallowed_methods, reason = "a provider of the test's own")]
async fn forgetful(requests: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let together = Arc::new(Barrier::new(2));
    tokio::spawn(async move {
        let mut connections = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            connections += 1;
            let waits = (connections <= 2).then(|| Arc::clone(&together));
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                if !request(&mut stream).await {
                    return;
                }
                if let Some(together) = waits {
                    together.wait().await;
                }
                let length = REPLY.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{REPLY}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                if request(&mut stream).await {
                    requests.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn after_a_dead_connection_the_next_one_is_new() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let address = forgetful(Arc::clone(&dropped)).await;
    let gateway = TestGateway::start(&format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: 'http://{address}', auth: {{ kind: none }} }}
accounts:
  - {{ id: only, provider: chat }}
"
    ))
    .await;
    let mut one = Client::connect(gateway.address(), Protocol::Http1).await;
    let mut two = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/m", false, "hello");
    let both = tokio::join!(one.post(&path, &[], &body), two.post(&path, &[], &body));
    assert_eq!((both.0.status, both.1.status), (200, 200));

    let third = one.post(&path, &[], &body).await;

    assert_eq!(third.status, 200, "{}", third.text());
    assert_eq!(third.header("x-omniroute-attempts"), Some("1"), "the account did not fail");
    assert_eq!(dropped.load(Ordering::SeqCst), 1, "only one kept connection was tried");
}
