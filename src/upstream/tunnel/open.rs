//! The two steps of opening a tunnel whose address is known, each with a time limit.

use std::net::SocketAddr;
use std::time::Duration;

use omniroute_core::snapshot::{Tunnel, TunnelKind};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::Failure;
use super::{http_connect, socks5};

/// Whom the tunnel is to connect to. The host is never resolved on this side.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Host name, or IP address without brackets.
    pub host: &'a str,
    /// Port.
    pub port: u16,
}

/// Connects to the tunnel itself.
pub(super) async fn connect(address: SocketAddr, limit: Duration) -> Result<TcpStream, Failure> {
    let connected = timeout(limit, TcpStream::connect(address)).await;
    let stream = connected.map_err(|_| Failure::SILENT_HOST)?;
    let stream = stream.map_err(|error| Failure::connecting(&error))?;
    // What is asked of a tunnel is small; without this it would wait for more. A socket that refuses
    // is slower, not wrong.
    let _best_effort = stream.set_nodelay(true);
    Ok(stream)
}

/// Has the tunnel connect to the target; what is then written and read is the target's.
pub(super) async fn ask(
    stream: TcpStream,
    tunnel: &Tunnel,
    target: Target<'_>,
    limit: Duration,
) -> Result<TcpStream, Failure> {
    let login = tunnel.login.as_ref();
    let asked = async {
        match tunnel.kind {
            TunnelKind::Http => http_connect::ask(stream, login, target).await,
            TunnelKind::Socks5 => socks5::ask(stream, login, target).await,
        }
    };
    timeout(limit, asked).await.unwrap_or(Err(Failure::SILENT))
}
