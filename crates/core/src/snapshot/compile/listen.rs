//! Listeners and limits: the command line over the environment over the file over the defaults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Inputs;
use crate::config::Server;
use crate::config::report::{Place, Report};
use crate::config::server::ServerText;

/// What is said of faults in variables.
const ENVIRONMENT: &str = "environment";
/// What is said of faults in arguments.
const COMMAND_LINE: &str = "command line";
/// The data directory when there is no home, in the working directory.
const HOMELESS_DATA_DIR: &str = ".omniroute";

/// The server's settings and where its addresses were said.
pub(super) struct Listen {
    pub(super) server: Server,
    /// Each address of `server.listen` with the place to point at.
    pub(super) places: Vec<(SocketAddr, Place)>,
}

/// Joins all sources of the server's settings.
pub(super) fn compile(written: &ServerText, inputs: &Inputs<'_>, report: &Report) -> Listen {
    let defaults = Server::default();
    let places = addresses(written, &defaults, inputs, report);
    let timeouts = &written.timeouts;
    let mut server = Server {
        listen: places.iter().map(|(address, _)| *address).collect(),
        tls: written.tls.clone(),
        admin_listen: written.admin_listen.as_ref().map(|spot| spot.value),
        metrics_listen: written.metrics_listen,
        threads: written.threads.unwrap_or(defaults.threads),
        data_dir: data_dir(written, inputs, report),
        max_body_bytes: written.max_body_bytes.unwrap_or(defaults.max_body_bytes),
        drain: written.drain.unwrap_or(defaults.drain),
        timeouts: defaults.timeouts,
    };
    let bounds = &mut server.timeouts;
    bounds.connect = timeouts.connect.unwrap_or(bounds.connect);
    bounds.first_byte = timeouts.first_byte.unwrap_or(bounds.first_byte);
    bounds.idle = timeouts.idle.unwrap_or(bounds.idle);
    bounds.total = timeouts.total.unwrap_or(bounds.total);
    bounds.client_body = timeouts.client_body.unwrap_or(bounds.client_body);
    check_others(&server, written, report);
    Listen { server, places }
}

/// Finds an address that is asked for twice.
fn check_others(server: &Server, written: &ServerText, report: &Report) {
    let place = written.listen.first().map(|address| address.place.clone());
    let place = place.unwrap_or_else(|| Place::outside(COMMAND_LINE));
    let twice = |address: SocketAddr, one: &str, other: &str, hint: &str| {
        let what = format!("`{address}` is both `{one}` and `{other}`");
        report.add_with(&place, what, hint);
    };
    let is_given = |address: &SocketAddr| address.port() != 0;
    let admin = server.admin_listen.filter(is_given);
    if let Some(admin) = admin.filter(|admin| server.listen.contains(admin)) {
        let hint = "leave `admin_listen` out to have /api and the dashboard on `listen`";
        twice(admin, "listen", "admin_listen", hint);
    }
    let Some(metrics) = server.metrics_listen.filter(is_given) else { return };
    if server.listen.contains(&metrics) {
        let hint = "leave `metrics_listen` out to have /metrics on `listen`";
        twice(metrics, "listen", "metrics_listen", hint);
    }
    if admin == Some(metrics) {
        let hint = "leave `metrics_listen` out to have /metrics on `admin_listen`";
        twice(metrics, "admin_listen", "metrics_listen", hint);
    }
}

/// Returns the addresses to listen on. A port or host from outside replaces that part of each.
fn addresses(
    written: &ServerText,
    defaults: &Server,
    inputs: &Inputs<'_>,
    report: &Report,
) -> Vec<(SocketAddr, Place)> {
    let base: Vec<(SocketAddr, Place)> = if written.listen.is_empty() {
        defaults.listen.iter().map(|address| (*address, built_in())).collect()
    } else {
        written.listen.iter().map(|spot| (spot.value, spot.place.clone())).collect()
    };
    let host = host(inputs, report);
    let port = port(inputs, report);
    let mut found: Vec<(SocketAddr, Place)> = Vec::new();
    for (mut address, mut place) in base {
        if let Some((port, source)) = &port {
            address.set_port(*port);
            place = place_unless_file(place, source);
        }
        if let Some((host, source)) = &host {
            address.set_ip(*host);
            place = Place::outside(source);
        }
        if found.iter().all(|(other, _)| *other != address) {
            found.push((address, place));
        }
    }
    found
}

/// A port alone does not make an address unsafe, so the file stays the place to point at.
fn place_unless_file(place: Place, source: &str) -> Place {
    if place.mark.is_some() { place } else { Place::outside(source) }
}

fn built_in() -> Place {
    Place::outside("built-in default")
}

/// Returns the host from the command line or `HOSTNAME`, and which of them said it.
///
/// Shells and containers set `HOSTNAME` to the machine's own name. That is no wish to listen
/// anywhere, so only an IP address or `localhost` counts there.
fn host(inputs: &Inputs<'_>, report: &Report) -> Option<(IpAddr, &'static str)> {
    if let Some(host) = &inputs.overrides.host {
        let found = ip(host);
        if found.is_none() {
            let what = "--host is not an IP address";
            report.add_with(
                &Place::outside(COMMAND_LINE),
                what,
                "write `127.0.0.1` for this machine only, `0.0.0.0` for all networks",
            );
        }
        return found.map(|host| (host, COMMAND_LINE));
    }
    variable(inputs, "HOSTNAME").and_then(|host| ip(&host)).map(|host| (host, ENVIRONMENT))
}

fn ip(host: &str) -> Option<IpAddr> {
    match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        _ => host.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}

/// Returns the port from the command line or `PORT`, and which of them said it.
fn port(inputs: &Inputs<'_>, report: &Report) -> Option<(u16, &'static str)> {
    if let Some(port) = inputs.overrides.port {
        return Some((port, COMMAND_LINE));
    }
    let written = variable(inputs, "PORT")?;
    let port = written.trim().parse().ok();
    if port.is_none() {
        let place = Place::outside(ENVIRONMENT);
        report.add_with(&place, "PORT is not a port", "write `PORT=20128`, or unset it");
    }
    port.map(|port| (port, ENVIRONMENT))
}

/// Returns the data directory with `~` replaced.
fn data_dir(written: &ServerText, inputs: &Inputs<'_>, report: &Report) -> PathBuf {
    let home = variable(inputs, "HOME");
    let outside = Place::outside(ENVIRONMENT);
    let (path, place) = if let Some(path) = &inputs.overrides.data_dir {
        (path.clone(), Place::outside(COMMAND_LINE))
    } else if let Some(path) = variable(inputs, "DATA_DIR") {
        (PathBuf::from(path), outside)
    } else if let Some(path) = &written.data_dir {
        (PathBuf::from(&path.value), path.place.clone())
    } else if home.is_none() {
        return PathBuf::from(HOMELESS_DATA_DIR);
    } else {
        (Server::default().data_dir, outside)
    };
    let Ok(below_home) = path.strip_prefix("~") else { return path };
    match home {
        Some(home) => join(&home, below_home),
        None => {
            let what = "`~` stands for HOME, which is not set";
            report.add_with(&place, what, "write the whole path of the data directory");
            path
        }
    }
}

fn join(home: &str, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { PathBuf::from(home) } else { Path::new(home).join(below) }
}

/// Looks up a variable; an empty one counts as not set.
fn variable(inputs: &Inputs<'_>, name: &str) -> Option<String> {
    (inputs.env)(name).filter(|value| !value.is_empty())
}
