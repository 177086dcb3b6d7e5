//! Ids, tapes and kept answers, with time that is turned by hand.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use omniroute_wire::Usage;

use super::*;
use crate::attached::{Ending, Listener};
use crate::clock::Clock;
use crate::error::Error;
use crate::filter::Reply;
use crate::money::Nanodollars;

const WINDOW: Duration = Duration::from_secs(5);
const ID: [u8; 32] = [1; 32];
const BODY: [u8; 32] = [2; 32];
const OTHER_BODY: [u8; 32] = [3; 32];

struct Setup {
    flights: Arc<Flights>,
    clock: Clock,
}

impl Setup {
    fn new() -> Self {
        Self { flights: Arc::default(), clock: Clock::manual(0) }
    }

    fn join(&self, kind: IdKind, body: [u8; 32]) -> Joined {
        self.flights.join((ID, kind), body, WINDOW, self.clock.now())
    }

    fn first(&self) -> Recorder {
        match self.join(IdKind::Repetition, BODY) {
            Joined::First(recorder) => recorder,
            other => panic!("{other:?}"),
        }
    }

    fn follower(&self) -> Follower {
        match self.join(IdKind::Repetition, BODY) {
            Joined::Follows(follower) => follower,
            other => panic!("{other:?}"),
        }
    }

    fn ending(&self, error: Option<&Error>, interrupted: bool) -> Ending {
        let error = error.map(Error::code);
        let at = self.clock.now();
        Ending { error, interrupted, usage: Usage::default(), charge: None, at }
    }

    fn record(&self, recorder: &mut Recorder, ending: &Ending) {
        recorder.head(StatusCode::OK, &HeaderMap::new());
        recorder.piece(&Bytes::from_static(b"one "));
        recorder.piece(&Bytes::from_static(b"two"));
        recorder.ended(ending);
    }
}

async fn rest_of(follower: &mut Follower) -> Result<String, tape::Cut> {
    let mut text = String::new();
    while let Some(piece) = follower.piece().await? {
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    Ok(text)
}

/// Runs a future that never has to wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("would wait"),
    }
}

fn would_wait<T>(future: impl Future<Output = T>) -> bool {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    future.as_mut().poll(&mut context).is_pending()
}

#[test]
fn a_follower_reads_from_the_beginning_and_then_as_it_comes() {
    let setup = Setup::new();
    let mut first = setup.first();
    let mut early = setup.follower();
    assert!(first.is_followed());
    assert!(would_wait(early.head()));

    first.head(StatusCode::OK, &HeaderMap::new());
    first.piece(&Bytes::from_static(b"one "));
    let mut late = setup.follower();

    assert_eq!(now(early.head()).unwrap().0, StatusCode::OK);
    assert_eq!(now(late.piece()), Ok(Some(Bytes::from_static(b"one "))));
    assert!(would_wait(late.piece()));
    first.piece(&Bytes::from_static(b"two"));
    first.ended(&setup.ending(None, false));
    assert_eq!(now(rest_of(&mut late)), Ok("two".to_owned()));
    assert_eq!(now(rest_of(&mut early)), Ok("one two".to_owned()));
}

#[test]
fn an_ended_answer_is_given_again_within_the_window_and_then_forgotten() {
    let setup = Setup::new();
    let mut first = setup.first();
    setup.record(&mut first, &setup.ending(None, false));
    drop(first);

    setup.clock.advance(WINDOW - Duration::from_millis(1));
    let Joined::Again(reply) = setup.join(IdKind::Repetition, BODY) else { panic!("kept") };
    assert_eq!(reply.body, "one two");
    assert_eq!(setup.flights.held(setup.clock.now()), (1, 7));

    setup.clock.advance(Duration::from_millis(1));
    assert_eq!(setup.flights.held(setup.clock.now()), (0, 0));
    drop(setup.first());
}

