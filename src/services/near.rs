//! Asking the gateway's own listener, as a client on the same machine would.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the gateway may take for an answer that needs nobody else.
const PATIENCE: Duration = Duration::from_secs(2);

/// The question.
const QUESTION: &[u8] = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Returns the address under which this machine reaches a listener.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// Tells whether the listener takes a connection and does something with it.
///
/// Any bytes will do, and so will an end: a listener that wants TLS turns this question away, which
/// takes the same threads.
pub(super) async fn answers(address: SocketAddr) -> bool {
    matches!(timeout(PATIENCE, ask(address)).await, Ok(Ok(())))
}

async fn ask(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(QUESTION).await?;
    match stream.read(&mut [0; 16]).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        read => read.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_listener_that_does_something_answers() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let asked = answers(address);
        tokio::pin!(asked);
        assert!(futures_util::poll!(&mut asked).is_pending());

        let (mut taken, _) = silent.accept().await.unwrap();
        let answered = async {
            let mut question = [0; QUESTION.len()];
            taken.read_exact(&mut question).await.unwrap();
            taken.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        };
        let (lives, ()) = tokio::join!(asked, answered);

        assert!(lives);
        drop(silent);
        assert!(!answers(address).await, "nobody listens");
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_over_loopback() {
        let of = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(of("[::]:80"), "[::1]:80");
        assert_eq!(of("10.1.2.3:80"), "10.1.2.3:80");
    }
}
