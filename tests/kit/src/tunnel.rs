//! Network tunnels on loopback: an HTTP proxy and a SOCKS5 proxy that know made-up host names and record
//! what they are asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{self, AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// User and password, if they were given.
pub type TunnelLogin = Option<(String, String)>;

/// One request to a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `host:port` as the client wrote it.
    pub target: String,
    /// Who asked.
    pub login: TunnelLogin,
}

/// What a tunnel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelProtocol {
    /// HTTP `CONNECT`.
    Http,
    /// SOCKS5.
    Socks5,
}

/// A running tunnel; dropping it ends it.
pub struct TestTunnel {
    address: SocketAddr,
    protocol: TunnelProtocol,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

struct Inner {
    /// Users and their passwords; nobody has to say who it is if this is empty.
    users: HashMap<String, String>,
    /// Targets by `host:port`, whose names exist nowhere else. What is not here is refused.
    targets: HashMap<String, SocketAddr>,
    asked: Mutex<Vec<Asked>>,
}

impl TestTunnel {
    /// Starts a tunnel that lets these users in (everybody if there are none), to these targets.
    ///
    /// # Panics
    ///
    /// If loopback cannot be listened on.
    pub async fn start(
        protocol: TunnelProtocol,
        users: &[(&str, &str)],
        targets: &[(&str, SocketAddr)],
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("loopback can be listened on");
        let address = listener.local_addr().expect("a listener has an address");
        let users = users.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned()));
        let targets = targets.iter().map(|(name, address)| ((*name).to_owned(), *address));
        let inner = Arc::new(Inner {
            users: users.collect(),
            targets: targets.collect(),
            asked: Mutex::default(),
        });
        let serving = Arc::clone(&inner);
        let accepting = crate::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&serving);
                crate::spawn(async move {
                    // A client that breaks off is what some tests are about.
                    let _told = match protocol {
                        TunnelProtocol::Http => inner.serve_http(stream).await,
                        TunnelProtocol::Socks5 => inner.serve_socks5(stream).await,
                    };
                });
            }
        });
        Self { address, protocol, inner, accepting }
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its URL; `login` is `user:password` or empty.
    pub fn url(&self, login: &str) -> String {
        let scheme = match self.protocol {
            TunnelProtocol::Http => "http",
            TunnelProtocol::Socks5 => "socks5",
        };
        let at = if login.is_empty() { "" } else { "@" };
        format!("{scheme}://{login}{at}{}", self.address)
    }

    /// Returns what it was asked, refused requests included.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for TestTunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Inner {
    fn note(&self, target: &str, login: &TunnelLogin) {
        let asked = Asked { target: target.to_owned(), login: login.clone() };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }

    fn lets_in(&self, login: &TunnelLogin) -> bool {
        self.users.is_empty()
            || login.as_ref().is_some_and(|(user, word)| self.users.get(user) == Some(word))
    }

    async fn serve_http(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head);
        let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
        let Some(target) = target else {
            return stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n").await;
        };
        let login = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
        let login = login.and_then(from_base64);
        self.note(target, &login);
        if !self.lets_in(&login) {
            let refusal =
                "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n";
            return stream.write_all(refusal.as_bytes()).await;
        }
        match self.targets.get(target) {
            None => stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await,
            Some(address) => {
                let mut onward = TcpStream::connect(address).await?;
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
                copy_bidirectional(&mut stream, &mut onward).await.map(drop)
            }
        }
    }

    async fn serve_socks5(&self, mut stream: TcpStream) -> io::Result<()> {
        let [_version, methods] = read(&mut stream).await?;
        let mut offered = vec![0; methods.into()];
        stream.read_exact(&mut offered).await?;
        let login = if offered.contains(&2) {
            stream.write_all(&[5, 2]).await?;
            let [_version] = read(&mut stream).await?;
            Some((short_text(&mut stream).await?, short_text(&mut stream).await?))
        } else {
            None
        };
        if !self.lets_in(&login) {
            self.note("", &login);
            // No acceptable method without a login; a failure (RFC 1929) with one.
            return stream.write_all(if login.is_some() { &[1, 1] } else { &[5, 255] }).await;
        }
        stream.write_all(if login.is_some() { &[1, 0] } else { &[5, 0] }).await?;
        let [_version, _connect, _reserved, kind] = read(&mut stream).await?;
        let host = match kind {
            1 => std::net::Ipv4Addr::from(read::<4>(&mut stream).await?).to_string(),
            4 => format!("[{}]", std::net::Ipv6Addr::from(read::<16>(&mut stream).await?)),
            _ => short_text(&mut stream).await?,
        };
        let target = format!("{host}:{}", stream.read_u16().await?);
        self.note(&target, &login);
        let Some(address) = self.targets.get(&target) else {
            // Host unreachable.
            return stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        };
        let mut onward = TcpStream::connect(address).await?;
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        copy_bidirectional(&mut stream, &mut onward).await.map(drop)
    }
}

async fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Reads a text after its length in one byte.
async fn short_text(stream: &mut TcpStream) -> io::Result<String> {
    let length = stream.read_u8().await?;
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads `base64(user:password)`.
fn from_base64(text: &str) -> TunnelLogin {
    let pair = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
