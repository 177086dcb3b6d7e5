//! Which addresses the dashboard may send calls to: public ones, unless a provider says otherwise. Whoever
//! has the dashboard need not have the machine's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use url::{Host, Url};

/// Ends of names that are never public.
const LOCAL_NAMES: [&str; 6] =
    [".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet"];

/// Says why an object's `base_url` may not be reached, if it may not. An address that is no URL is left to
/// its reader.
pub(super) fn refused(value: &Value) -> Option<String> {
    let is_allowed = value.get("allow_private").and_then(Value::as_bool).unwrap_or_default();
    let url = value.get("base_url").and_then(Value::as_str).filter(|_| !is_allowed)?;
    let url = Url::parse(url.trim()).ok()?;
    let is_public = match url.host()? {
        Host::Ipv4(address) => is_public(IpAddr::V4(address)),
        Host::Ipv6(address) => is_public(IpAddr::V6(address)),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name != "localhost" && !LOCAL_NAMES.iter().any(|end| name.ends_with(end))
        }
    };
    (!is_public).then(|| {
        "the address is not public; write `allow_private: true` at the provider, or put it in the file"
            .to_owned()
    })
}

/// Tells whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // IANA's special-purpose registry: shared (100.64/10), protocol assignments (192.0.0/24), benchmarks
    // (198.18/15), and everything from 240/4 on.
    let is_special = (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240
        || a == 0;
    !(is_special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let embedded = |high: u16, low: u16| {
        is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
    };
    match (a, b) {
        // NAT64 and 6to4 lead to the address of version 4 inside.
        (0x64, 0xff9b) => embedded(address.segments()[6], address.segments()[7]),
        (0x2002, _) => embedded(address.segments()[1], address.segments()[2]),
        (0x2001, 0xdb8 | 0) => false,
        // The only block that is given out.
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_of_ones_own_network_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:10.0.0.1]",
            "[fd00::1]",
            "[fe80::1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST.",
            "db.internal",
            "a.local",
            "127.0.0.1.",
            "１２７.0.0.1",
            "metadata.google.internal",
        ] {
            let value = json!({ "base_url": format!("http://{host}:80/v1") });
            assert!(refused(&value).is_some(), "{host}");
            let allowed = json!({ "base_url": value["base_url"], "allow_private": true });
            assert_eq!(refused(&allowed), None, "{host}");
        }
        for host in ["api.openai.com", "8.8.8.8", "[2606:4700::1111]", "100.128.0.1", "172.32.0.1"]
        {
            assert_eq!(refused(&json!({ "base_url": format!("https://{host}") })), None, "{host}");
        }
    }
}
