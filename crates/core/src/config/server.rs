//! The `server` section: listeners, limits, timeouts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Tls;
use super::node::{Content, Node};
use super::report::{Report, Spot};
use super::scalars;
use super::section::{Section, items};

/// Most worker threads. More than any machine has cores is a slip of the keyboard.
const MAX_THREADS: u64 = 1024;
/// Smallest useful limit of a body, in bytes.
const MIN_BODY_BYTES: usize = 1024;
/// The address a new operator should write, in hints.
const EXAMPLE_ADDRESS: &str = "write address and port: `127.0.0.1:20128`, `[::1]:20128`";

/// `server` as written: only what is there.
#[derive(Debug, Default)]
pub(crate) struct ServerText {
    pub(crate) listen: Vec<Spot<SocketAddr>>,
    pub(crate) tls: Option<Tls>,
    pub(crate) admin_listen: Option<Spot<SocketAddr>>,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) threads: Option<usize>,
    pub(crate) data_dir: Option<Spot<String>>,
    pub(crate) max_body_bytes: Option<usize>,
    pub(crate) drain: Option<Duration>,
    pub(crate) timeouts: TimeoutsText,
}

/// `server.timeouts` as written.
#[derive(Debug, Default)]
pub(crate) struct TimeoutsText {
    pub(crate) connect: Option<Duration>,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) total: Option<Duration>,
    pub(crate) client_body: Option<Duration>,
}

/// Reads `server`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<ServerText> {
    let known = [
        "listen",
        "tls",
        "admin_listen",
        "metrics_listen",
        "threads",
        "data_dir",
        "max_body",
        "drain",
        "timeouts",
    ];
    let section = Section::open(node, &known, report)?;
    let threads = |node: &Node, report: &Report| scalars::whole(node, report, 0..=MAX_THREADS);
    Some(ServerText {
        listen: section.read("listen", addresses).unwrap_or_default(),
        tls: section.read("tls", tls),
        admin_listen: section.read("admin_listen", address),
        metrics_listen: section.read("metrics_listen", address).map(|spot| spot.value),
        threads: section.read("threads", threads).and_then(|threads| usize::try_from(threads).ok()),
        data_dir: section.spot("data_dir", scalars::text),
        max_body_bytes: section.read("max_body", body_size),
        drain: section.read("drain", scalars::duration),
        timeouts: section.read("timeouts", timeouts).unwrap_or_default(),
    })
}

fn tls(node: &Node, report: &Report) -> Option<Tls> {
    let section = Section::open(node, &["cert", "key"], report)?;
    let cert = section.require("cert", scalars::text);
    let key = section.require("key", scalars::text);
    Some(Tls { cert: cert?.into(), key: key?.into() })
}

fn timeouts(node: &Node, report: &Report) -> Option<TimeoutsText> {
    let known = ["connect", "first_byte", "idle", "total", "client_body"];
    let section = Section::open(node, &known, report)?;
    Some(TimeoutsText {
        connect: section.read("connect", scalars::some_duration),
        first_byte: section.read("first_byte", scalars::some_duration),
        idle: section.read("idle", scalars::some_duration),
        total: section.read("total", scalars::some_duration),
        client_body: section.read("client_body", scalars::some_duration),
    })
}

fn body_size(node: &Node, report: &Report) -> Option<usize> {
    let size = scalars::size(node, report)?;
    if size < MIN_BODY_BYTES {
        let what = format!("{} is too small for a request", node.quoted());
        report.add_with(&node.place, what, format!("allow at least {MIN_BODY_BYTES} bytes"));
        return None;
    }
    Some(size)
}

/// Reads one address or a list of them.
fn addresses(node: &Node, report: &Report) -> Option<Vec<Spot<SocketAddr>>> {
    if !matches!(node.content, Content::List(_)) {
        return Some(vec![address(node, report)?]);
    }
    let written = items(node, report)?;
    if written.is_empty() {
        report.add_with(&node.place, "the list of addresses is empty", EXAMPLE_ADDRESS);
    }
    let mut found: Vec<Spot<SocketAddr>> = Vec::new();
    for address in written.iter().filter_map(|item| address(item, report)) {
        if found.iter().any(|other| other.value == address.value) {
            report.add(&address.place, format!("`{}` is in the list twice", address.value));
            continue;
        }
        found.push(address);
    }
    Some(found)
}

fn address(node: &Node, report: &Report) -> Option<Spot<SocketAddr>> {
    let text = scalars::text(node, report)?;
    let found = text.parse().ok().or_else(|| local_name(&text));
    if found.is_none() {
        let what = format!("{} is not an address with a port", node.quoted());
        report.add_with(&node.place, what, EXAMPLE_ADDRESS);
    }
    found.map(|address| Spot::new(address, &node.place))
}

/// Reads `localhost:PORT`; other names would need a resolver, which may change its mind.
fn local_name(text: &str) -> Option<SocketAddr> {
    let port = text.strip_prefix("localhost:")?;
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)))
}
