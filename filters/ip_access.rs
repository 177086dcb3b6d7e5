//! Who may call from where.
//!
//! The address is the connection's own. Only when that one is a trusted proxy's does `x-forwarded-for`
//! count, and then its right-most address that is not a trusted proxy's: everything left of it is
//! whatever the client wrote.
//!
//! Addresses that the administration banned for a time are refused too, before the rules are looked at.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use ipnet::IpNet;
use omniroute_core::clock::{Clock, seconds_to_wait};
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use omniroute_core::state::Lockouts;
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

/// `filter: ip_access`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Addresses or networks that may call; empty: all.
    allow: Vec<String>,
    /// Addresses or networks that may not, even if allowed.
    deny: Vec<String>,
    /// Proxies whose `x-forwarded-for` is believed.
    trust_forwarded_from: Vec<String>,
}

#[derive(Debug)]
struct IpAccess {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    trusted: Vec<IpNet>,
    lockouts: Arc<Lockouts>,
    clock: Clock,
}

pub(crate) fn build(
    settings: Value,
    context: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let settings: Settings = settings::read(settings)?;
    let mut faults = Vec::new();
    let mut nets = |field: &str, texts: &[String]| -> Vec<IpNet> {
        let mut nets = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match net(text) {
                Some(net) => nets.push(net),
                None => faults.push(FilterFault {
                    path: format!("{field}[{index}]"),
                    what: format!(
                        "`{text}` is no IP address or network; write for example 10.0.0.0/8"
                    ),
                }),
            }
        }
        nets
    };
    let allow = nets("allow", &settings.allow);
    let deny = nets("deny", &settings.deny);
    let trusted = nets("trust_forwarded_from", &settings.trust_forwarded_from);
    if !faults.is_empty() {
        return Err(faults);
    }
    let (lockouts, clock) = (Arc::clone(&context.lockouts), context.clock.clone());
    Ok(Arc::new(IpAccess { allow, deny, trusted, lockouts, clock }))
}

fn net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[async_trait]
impl Filter for IpAccess {
    fn guards_administration(&self) -> bool {
        true
    }

    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let has_rules = !self.allow.is_empty() || !self.deny.is_empty();
        if !has_rules && self.lockouts.is_without_bans() {
            return Ok(Flow::Continue);
        }
        let address = self.client(cx.head.peer, &cx.head.headers);
        if let Some(address) = address
            && let Some(left) = self.lockouts.banned(address, self.clock.now())
        {
            let left = seconds_to_wait(left);
            let what = format!("address {address} is banned from this gateway for {left} s");
            return Err(Error::Forbidden { what });
        }
        if !has_rules {
            return Ok(Flow::Continue);
        }
        if address.is_some_and(|address| self.admits(address)) {
            return Ok(Flow::Continue);
        }
        let what = match address {
            Some(address) => format!("address {address} may not use this gateway (ip_access)"),
            None => "the client's address is not known, and ip_access is restricted".to_owned(),
        };
        Err(Error::Forbidden { what })
    }
}

impl IpAccess {
    fn admits(&self, address: IpAddr) -> bool {
        let is_in = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        !is_in(&self.deny) && (self.allow.is_empty() || is_in(&self.allow))
    }

    fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let is_trusted = |address: IpAddr| self.trusted.iter().any(|net| net.contains(&address));
        let peer = canonical(peer?);
        if !is_trusted(peer) {
            return Some(peer);
        }
        let hops: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = peer;
        for hop in hops.iter().rev() {
            // A hop that is no address cannot be believed; the last believed one is the client.
            let Ok(address) = hop.trim().parse::<IpAddr>() else { return Some(client) };
            client = canonical(address);
            if !is_trusted(client) {
                return Some(client);
            }
        }
        Some(client)
    }
}

/// Writes an IPv4 address that came as IPv6 (`::ffff:10.0.0.1`) as what it is.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use omniroute_core::state::Ban;

    use super::*;

    fn filter(allow: &[&str], deny: &[&str], trusted: &[&str]) -> IpAccess {
        let nets = |texts: &[&str]| texts.iter().map(|text| net(text).unwrap()).collect();
        let (allow, deny, trusted) = (nets(allow), nets(deny), nets(trusted));
        let BuildContext { lockouts, clock, .. } = crate::kit::world();
        IpAccess { allow, deny, trusted, lockouts, clock }
    }

    #[test]
    fn deny_goes_before_allow() {
        let filter = filter(&["10.0.0.0/8", "::1"], &["10.1.0.0/16"], &[]);
        let admits = |address: &str| filter.admits(canonical(address.parse().unwrap()));
        assert!(admits("10.2.0.1"));
        assert!(admits("::ffff:10.2.0.1"), "IPv4 in IPv6 clothes");
        assert!(admits("::1"));
        assert!(!admits("10.1.0.1"));
        assert!(!admits("192.168.0.1"));
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_trusted_proxy() {
        let filter = filter(&[], &[], &["127.0.0.1", "10.0.0.0/8"]);
        let check = |peer: &str, forwarded: &'static str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
            let seen = filter.client(Some(peer.parse().unwrap()), &headers);
            assert_eq!(seen, Some(expected.parse().unwrap()), "{peer}: {forwarded}");
        };
        check("203.0.113.9", "10.0.0.1", "203.0.113.9");
        check("127.0.0.1", "198.51.100.7", "198.51.100.7");
        check("127.0.0.1", "1.2.3.4, 198.51.100.7, 10.0.0.2", "198.51.100.7");
        check("127.0.0.1", "junk", "127.0.0.1");
        check("127.0.0.1", "198.51.100.7, junk, 10.0.0.2", "10.0.0.2");
    }

    #[test]
    fn banned_addresses_are_refused_by_a_filter_without_rules_until_the_ban_is_over() {
        let world = crate::kit::world();
        let filter = build(Value::Null, &world).unwrap();
        let mut cx = crate::kit::chat(&serde_json::json!({ "model": "m", "messages": [] }));
        cx.head.peer = Some("192.0.2.7".parse().unwrap());
        let mut is_refused = || filter.on_request(&mut cx).is_err();
        assert!(!is_refused());
        let length = std::time::Duration::from_secs(60);
        let ban = Ban { until: world.clock.now() + length, reason: "a test".into() };

        assert!(world.lockouts.ban("192.0.2.7".parse().unwrap(), ban));
        assert!(is_refused());
        world.clock.advance(length);
        assert!(!is_refused());
    }

    #[test]
    fn every_bad_network_is_reported_with_its_place() {
        let settings = serde_json::json!({ "allow": ["10.0.0.0/8", "10.0.0.0/99"], "deny": ["x"] });

        let faults = build(settings, &crate::kit::world()).unwrap_err();

        let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["allow[1]", "deny[0]"]);
    }
}
