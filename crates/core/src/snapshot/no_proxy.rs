//! `NO_PROXY`: hosts that are called without the environment's tunnel.
//!
//! The rules are curl's: names cover themselves and what is below them, addresses are compared with
//! addresses only, `*` covers everything. Besides, `*.name` is read as `name`, and an entry may end in a
//! port, as other programs read it.

use std::net::IpAddr;

use ipnet::IpNet;

/// The list, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    host: HostRule,
    /// `None`: any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    Any,
    Net(IpNet),
    /// In lower case, without dots at its ends.
    Name(Box<str>),
}

impl NoProxy {
    /// Reads a list with commas or spaces between the entries. What is no host covers nothing.
    pub fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        Self { rules: entries.filter_map(rule).collect() }
    }

    /// Tells whether a host, given as a name or as an address without brackets, is called directly.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let ip = host.parse::<IpAddr>().ok();
        let name = host.trim_end_matches('.');
        self.rules.iter().any(|rule| {
            let covers_host = match (&rule.host, ip) {
                (HostRule::Any, _) => true,
                (HostRule::Net(net), Some(ip)) => net.contains(&ip),
                (HostRule::Name(known), None) => is_in(name, known),
                (HostRule::Net(_), None) | (HostRule::Name(_), Some(_)) => false,
            };
            covers_host && rule.port.is_none_or(|known| known == port)
        })
    }
}

fn rule(entry: &str) -> Option<Rule> {
    let (host, port) = split_port(entry);
    if host == "*" {
        return Some(Rule { host: HostRule::Any, port });
    }
    let net = host.parse::<IpNet>().ok().or_else(|| host.parse::<IpAddr>().ok().map(IpNet::from));
    if let Some(net) = net {
        return Some(Rule { host: HostRule::Net(net), port });
    }
    let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let name = name.trim_matches('.').to_lowercase();
    (!name.is_empty()).then(|| Rule { host: HostRule::Name(name.into()), port })
}

/// Splits `host:port`, `[address]:port` and `[address]`. An IPv6 address without brackets has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// Tells whether a name is `parent` or below it.
fn is_in(name: &str, parent: &str) -> bool {
    let Some(at) = name.len().checked_sub(parent.len()) else { return false };
    let bytes = name.as_bytes();
    bytes[at..].eq_ignore_ascii_case(parent.as_bytes()) && (at == 0 || bytes[at - 1] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_covered_as_curl_reads_the_list() {
        let list = "example.com, .below.example *.stars.example,HOST.test.,only.test:8443,\
                    10.0.0.0/8,192.168.1.7,::1,[fd00::2]:443 , ,:,127.0.0.1:9000";
        let no_proxy = NoProxy::parse(list);
        for (host, port, covered) in [
            ("example.com", 443, true),
            ("EXAMPLE.com.", 443, true),
            ("www.example.com", 443, true),
            ("notexample.com", 443, false),
            ("example.com.evil", 443, false),
            ("com", 443, false),
            ("below.example", 443, true),
            ("a.below.example", 443, true),
            ("b.stars.example", 443, true),
            ("host.test", 80, true),
            ("only.test", 8443, true),
            ("only.test", 443, false),
            ("10.200.3.4", 1, true),
            ("11.0.0.1", 1, false),
            ("192.168.1.7", 1, true),
            ("192.168.1.70", 1, false),
            ("::1", 443, true),
            ("fd00::2", 443, true),
            ("fd00::2", 444, false),
            ("127.0.0.1", 9000, true),
            ("127.0.0.1", 9001, false),
            ("localhost", 9000, false),
        ] {
            assert_eq!(no_proxy.covers(host, port), covered, "{host}:{port}");
        }
    }

    #[test]
    fn an_asterisk_covers_everything_and_an_empty_list_nothing() {
        for host in ["example.com", "127.0.0.1", "::1"] {
            assert!(NoProxy::parse("*").covers(host, 443), "{host}");
            assert!(NoProxy::parse("a, * ").covers(host, 443), "{host}");
            assert!(!NoProxy::parse("").covers(host, 443), "{host}");
            assert!(!NoProxy::parse(" , ,.,").covers(host, 443), "{host}");
        }
    }
}
