//! The `limits` section: how much of the gateway clients can take up.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::node::Node;
use super::report::Report;
use super::scalars;
use super::section::Section;

/// Bytes a head may be allowed: Pingora reads no larger one.
const HEAD_BYTES: RangeInclusive<usize> = 1024..=1024 * 1024;
/// Fields a head may be allowed: Pingora reads no more.
const HEAD_FIELDS: RangeInclusive<u64> = 8..=256;
/// Connections or requests: more than a process can have is a slip of the keyboard.
const MANY: RangeInclusive<u64> = 1..=1_000_000;
/// Least memory for bodies that is of any use, in bytes.
const MIN_BODIES: usize = 64 * 1024;

/// How much of the gateway clients can take up (`limits`). All apply at once after a reload: to new
/// connections, or to the next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Largest head of a request in bytes; larger ones get 431. Default 64 KiB, at most 1 MiB.
    pub head_bytes: usize,
    /// Most fields of a head; more get 431. Default 128, at most 256.
    pub head_fields: usize,
    /// Longest target (path and query) in bytes; longer ones get 414. Default 16 KiB.
    pub target_bytes: usize,
    /// From a head's first byte to its end, and for a new connection to send one at all. Default 10 s.
    pub head_time: Duration,
    /// How long a connection may be idle between two requests, whatever the client asks for. Default 75 s.
    pub keep_alive: Duration,
    /// For a body as a whole, however steadily it drips. Default 120 s.
    pub body_time: Duration,
    /// How long a client may not read before it is given up. Default 60 s.
    pub client_write: Duration,
    /// Connections of clients at once. Default 4096; also never more than the system lets the process have.
    pub connections: usize,
    /// Connections of one address that is not loopback. Default 256.
    pub connections_per_address: usize,
    /// Calls at once, each from the end of its body; more get 503. Health and administration are not counted.
    /// Default 1024.
    pub requests: usize,
    /// Bytes of request bodies in memory at once; what does not fit gets 503. Default 256 MiB.
    pub buffered_bodies: usize,
}

impl Default for Bounds {
    /// The numbers of design/reliability.md, section 3.
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            head_fields: 128,
            target_bytes: 16 * 1024,
            head_time: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_time: Duration::from_secs(120),
            client_write: Duration::from_secs(60),
            connections: 4096,
            connections_per_address: 256,
            requests: 1024,
            buffered_bodies: 256 * 1024 * 1024,
        }
    }
}

/// Reads `limits`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<Bounds> {
    let known = [
        "head",
        "head_fields",
        "target",
        "head_time",
        "keep_alive",
        "body_time",
        "client_write",
        "connections",
        "connections_per_address",
        "requests",
        "buffered_bodies",
    ];
    let section = Section::open(node, &known, report)?;
    let usual = Bounds::default();
    let bytes = |name, usual| section.read(name, head_bytes).unwrap_or(usual);
    let time = |name, usual| section.read(name, scalars::some_duration).unwrap_or(usual);
    let many = |name, usual| section.read(name, |n, r| whole(n, r, MANY)).unwrap_or(usual);
    Some(Bounds {
        head_bytes: bytes("head", usual.head_bytes),
        head_fields: section
            .read("head_fields", |node, report| whole(node, report, HEAD_FIELDS))
            .unwrap_or(usual.head_fields),
        target_bytes: bytes("target", usual.target_bytes),
        head_time: time("head_time", usual.head_time),
        keep_alive: time("keep_alive", usual.keep_alive),
        body_time: time("body_time", usual.body_time),
        client_write: time("client_write", usual.client_write),
        connections: many("connections", usual.connections),
        connections_per_address: many("connections_per_address", usual.connections_per_address),
        requests: many("requests", usual.requests),
        buffered_bodies: section.read("buffered_bodies", bodies).unwrap_or(usual.buffered_bodies),
    })
}

fn whole(node: &Node, report: &Report, range: RangeInclusive<u64>) -> Option<usize> {
    scalars::whole(node, report, range).and_then(|number| usize::try_from(number).ok())
}

fn head_bytes(node: &Node, report: &Report) -> Option<usize> {
    let size = scalars::size(node, report)?;
    if HEAD_BYTES.contains(&size) {
        return Some(size);
    }
    report.add(&node.place, format!("{} is not from 1KiB to 1MiB", node.quoted()));
    None
}

fn bodies(node: &Node, report: &Report) -> Option<usize> {
    let size = scalars::size(node, report)?;
    if size >= MIN_BODIES {
        return Some(size);
    }
    report.add_with(
        &node.place,
        format!("{} is too little", node.quoted()),
        "allow at least 64KiB",
    );
    None
}
