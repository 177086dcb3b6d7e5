//! HTTP/2 as an attack: floods of frames over TLS. The connection is ended, or what it does is bounded; memory
//! stays where it was, and others are served meanwhile (design/reliability.md, section 2).

use std::iter::{once, repeat_n};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use omniroute_core::config::Tls;
use omniroute_testkit::frames::{Ended, Frame, FrameConnection, block, flag, kind, text};
use omniroute_testkit::{Authority, Client, Trust, simulator};
use tokio::task::JoinSet;

use crate::program::folder_with;
use crate::setup::{all_formats_with, ask};
use crate::soak::resident_kib;
use crate::upgrade::Process;

const NAME: &str = "gateway.test";

/// Frames of a flood.
const MANY: usize = 100_000;

/// Bytes that are sent at once.
const AT_ONCE: usize = 16 * 1024;

/// What memory may have grown by after all floods, in KiB: the heap's own pages.
const MOST_GROWTH_KIB: u64 = 24 * 1024;

/// Error codes (RFC 9113, section 7).
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

/// How an answer begins that says 200 (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

/// Streams that a connection may have open (Pingora's `default_h2_options`).
const MOST_STREAMS: usize = 100;

/// What has to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The gateway ends it.
    Ended,
    /// It goes on, because what it does costs next to nothing.
    Bounded,
    /// Which of both depends on how fast the gateway is.
    Either,
}

struct Vector {
    name: &'static str,
    fate: Fate,
    /// Whether the client reads what it is answered.
    reads: bool,
    pieces: Box<dyn Iterator<Item = Vec<u8>> + Send>,
}

fn vector(
    name: &'static str,
    fate: Fate,
    pieces: impl Iterator<Item = Vec<u8>> + Send + 'static,
) -> Vector {
    Vector { name, fate, reads: true, pieces: Box::new(pieces) }
}

/// The same frame so many times, many in one write.
fn times(frame: &Frame, count: usize) -> impl Iterator<Item = Vec<u8>> + Send + use<> {
    let bytes = frame.bytes();
    let each = (AT_ONCE / bytes.len()).max(1);
    repeat_n(bytes.repeat(each), count / each)
}

fn get(stream: u32, flags: u8) -> Frame {
    let fields =
        [(":method", "GET"), (":path", "/livez"), (":scheme", "https"), (":authority", NAME)];
    Frame::new(kind::HEADERS, flag::END_HEADERS | flags, stream, block(&fields))
}

fn post(stream: u32) -> Frame {
    let fields = [
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        (":scheme", "https"),
        (":authority", NAME),
    ];
    Frame::new(kind::HEADERS, flag::END_HEADERS, stream, block(&fields))
}

/// A head that is larger than its frames: one long field that is remembered and then named again and again.
fn bomb(stream: u32) -> Vec<u8> {
    const REMEMBER: u8 = 0x40;
    const THE_LATEST: u8 = 0x80 | 62;
    let Frame { payload: mut fields, .. } = get(stream, flag::NONE);
    fields.push(REMEMBER);
    text(&mut fields, "x-long");
    text(&mut fields, &"x".repeat(3900));
    fields.extend([THE_LATEST].repeat(10_000));
    Frame::new(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, stream, fields).bytes()
}

/// A head of 80 KiB.
fn large_head(stream: u32) -> Vec<u8> {
    let first = Frame { flags: flag::END_STREAM, ..get(stream, flag::NONE) };
    let more = block(&[("x-large", &"x".repeat(8000)), ("x-large", &"x".repeat(8000))]);
    let mut bytes = first.bytes();
    for part in 0..5 {
        let flags = if part == 4 { flag::END_HEADERS } else { flag::NONE };
        bytes.extend(Frame::new(kind::CONTINUATION, flags, stream, more.clone()).bytes());
    }
    bytes
}

fn odd(count: u32) -> impl Iterator<Item = u32> + Send {
    (0..count).map(|number| 2 * number + 1)
}

fn reset(stream: u32) -> Frame {
    Frame::new(kind::RST_STREAM, flag::NONE, stream, CANCEL.to_be_bytes())
}

