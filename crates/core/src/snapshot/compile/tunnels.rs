//! The general tunnel: the file's, else the environment's.

use std::sync::Arc;

use crate::config::report::{Place, Report};
use crate::snapshot::{FromEnvironment, NoProxy, Tunnel, Tunnels, Way};

/// Tunnels of `https` endpoints; the first that is set and not empty counts, as with curl.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Tunnels of `http` endpoints. curl reads the first in lower case only, because CGI programs are given
/// a client's header under the other name; this is none.
const FOR_HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// Exceptions.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Reads the environment where the file does not say how calls leave.
pub(super) fn compile(
    written: Option<&Way>,
    env: &dyn Fn(&str) -> Option<String>,
    report: &Report,
) -> Tunnels {
    if written.is_some() {
        return Tunnels { global: written.cloned(), environment: FromEnvironment::default() };
    }
    let first = |names: &[&'static str]| {
        names.iter().find_map(|&name| {
            let value = env(name).filter(|value| !value.trim().is_empty())?;
            Some((name, value))
        })
    };
    let tunnel = |names| first(names).and_then(|(name, value)| read(name, &value, report));
    let no_proxy = first(&EXCEPTIONS).map(|(_, value)| NoProxy::parse(&value));
    Tunnels {
        global: None,
        environment: FromEnvironment {
            https: tunnel(&FOR_HTTPS),
            http: tunnel(&FOR_HTTP),
            no_proxy: no_proxy.unwrap_or_default(),
        },
    }
}

/// Reads a variable. Without a scheme it names an HTTP proxy.
fn read(name: &str, value: &str, report: &Report) -> Option<Arc<Tunnel>> {
    let value = value.trim();
    let parsed = if value.contains("://") {
        Tunnel::parse(value)
    } else {
        Tunnel::parse(&format!("http://{value}"))
    };
    match parsed {
        Ok(tunnel) => Some(Arc::new(tunnel)),
        // Calls that silently leave another way than the machine's owner wants would be worse.
        Err(fault) => {
            let what = format!("{name}: {}", fault.what);
            let hint = "correct it, or write `tunnel: direct` or another `tunnel` into the file";
            report.add_with(&Place::outside("environment"), what, hint);
            None
        }
    }
}
