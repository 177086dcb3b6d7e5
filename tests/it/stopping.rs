//! How the program stops: what runs is finished or told, what is new is refused, and every row is kept.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use omniroute_core::clock::Clock;
use omniroute_testkit::{Client, Protocol, simulator, whole};
use tokio::net::TcpStream;

use crate::budgets::KEY;
use crate::crash::{records, rows};
use crate::program::{Program, folder_with};
use crate::setup::{FORMATS, all_formats_with, ask, has_error_event, is_complete, prefix};
use crate::soak::unread;

/// How often a listener is tried that has to close.
const MOST_TRIES: usize = 50_000;

/// A gateway with this drain, and one client key.
fn server(drain: &str) -> String {
    format!("server: {{ drain: {drain} }}\nclient_keys: [{{ name: ci, key: ci-key-0123456789 }}]\n")
}

/// A stream whose first piece has come.
pub(crate) struct Begun {
    pub(crate) format: &'static str,
    pub(crate) id: String,
    pub(crate) text: String,
    body: BoxBody<Bytes, String>,
}

impl Begun {
    async fn of(address: SocketAddr, (format, model): (&'static str, &str), id: &str) -> Self {
        Self::over(address, (format, model, "one two three four five"), id).await
    }

    /// Begins a stream that answers this text.
    pub(crate) async fn over(
        address: SocketAddr,
        (format, model, text): (&'static str, &str, &str),
        id: &str,
    ) -> Self {
        let mut client = Client::connect(address, Protocol::Http1).await;
        let (path, body) = ask(format, model, true, text);
        let body = whole(body.to_string().into());
        let headers = [("x-request-id", id), KEY];
        let answer = client.begin(Method::POST, &path, &headers, body).await;
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().map_err(|error| error.to_string()).boxed();
        let mut begun = Self { format, id: id.to_owned(), text: String::new(), body };
        assert!(begun.piece().await, "the stream begins");
        begun
    }

    async fn piece(&mut self) -> bool {
        let Some(frame) = self.body.frame().await else { return false };
        let frame = frame.unwrap_or_else(|error| panic!("{error} after {}", self.text));
        self.text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
        true
    }

    /// Reads on to the end, which has to be a proper one.
    pub(crate) async fn rest(mut self) -> Self {
        while self.piece().await {}
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_drain_is_over_each_stream_gets_its_formats_error_and_its_row() {
    let sim = simulator().await;
    let folder = folder_with(&all_formats_with(&sim, &server("200ms")));
    let mut program = Program::start(folder.path(), false);
    let mut streams = Vec::new();
    for (client, provider) in FORMATS.iter().flat_map(|one| FORMATS.map(|other| (*one, other))) {
        let model = format!("{}/stall-after-2", prefix(provider));
        let id = format!("{client}-at-{provider}");
        streams.push(Begun::of(program.address, (client, &model), &id).await);
    }

    program.signal("-TERM");
    program.read_until("server.drain is over");
    let mut ids = Vec::new();
    for stream in streams {
        let ended = stream.rest().await;
        let case = format!("{}: {}", ended.id, ended.text);
        assert!(has_error_event(ended.format, &ended.text), "{case}");
        assert!(!is_complete(ended.format, &ended.text), "no false success: {case}");
        if ended.format == "chat" {
            assert!(ended.text.trim_end().ends_with("data: [DONE]"), "{case}");
        }
        ids.push(ended.id);
    }
    let (code, _) = program.end();

    assert_eq!(code, Some(0));
    let rows = rows(folder.path());
    assert!(ids.iter().all(|id| rows.get(id) == Some(&1)), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_within_two_seconds_what_would_take_minutes() {
    let (sim, clock) = (simulator().await, Clock::system());
    let folder = folder_with(&all_formats_with(&sim, &server("10m")));
    let mut program = Program::start(folder.path(), false);
    let stream = Begun::of(program.address, ("anthropic", "chat/stall-after-2"), "streams").await;
    let mut waiting = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo?first_byte=600s", false, "hello");
    let waits = waiting.post(&path, &[KEY], &body);
    let signals = async {
        sim.wait_until(|counts| counts.requests == 2).await;
        program.signal("-TERM");
        program.read_until("finishing what is running");
        let begun = clock.now();
        program.signal("-TERM");
        begun
    };

    let (waited, begun) = tokio::join!(waits, signals);
    let stream = stream.rest().await;
    let (code, _) = program.end();
    let took = clock.now() - begun;

    assert_eq!(
        (waited.status, waited.header("retry-after")),
        (503, Some("1")),
        "{}",
        waited.text()
    );
    assert!(has_error_event("anthropic", &stream.text), "{}", stream.text);
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(rows(folder.path())["streams"], 1);
}

/// Tells whether nobody listens at an address, or soon: the task that listens hears of the end a moment later.
async fn turns_away(address: SocketAddr) -> bool {
    for _ in 0..MOST_TRIES {
        if TcpStream::connect(address).await.is_err() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_finishes_streams_and_the_process_leaves_right_after_the_last() {
    let (sim, clock) = (simulator().await, Clock::system());
    let folder = folder_with(&all_formats_with(&sim, &server("1m")));
    let mut program = Program::start(folder.path(), false);
    let mut kept = Client::connect(program.address, Protocol::Http1).await;
    assert_eq!(kept.get("/readyz", &[]).await.status, 200);
    let mut streams = Vec::new();
    for number in 0..20 {
        let format = FORMATS[number % FORMATS.len()];
        let id = format!("stream-{number}");
        streams.push(Begun::of(program.address, (format, "chat/echo?pace=100ms"), &id).await);
    }

    program.signal("-TERM");
    program.read_until("finishing what is running");
    let ready = kept.get("/readyz", &[]).await;
    let refused = turns_away(program.address).await;
    let mut cut = 0;
    for stream in streams {
        let ended = stream.rest().await;
        cut += usize::from(!is_complete(ended.format, &ended.text));
    }
    let idle = clock.now();
    let (code, _) = program.end();
    let exit = clock.now() - idle;

    assert_eq!((ready.status, ready.header("connection")), (503, Some("close")));
    assert!(refused, "nobody listens any more");
    assert_eq!((code, cut), (Some(0), 0));
    assert!(exit < Duration::from_secs(2), "{exit:?}");
    assert_eq!(rows(folder.path()).len(), 20);
    eprintln!("REL U3 streams=20 cut_streams={cut} lost_rows=0 exit_ms={}", exit.as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_leaves_its_row_when_the_drain_is_over() {
    let (sim, clock) = (simulator().await, Clock::system());
    let folder = folder_with(&all_formats_with(&sim, &server("1s")));
    let program = Program::start(folder.path(), false);
    let (mut open, mut ids) = (Vec::new(), Vec::new());
    for (client, provider) in FORMATS.iter().flat_map(|one| FORMATS.map(|other| (*one, other))) {
        let id = format!("{client}-at-{provider}");
        open.push(unread(program.address, (client, prefix(provider)), Some(&id)).await);
        ids.push(id);
    }
    let mut client = Client::connect(program.address, Protocol::H2c).await;
    let (path, body) = ask("anthropic", "chat/tokens?n=100000", true, "hello");
    let headers = [("x-request-id", "over-http2"), KEY];
    let _unread = client.begin(Method::POST, &path, &headers, whole(body.to_string().into())).await;
    ids.push("over-http2".to_owned());

    program.signal("-TERM");
    let begun = clock.now();
    let (code, log) = program.end();
    let took = clock.now() - begun;

    assert_eq!(code, Some(0), "{log}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let rows = records(folder.path());
    for id in ids {
        let row: Vec<_> = rows.iter().filter(|row| *row.request_id == *id).collect();
        let [row] = row[..] else { panic!("{id}: {} rows", row.len()) };
        assert!(row.interrupted && row.estimated, "{row:?}");
        assert!(row.tokens.output > 0 && row.tokens.input > 0, "{row:?}");
    }
}