fn vectors() -> Vec<Vector> {
    let call = ask("chat", "chat/echo?first_byte=60s", true, "hello").1.to_string();
    let endless = once(Frame { flags: flag::END_STREAM, ..get(1, flag::NONE) }.bytes());
    let more =
        Frame::new(kind::CONTINUATION, flag::NONE, 1, block(&[("x-more", &"x".repeat(900))]));
    let nothing = Frame::new(kind::CONTINUATION, flag::NONE, 1, []);
    let settings = Frame::new(kind::SETTINGS, flag::NONE, 0, []);
    let ping = Frame::new(kind::PING, flag::NONE, 0, *b"and more");
    let data = Frame::new(kind::DATA, flag::NONE, 1, []);
    let priority = Frame::new(kind::PRIORITY, flag::NONE, 1, [0, 0, 0, 0, 16]);
    let window = Frame::new(kind::WINDOW_UPDATE, flag::NONE, 0, 1_u32.to_be_bytes());
    let unknown = Frame::new(0xbe, flag::NONE, 0, *b"whatever");
    let unread = |vector: Vector, name| Vector { name, reads: false, ..vector };
    let calls = odd(1000).map(move |stream| {
        let body = Frame::new(kind::DATA, flag::END_STREAM, stream, call.as_bytes());
        [post(stream).bytes(), body.bytes(), reset(stream).bytes()].concat()
    });
    vec![
        vector("continuation", Fate::Ended, endless.clone().chain(times(&more, 10_000))),
        vector("empty continuation", Fate::Ended, endless.chain(times(&nothing, MANY))),
        vector(
            "rapid reset",
            Fate::Either,
            odd(10_000).map(|stream| {
                [get(stream, flag::END_STREAM).bytes(), reset(stream).bytes()].concat()
            }),
        ),
        vector("rapid reset of calls", Fate::Either, calls),
        vector("empty data", Fate::Ended, once(post(1).bytes()).chain(times(&data, MANY))),
        vector("settings", Fate::Bounded, times(&settings, MANY)),
        unread(vector("", Fate::Bounded, times(&settings, 10 * MANY)), "settings, unread"),
        vector("ping", Fate::Bounded, times(&ping, MANY)),
        unread(vector("", Fate::Bounded, times(&ping, 10 * MANY)), "ping, unread"),
        vector("priority", Fate::Bounded, times(&priority, MANY)),
        vector("window", Fate::Bounded, times(&window, MANY)),
        vector("unknown frames", Fate::Bounded, times(&unknown, MANY)),
        vector("large heads", Fate::Bounded, odd(30).map(large_head)),
        vector("header bombs", Fate::Ended, odd(30).map(bomb)),
        vector("streams", Fate::Bounded, odd(300).map(|stream| post(stream).bytes())),
    ]
}

/// Asks all the time over a connection of its own; returns how often it was answered, all times well.
fn bystander(address: SocketAddr, pem: String) -> (Arc<AtomicBool>, JoinSet<u64>) {
    let over = Arc::new(AtomicBool::new(false));
    let (is_over, mut task) = (Arc::clone(&over), JoinSet::new());
    task.spawn(async move {
        let mut client = Client::connect_tls(address, &Trust::of(&pem, NAME)).await.unwrap();
        let (path, body) = ask("anthropic", "chat/echo", false, "hello");
        let mut served = 0;
        while !is_over.load(Relaxed) {
            let answer = client.post(&path, &[], &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            served += 1;
        }
        served
    });
    (over, task)
}

/// What the answers of a flood say against it.
fn fault(vector: &str, frames: &[Frame]) -> Option<String> {
    let of = |wanted: u8| frames.iter().filter(move |frame| frame.kind == wanted);
    let refused =
        of(kind::RST_STREAM).filter(|frame| frame.payload == REFUSED_STREAM.to_be_bytes());
    match vector {
        "streams" => {
            let refused = refused.count();
            (refused != 300 - MOST_STREAMS).then(|| format!("{refused} streams were refused"))
        }
        "large heads" | "header bombs" => {
            let served =
                of(kind::HEADERS).filter(|frame| frame.payload.first() == Some(&STATUS_200));
            let served = served.count();
            (served > 0).then(|| format!("{served} were served"))
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_end_or_cost_nothing_and_others_are_served() {
    let (sim, authority) = (simulator().await, Authority::new());
    let folder = folder_with("");
    let issued = authority.issue(NAME);
    let files = Tls { cert: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    std::fs::write(&files.cert, issued.cert_pem()).unwrap();
    std::fs::write(&files.key, issued.key_pem()).unwrap();
    let server = "server: { drain: 1s, tls: { cert: c.pem, key: k.pem } }\n";
    std::fs::write(folder.path().join("o.yaml"), all_formats_with(&sim, server)).unwrap();
    let gateway = Process::start(folder.path());
    let pem = authority.pem();
    let (over, served) = bystander(gateway.address, pem.clone());
    sim.wait_until(|counts| counts.requests > 20).await;
    let before = resident_kib(gateway.pid());

    let (mut failed, mut ended, mut most) = (Vec::new(), 0, before);
    let vectors = vectors();
    let count = vectors.len();
    for Vector { name, fate, reads, pieces } in vectors {
        let trust = Trust::of(&pem, NAME);
        let flooding = FrameConnection::connect(gateway.address, &trust).await.unwrap();
        let (end, frames) = match reads {
            true => flooding.flood(pieces).await,
            false => (flooding.flood_unread(pieces).await, Vec::new()),
        };
        let now = resident_kib(gateway.pid());
        most = most.max(now);
        let was = if matches!(end, Ended::Closed) { Fate::Ended } else { Fate::Bounded };
        ended += usize::from(was == Fate::Ended);
        if was != fate && fate != Fate::Either {
            failed.push(format!("{name}: {end:?}, not {fate:?}"));
        }
        failed.extend(fault(name, &frames).map(|fault| format!("{name}: {fault}")));
    }
    over.store(true, Relaxed);
    let served: u64 = served.join_all().await.into_iter().sum();
    sim.wait_until(|counts| counts.open_streams == 0).await;
    gateway.signal("-TERM");
    let (code, log) = gateway.end();

    let growth = most - before;
    eprintln!(
        "REL L5 vectors={count} ended={ended} bounded={} failed={} served_meanwhile={served} \
         rss_growth_kib={growth}",
        count - ended,
        failed.len()
    );
    assert_eq!(code, Some(0), "{log}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(served > 0, "others are served");
    assert!(growth < MOST_GROWTH_KIB, "{growth} KiB");
}
