//! Tunnels: network proxies on the way out.
//!
//! A tunnel is asked for the provider's host by name, so that names are resolved at its far end. What
//! it is asked with (user, password) is part of what it is: two users of one host are two tunnels, and
//! their connections never mix.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

use super::{BaseUrl, NoProxy};
use crate::secret::Secret;

/// Port of a SOCKS5 proxy that names none (RFC 1928).
const SOCKS5_PORT: u16 = 1080;

/// Most bytes of a user or password of SOCKS5 (RFC 1929).
const MAX_SOCKS5_BYTES: usize = 255;

/// A network proxy and who we are there. Prints without user and password.
#[derive(Clone)]
pub struct Tunnel {
    /// What it speaks.
    pub kind: TunnelKind,
    /// Its host name, or its IP address without brackets.
    pub host: Arc<str>,
    /// Its port. 1080 for SOCKS5 and 80 for HTTP unless given.
    pub port: u16,
    /// What it is told about us, if anything.
    pub login: Option<Login>,
}

/// What a tunnel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// HTTP `CONNECT` (RFC 9110, section 9.3.6), without TLS to the proxy itself.
    Http,
    /// SOCKS5 (RFC 1928).
    Socks5,
}

/// User and password of a tunnel. Many services put tokens into the user, so both are secrets.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user.
    pub user: Secret,
    /// The password; may be empty for HTTP.
    pub password: Secret,
}

/// Why a text is not the URL of a tunnel, without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct BadTunnel {
    /// What is wrong.
    pub what: &'static str,
}

impl Tunnel {
    /// How a tunnel is written.
    pub const FORM: &'static str =
        "write `http://host:port` or `socks5://user:password@host:port`, or `direct` for none";

    /// Reads `http://…` or `socks5://…`; `socks5h://` is the same, since names are always resolved by
    /// the tunnel. User and password are percent-decoded.
    ///
    /// # Errors
    ///
    /// [`BadTunnel`], which never repeats the text.
    pub fn parse(text: &str) -> Result<Self, BadTunnel> {
        let bad = |what| BadTunnel { what };
        let url = Url::parse(text.trim()).map_err(|_| bad("this is not the URL of a tunnel"))?;
        let (kind, port) = match url.scheme() {
            "http" => (TunnelKind::Http, url.port_or_known_default()),
            "socks5" | "socks5h" => (TunnelKind::Socks5, url.port().or(Some(SOCKS5_PORT))),
            _ => return Err(bad("the scheme of a tunnel must be `http` or `socks5`")),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| bad("the URL of the tunnel names no host"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("the URL of a tunnel ends with its port"));
        }
        Ok(Self {
            kind,
            host: host.trim_start_matches('[').trim_end_matches(']').into(),
            port: port.ok_or_else(|| bad("the URL of the tunnel names no port"))?,
            login: login(&url, kind)?,
        })
    }
}

fn login(url: &Url, kind: TunnelKind) -> Result<Option<Login>, BadTunnel> {
    let bad = |what| Err(BadTunnel { what });
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text| percent_decode_str(text).decode_utf8().ok();
    let (Some(user), Some(password)) =
        (decoded(url.username()), decoded(url.password().unwrap_or_default()))
    else {
        return bad("user and password of a tunnel must be UTF-8 text");
    };
    if user.chars().chain(password.chars()).any(char::is_control) {
        return bad("user and password of a tunnel must not hold control characters");
    }
    let fits = |text: &str| (1..=MAX_SOCKS5_BYTES).contains(&text.len());
    match kind {
        TunnelKind::Socks5 if !fits(&user) || !fits(&password) => {
            return bad("user and password of a SOCKS5 tunnel have 1 to 255 bytes each");
        }
        // The colon ends the user (RFC 7617, section 2).
        TunnelKind::Http if user.contains(':') => {
            return bad("the user of an HTTP tunnel must not hold a colon");
        }
        TunnelKind::Socks5 | TunnelKind::Http => {}
    }
    Ok(Some(Login { user: Secret::new(&*user), password: Secret::new(&*password) }))
}

impl TunnelKind {
    /// Returns the scheme of its URLs.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Socks5 => "socks5",
        }
    }
}

