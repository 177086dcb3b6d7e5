//! One answer as it is made, for those who wait for the same.
//!
//! The recorder writes what its own client is sent; followers read from the beginning and then go on as
//! it comes. A recorder that is dropped before the end cuts the tape.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::sync::watch;

use super::flights::Flight;
use super::lasting;
use crate::attached::{Ending, Listener};

/// Most bytes of an answer that somebody follows. One that is longer is cut for those who follow.
const MAX_FOLLOWED_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes of all answers under way together. An answer that would take more is no longer recorded, unless
/// somebody follows it.
pub(super) const MAX_RUNNING_BYTES: usize = 64 * 1024 * 1024;

/// What a piece takes besides its bytes, about: streams come in small pieces.
const PIECE_BYTES: usize = 64;

/// Most bytes of an answer that nobody follows yet. One that is longer can no longer be followed, nor is
/// it given again.
pub(super) const MAX_KEPT_BYTES: usize = 4 * 1024 * 1024;

/// What a tape holds.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) head: Option<(StatusCode, HeaderMap)>,
    pub(super) pieces: Vec<Bytes>,
    bytes: usize,
    /// What is counted of it among all that are under way.
    counted: usize,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Proper,
    Cut,
}

/// A tape, as those share it who may begin to follow.
pub(super) type Tape = Arc<watch::Sender<Recorded>>;

/// Records what a client is sent.
pub struct Recorder {
    tape: Tape,
    flight: Flight,
    is_off: bool,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    pub(super) const fn new(tape: Tape, flight: Flight) -> Self {
        Self { tape, flight, is_off: false }
    }

    fn cut(&mut self) {
        self.is_off = true;
        self.flight.forget(&self.tape);
        self.tape.send_modify(|recorded| {
            recorded.end = Some(End::Cut);
            recorded.pieces = Vec::new();
            self.flight.give_back(std::mem::take(&mut recorded.counted));
        });
    }
}

impl Listener for Recorder {
    fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.tape.send_modify(|recorded| recorded.head = Some((status, lasting(headers))));
    }

    fn piece(&mut self, piece: &Bytes) {
        if self.is_off || piece.is_empty() {
            return;
        }
        let (mut bytes, counted) = (0, piece.len() + PIECE_BYTES);
        let all = self.flight.take_room(counted);
        self.tape.send_modify(|recorded| {
            recorded.pieces.push(piece.clone());
            recorded.bytes += piece.len();
            recorded.counted += counted;
            bytes = recorded.bytes;
        });
        if bytes > MAX_KEPT_BYTES || all > MAX_RUNNING_BYTES {
            // Before the look at who follows, so that nobody begins to in between.
            self.flight.forget(&self.tape);
            if !self.is_followed() || bytes > MAX_FOLLOWED_BYTES {
                self.cut();
            }
        }
    }

    fn ended(&mut self, ending: &Ending) {
        if self.is_off {
            return;
        }
        self.is_off = true;
        self.tape.send_modify(|recorded| {
            recorded.end = Some(End::Proper);
            self.flight.give_back(std::mem::take(&mut recorded.counted));
        });
        self.flight.ended(&self.tape, ending);
    }

    fn is_followed(&self) -> bool {
        self.tape.receiver_count() > 0
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.is_off {
            self.cut();
        }
    }
}

/// Follows an answer that another request gets.
pub struct Follower {
    tape: watch::Receiver<Recorded>,
    next: usize,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Follower")
    }
}

impl Follower {
    pub(super) fn of(tape: &Tape) -> Self {
        Self { tape: tape.subscribe(), next: 0 }
    }

    /// Waits for the head. `None`: there will be none, because the other request left or came to nothing.
    pub async fn head(&mut self) -> Option<(StatusCode, HeaderMap)> {
        let decided = |recorded: &Recorded| recorded.end.is_some() || recorded.head.is_some();
        let recorded = self.tape.wait_for(decided).await.ok()?;
        let is_cut = recorded.end == Some(End::Cut);
        if is_cut { None } else { recorded.head.clone() }
    }

    /// Waits for the next piece of the body. `None`: that was all.
    ///
    /// # Errors
    ///
    /// [`Cut`] if the answer broke off.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Cut> {
        let next = self.next;
        let has_more = |recorded: &Recorded| recorded.end.is_some() || recorded.pieces.len() > next;
        let recorded = self.tape.wait_for(has_more).await.map_err(|_| Cut)?;
        if let Some(piece) = recorded.pieces.get(next) {
            self.next += 1;
            return Ok(Some(piece.clone()));
        }
        if recorded.end == Some(End::Proper) { Ok(None) } else { Err(Cut) }
    }
}

/// The answer that was followed broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;