#[test]
fn the_same_id_with_another_body_is_refused_or_shows_that_it_is_no_id() {
    let setup = Setup::new();
    let first = setup.first();
    assert!(matches!(setup.join(IdKind::Repetition, OTHER_BODY), Joined::Mismatch));
    drop(first);

    let Joined::First(first) = setup.join(IdKind::Trace, BODY) else { panic!("is the first") };
    assert!(matches!(setup.join(IdKind::Trace, OTHER_BODY), Joined::Alone));
    assert!(matches!(setup.join(IdKind::Trace, BODY), Joined::Alone), "also for the first body");
    drop(first);
    setup.clock.advance(Duration::from_secs(600));
    assert!(matches!(setup.join(IdKind::Trace, BODY), Joined::First(_)), "not for ever");
}

#[test]
fn who_follows_one_that_left_before_its_answer_begins_afresh() {
    let setup = Setup::new();
    let first = setup.first();
    let mut follower = setup.follower();

    drop(first);

    assert_eq!(now(follower.head()), None);
    drop(setup.first());
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_all() {
    let setup = Setup::new();
    let mut first = setup.first();
    let mut follower = setup.follower();
    first.head(StatusCode::OK, &HeaderMap::new());
    first.piece(&Bytes::from_static(b"half"));
    assert_eq!(now(follower.piece()), Ok(Some(Bytes::from_static(b"half"))));

    drop(first);

    assert_eq!(now(follower.piece()), Err(tape::Cut));
}

#[test]
fn only_what_asking_again_would_not_change_is_given_again() {
    let check = |error: Option<Error>, interrupted: bool, is_kept: bool| {
        let setup = Setup::new();
        let mut first = setup.first();
        setup.record(&mut first, &setup.ending(error.as_ref(), interrupted));
        let again = setup.join(IdKind::Repetition, BODY);
        assert_eq!(matches!(again, Joined::Again(_)), is_kept, "{error:?}, {interrupted}");
    };
    check(None, false, true);
    check(None, true, false);
    check(Some(Error::BadRequest { what: "x".to_owned() }), false, true);
    check(Some(Error::Draining), false, false);
    check(Some(Error::Internal), false, false);
    let locked = Error::Locked { retry_after: Duration::from_secs(1) };
    check(Some(locked), false, false);
}

#[test]
fn a_long_answer_is_followed_by_those_who_do_but_not_kept() {
    let setup = Setup::new();
    let mut first = setup.first();
    let mut follower = setup.follower();
    let large = Bytes::from(vec![b'x'; 3 * 1024 * 1024]);
    first.head(StatusCode::OK, &HeaderMap::new());
    first.piece(&large);
    first.piece(&large);

    let Joined::First(another) = setup.join(IdKind::Repetition, BODY) else {
        panic!("nobody joins it any more")
    };
    drop(another);
    first.ended(&setup.ending(None, false));
    assert_eq!(now(rest_of(&mut follower)).unwrap().len(), 2 * large.len());
    assert_eq!(setup.flights.held(setup.clock.now()), (0, 0));
}

#[test]
fn ended_answers_take_no_more_than_their_room() {
    let setup = Setup::new();
    for id in 0..8_u8 {
        let joined = setup.flights.join(([id; 32], IdKind::Trace), BODY, WINDOW, setup.clock.now());
        let Joined::First(mut first) = joined else { panic!("{id} is the first") };
        first.head(StatusCode::OK, &HeaderMap::new());
        first.piece(&Bytes::from(vec![b'x'; 3 * 1024 * 1024]));
        first.ended(&setup.ending(None, false));
    }
    let (ids, bytes) = setup.flights.held(setup.clock.now());
    assert_eq!((ids, bytes), (5, 15 * 1024 * 1024), "the oldest went");
}

#[test]
fn answers_under_way_take_no_more_than_their_room_all_together() {
    let setup = Setup::new();
    let mut running: Vec<Recorder> = (0..30_u8)
        .map(|id| {
            let id = ([id; 32], IdKind::Trace);
            match setup.flights.join(id, BODY, WINDOW, setup.clock.now()) {
                Joined::First(first) => first,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let mut follower =
        match setup.flights.join(([0; 32], IdKind::Trace), BODY, WINDOW, setup.clock.now()) {
            Joined::Follows(follower) => follower,
            other => panic!("{other:?}"),
        };
    let piece = Bytes::from(vec![b'x'; 1024 * 1024]);

    for first in &mut running {
        first.head(StatusCode::OK, &HeaderMap::new());
    }
    for _ in 0..4 {
        running.iter_mut().for_each(|first| first.piece(&piece));
        assert!(setup.flights.running_bytes() <= tape::MAX_RUNNING_BYTES + piece.len());
    }
    let (ids, _) = setup.flights.held(setup.clock.now());
    assert!((10..30).contains(&ids), "{ids} can still be followed");

    running[0].ended(&setup.ending(None, false));
    assert_eq!(now(rest_of(&mut follower)).unwrap().len(), 4 * piece.len(), "who follows gets all");
    drop(running);
    assert_eq!(setup.flights.running_bytes(), 0);
}

#[test]
fn a_repetition_has_the_answers_headers_but_not_the_requests() {
    let mut headers = HeaderMap::new();
    for name in [
        "content-type",
        "x-omniroute-provider",
        "x-omniroute-cache",
        "x-omniroute-cost",
        "x-request-id",
        "content-length",
        "access-control-allow-origin",
        "vary",
    ] {
        headers.insert(name, HeaderValue::from_static("x"));
    }

    let lasting = lasting(&headers);

    let mut names: Vec<&str> = lasting.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "x-omniroute-provider"]);
}

fn reply(body: &'static str) -> Reply {
    Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: body.into() }
}

fn limits(entries: usize, bytes: usize) -> AnswerLimits {
    let entries = NonZeroUsize::new(entries).unwrap();
    AnswerLimits { entries, bytes, ttl: Duration::from_secs(60) }
}

#[test]
fn answers_are_kept_for_their_time_and_counted() {
    let (answers, clock) = (Answers::default(), Clock::manual(0));
    let saves = Saved { input: 10, output: 5, cost: Nanodollars::new(7) };
    assert!(answers.find(&ID, clock.now()).is_none());
    answers.keep(ID, (reply("hello"), saves), &limits(9, 99), clock.now());

    clock.advance(Duration::from_secs(59));
    assert_eq!(answers.find(&ID, clock.now()).unwrap().body, "hello");
    assert_eq!(answers.find(&ID, clock.now()).unwrap().body, "hello");
    clock.advance(Duration::from_secs(1));
    assert!(answers.find(&ID, clock.now()).is_none());

    let saved = Saved { input: 20, output: 10, cost: Nanodollars::new(14) };
    let expected = AnswerStats { hits: 2, misses: 2, saved, ..AnswerStats::default() };
    assert_eq!(answers.stats(), expected);
}

#[test]
fn answers_are_bounded_by_number_and_bytes_and_the_least_used_goes() {
    let (answers, clock) = (Answers::default(), Clock::manual(0));
    let keep = |id: u8, body, limits: &AnswerLimits| {
        answers.keep([id; 32], (reply(body), Saved::default()), limits, clock.now());
    };
    let is_kept = |id: u8| answers.find(&[id; 32], clock.now()).is_some();
    keep(1, "aaaa", &limits(2, 10));
    keep(2, "bbbb", &limits(2, 10));
    assert!(is_kept(1));
    keep(3, "cccc", &limits(2, 10));
    assert!(is_kept(1) && !is_kept(2) && is_kept(3), "the number counts");
    keep(4, "dddddddd", &limits(9, 10));
    assert_eq!((answers.stats().entries, answers.stats().bytes), (1, 8), "the bytes count");
    keep(5, "eeeeeeeeeee", &limits(9, 10));
    assert!(!is_kept(5) && is_kept(4), "what is too large alone is not kept");

    assert_eq!(answers.clear(), 1);
    assert_eq!((answers.stats().entries, answers.stats().bytes), (0, 0));
}
