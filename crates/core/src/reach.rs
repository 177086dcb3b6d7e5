//! Which addresses a URL may lead to: any, where the operator wrote it into the file; public ones, where it
//! came through the API. Whoever has the dashboard need not have the machine's own network.
//!
//! What is written is checked when the configuration is compiled, what a host name leads to when it is
//! connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ends of names that are never public.
const LOCAL_NAMES: [&str; 6] =
    [".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet"];

/// Which addresses a URL may lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Any.
    #[default]
    Anywhere,
    /// Those of the public internet.
    Public,
}

impl Reach {
    /// Tells whether a host may be reached as it is written: a name, or an IP address without brackets. What
    /// a name leads to is for [`Reach::allows`].
    pub fn allows_host(self, host: &str) -> bool {
        if self == Self::Anywhere {
            return true;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return is_public(address);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        name != "localhost" && !LOCAL_NAMES.iter().any(|end| name.ends_with(end))
    }

    /// Tells whether an address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        self == Self::Anywhere || is_public(address)
    }
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
    use super::*;

    #[test]
    fn names_and_addresses_of_ones_own_network_are_told_from_others() {
        for host in ["localhost", "LOCALHOST.", "db.internal", "a.local", "::1", "10.0.0.1"] {
            assert!(!Reach::Public.allows_host(host), "{host}");
            assert!(Reach::Anywhere.allows_host(host), "{host}");
        }
        for host in ["api.openai.com", "8.8.8.8", "2606:4700::1111", "100.128.0.1", "172.32.0.1"] {
            assert!(Reach::Public.allows_host(host), "{host}");
        }
        assert!(!Reach::Public.allows(IpAddr::from([127, 0, 0, 1])));
        assert!(Reach::Anywhere.allows(IpAddr::from([127, 0, 0, 1])));
    }
}
