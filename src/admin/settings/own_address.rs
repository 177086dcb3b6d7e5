//! Nobody shuts the door on themselves: rules of addresses that would refuse who sets them are refused.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use crate::admin::actor::Author;
use crate::admin::problem::Problem;

/// Refuses settings of `ip_access` that would not let in who sets them. Behind a proxy that is trusted the
/// address is the proxy's, so nothing can be said.
///
/// # Errors
///
/// That the author would be shut out.
pub(super) fn check(settings: &Value, by: &Author) -> Result<(), Problem> {
    let list =
        |name: &str| settings.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let address = by.from.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
    let Some(address) = address.filter(|_| list("trust_forwarded_from").is_empty()) else {
        return Ok(());
    };
    let address = address.to_canonical();
    let is_in = |nets: &[Value]| {
        nets.iter().any(|net| net.as_str().is_some_and(|net| contains(net, address)))
    };
    let (allow, deny) = (list("allow"), list("deny"));
    if !is_in(&deny) && (allow.is_empty() || is_in(&allow)) {
        return Ok(());
    }
    let what = format!("it would shut out your own address {address}; add it to `allow`");
    Err(Problem::field("filters.ip_access", what))
}

/// Tells whether an address is in a network such as `10.0.0.0/8`, or is this one. What is no network holds
/// nobody; the filter reports it.
fn contains(net: &str, address: IpAddr) -> bool {
    let net = net.parse().ok().or_else(|| net.parse::<IpAddr>().ok().map(IpNet::from));
    net.is_some_and(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_would_be_shut_out_hears_so() {
        let by = |address: &str| Author {
            by: "key boss".to_owned(),
            from: Some(address.to_owned()),
            is_known: true,
        };
        for (settings, address, is_fine) in [
            (json!({}), "10.0.0.1", true),
            (json!({ "allow": ["10.0.0.0/8"] }), "10.9.9.9", true),
            (json!({ "allow": ["10.0.0.0/8"] }), "::ffff:10.9.9.9", true),
            (json!({ "allow": ["10.0.0.0/8"] }), "11.0.0.1", false),
            (json!({ "allow": ["10.0.0.0/8"], "deny": ["10.0.0.1"] }), "10.0.0.1", false),
            (json!({ "deny": ["0.0.0.0/0"] }), "10.0.0.1", false),
            (json!({ "deny": ["::/0"] }), "10.0.0.1", true),
            (json!({ "deny": ["2001:db8::/32"] }), "2001:db8::1", false),
            (
                json!({ "deny": ["10.0.0.1"], "trust_forwarded_from": ["10.0.0.1"] }),
                "10.0.0.1",
                true,
            ),
        ] {
            let checked = check(&settings, &by(address));
            assert_eq!(checked.is_ok(), is_fine, "{settings} {address}");
        }
    }
}
