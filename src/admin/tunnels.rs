//! Trying a tunnel before it is used.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use omniroute_core::snapshot::Tunnel;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::tunnel_fields::HIDDEN;
use super::{Parts, given};
use crate::upstream::tunnel::{self, Target, Trial};

/// Time for each step.
const LIMIT: Duration = Duration::from_secs(5);

/// What is asked for; the port may be a text, as scripts for the guide write it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TunnelTrial)]
struct Ask {
    proxy: Proxy,
    /// Where the tunnel is to connect to; nothing is sent there.
    #[serde(default = "example")]
    host: String,
    #[serde(default = "https")]
    port: u16,
}

/// A tunnel in fields, as the guide writes it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Tunnel)]
pub(super) struct Proxy {
    /// `http` or `socks5`.
    #[serde(rename = "type")]
    kind: String,
    host: String,
    port: Port,
    username: Option<String>,
    password: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

fn example() -> String {
    "example.com".to_owned()
}

const fn https() -> u16 {
    443
}

/// What a test came to.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    success: bool,
    #[serde(flatten)]
    trial: Trial,
}

/// Tries a network tunnel before it is used.
#[utoipa::path(post, path = "/api/settings/proxy/test", request_body = Ask)]
pub(super) async fn test(State(parts): State<Parts>, body: Bytes) -> Result<Json<Tried>, Problem> {
    let ask: Ask = given::json(&body)?;
    let tunnel = ask.proxy.tunnel()?;
    let target = Target { host: &ask.host, port: ask.port };
    let trial = tunnel::test(&tunnel, target, LIMIT, &parts.clock).await;
    Ok(Json(Tried { success: trial.is_passed(), trial }))
}

impl Proxy {
    fn tunnel(&self) -> Result<Tunnel, Problem> {
        Tunnel::parse(&url(self)).map_err(|fault| Problem::field("proxy", fault.to_string()))
    }

    /// Returns it as the URL that configurations have.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn url(self) -> Result<String, Problem> {
        self.tunnel().map(|_| url(&self))
    }
}

/// Writes what stands in fields as a URL.
fn url(proxy: &Proxy) -> String {
    let port = match &proxy.port {
        Port::Number(port) => port.to_string(),
        Port::Text(port) => port.clone(),
    };
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    // Stars stand for the password that is kept; whoever keeps it puts it in.
    let password = |text: &str| if text == HIDDEN { text.to_owned() } else { encoded(text) };
    let login = match (&proxy.username, &proxy.password) {
        (Some(user), Some(text)) => format!("{}:{}@", encoded(user), password(text)),
        (Some(user), None) => format!("{}@", encoded(user)),
        (None, _) => String::new(),
    };
    let is_bare_ipv6 = proxy.host.contains(':') && !proxy.host.starts_with('[');
    let host = if is_bare_ipv6 { format!("[{}]", proxy.host) } else { proxy.host.clone() };
    format!("{}://{login}{host}:{port}", proxy.kind)
}