impl Hash for Tunnel {
    /// Hashes everything that makes two tunnels different, user and password included.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let login = self.login.as_ref();
        let login = login.map(|login| (login.user.expose(), login.password.expose()));
        (self.kind, &self.host, self.port, login).hash(state);
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.kind.scheme();
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a `tunnel` key says.
#[derive(Clone, Debug)]
pub enum Way {
    /// No tunnel, whatever the levels below say.
    Direct,
    /// This one.
    Through(Arc<Tunnel>),
}

/// The levels below client keys, combos, accounts and providers.
#[derive(Debug, Default)]
pub struct Tunnels {
    /// The file's general one.
    pub global: Option<Way>,
    /// What the environment says where the file says nothing.
    pub environment: FromEnvironment,
}

/// The tunnels of `HTTPS_PROXY` and its kin, as curl reads them.
#[derive(Debug, Default)]
pub struct FromEnvironment {
    /// For `https` endpoints.
    pub https: Option<Arc<Tunnel>>,
    /// For `http` endpoints.
    pub http: Option<Arc<Tunnel>>,
    /// Hosts that are called without.
    pub no_proxy: NoProxy,
}

impl FromEnvironment {
    /// Returns the tunnel of an endpoint.
    pub fn tunnel(&self, endpoint: &BaseUrl) -> Option<&Arc<Tunnel>> {
        let tunnel = if endpoint.tls { &self.https } else { &self.http };
        tunnel.as_ref().filter(|_| !self.no_proxy.covers(&endpoint.host, endpoint.port))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    fn hash(text: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        Tunnel::parse(text).unwrap().hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn a_tunnel_is_read_in_every_form() {
        for (text, printed, login) in [
            ("http://proxy.example:3128", "http://proxy.example:3128", None),
            ("http://proxy.example", "http://proxy.example:80", None),
            ("socks5://10.0.0.1", "socks5://10.0.0.1:1080", None),
            ("socks5h://exit.example:9050/", "socks5://exit.example:9050", None),
            ("http://[::1]:8080", "http://[::1]:8080", None),
            ("socks5://[fd00::1]:1", "socks5://[fd00::1]:1", None),
            ("http://me:pass@proxy.example:1", "http://proxy.example:1", Some(("me", "pass"))),
            ("http://token@proxy.example:1", "http://proxy.example:1", Some(("token", ""))),
            ("socks5://a%40b:p%3Aq@h:1", "socks5://h:1", Some(("a@b", "p:q"))),
        ] {
            let tunnel = Tunnel::parse(text).unwrap();

            assert_eq!(tunnel.to_string(), printed, "{text}");
            assert_eq!(format!("{tunnel:?}"), printed, "{text}");
            let seen = tunnel.login.as_ref();
            let seen = seen.map(|login| (login.user.expose(), login.password.expose()));
            assert_eq!(seen, login, "{text}");
        }
    }

    #[test]
    fn what_is_no_tunnel_is_refused_without_repeating_it() {
        for text in [
            "",
            "hunter2",
            "hunter2:3128",
            "https://hunter2.example:443",
            "socks4://hunter2:1",
            "ftp://hunter2",
            "socks5://",
            "http://",
            "socks5://hunter2:@host:1",
            "socks5://:hunter2@host:1",
            "http://hunter%3A2:x@host:1",
            "http://hunter2%0d%0a:x@host:1",
            "http://hunter2%ff:x@host:1",
            "http://host:1/hunter2",
            "http://host:1?hunter2",
            "socks5://host:70000/hunter2",
            &format!("socks5://{}:hunter2@host:1", "u".repeat(256)),
        ] {
            let fault = Tunnel::parse(text).unwrap_err();

            assert!(!fault.what.contains("hunter") && !fault.what.is_empty(), "{text}: {fault}");
        }
    }

    #[test]
    fn user_and_password_make_another_tunnel() {
        let texts = [
            "http://h:1",
            "socks5://h:1",
            "http://h:2",
            "http://i:1",
            "http://a:b@h:1",
            "http://a:c@h:1",
            "http://ab@h:1",
            "http://c:b@h:1",
        ];
        let hashes: std::collections::HashSet<u64> = texts.map(hash).into_iter().collect();

        assert_eq!(hashes.len(), texts.len(), "all differ");
        assert_eq!(hash("http://a:b@h:1"), hash("http://a:b@h:1/"), "and the same is the same");
    }
}
