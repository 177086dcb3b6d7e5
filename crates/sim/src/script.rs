//! Scripted answers: exact bytes, waits and cuts for tests that leave nothing to the simulator.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

use crate::connection::Cut;
use crate::gate::Gate;
use crate::reply::{Content, Piece, Reply};

/// One scripted answer, told in the order in which it happens.
///
/// What comes before [`head`](Step::head) happens before the head is sent. Each
/// [`piece`](Step::piece) is a chunk (an HTTP/2 frame) and a write of its own. Without `reset`, `close`
/// or `hang` the body ends properly after the last piece.
///
/// ```
/// use omniroute_sim::{Gate, Step};
///
/// let gate = Gate::new();
/// let held = Step::reply(200).header("content-type", "text/event-stream").piece("data: 1\n\n").gate(&gate).reset();
/// let refused_silently = Step::new().reset();
/// # drop((held, refused_silently));
/// ```
#[derive(Clone, Debug)]
pub struct Step {
    reply: Reply,
    pieces: Vec<Piece>,
    has_head: bool,
    /// What is wrong with the step itself; sent as a 500 so that the test sees it.
    mistake: Option<String>,
    order: Order,
}

impl Step {
    /// Starts a step before its head.
    #[must_use]
    pub fn new() -> Self {
        let reply = Reply::new(StatusCode::OK, Content::Whole(Bytes::new()));
        let (pieces, mistake) = (Vec::new(), None);
        Self { reply, pieces, has_head: false, mistake, order: Order::AfterBody }
    }

    /// Starts a step with a head of this status.
    #[must_use]
    pub fn reply(status: u16) -> Self {
        Self::new().head(status)
    }

    /// Lets the model answer as if there were no script; keeps the place of one request in the queue.
    #[must_use]
    pub fn own() -> Self {
        Self { order: Order::Own, ..Self::new() }
    }

    /// Sends the head; a step without it sends a 200 before its first piece or at its end.
    ///
    /// A status that HTTP does not know makes the step a 500 that says so.
    #[must_use]
    pub fn head(mut self, status: u16) -> Self {
        self.has_head = true;
        match StatusCode::from_u16(status) {
            Ok(status) => self.reply.status = status,
            Err(_) => self.mistake = Some(format!("script: {status} is no HTTP status")),
        }
        self
    }

    /// Adds a header to the head; repeated names are all sent. A bad one makes the step a 500.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.reply.headers.append(name, value);
            }
            _ => self.mistake = Some(format!("script: {name:?}: {value:?} is no header")),
        }
        self
    }

    /// Sends one chunk of the body in a write of its own.
    #[must_use]
    pub fn piece(mut self, bytes: impl Into<Bytes>) -> Self {
        self.has_head = true;
        self.pieces.push(Piece::Bytes(bytes.into()));
        self
    }

    /// Waits on the runtime's clock, which a test can pause.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.then(Piece::Pause(time))
    }

    /// Waits until the test opens the gate.
    #[must_use]
    pub fn gate(self, gate: &Gate) -> Self {
        self.then(Piece::Gate(gate.clone()))
    }

    /// Sends a TCP RST behind everything before; on HTTP/2 an `RST_STREAM`.
    ///
    /// As with any reset, bytes that the client's receive window had no room for yet are lost.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Piece::Cut(Cut::Reset))
    }

    /// Closes the connection cleanly (FIN) behind everything before, without ending the body.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Piece::Cut(Cut::Close))
    }

    /// Sends nothing more until the client leaves.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(Piece::Hang)
    }

    /// Answers as soon as the request's head is there, without reading its body.
    #[must_use]
    pub fn before_body(mut self) -> Self {
        self.order = Order::BeforeBody;
        self
    }

    pub(crate) fn order(&self) -> Order {
        self.order
    }

    pub(crate) fn into_reply(self) -> Reply {
        if let Some(mistake) = self.mistake {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return Reply::whole(status, "text/plain", mistake.into());
        }
        let mut reply = self.reply;
        if self.pieces.is_empty() {
            return reply;
        }
        reply.content = Content::Pieces(self.pieces);
        reply
    }

    fn then(mut self, piece: Piece) -> Self {
        if self.has_head {
            self.pieces.push(piece);
        } else {
            self.reply.before.push(piece);
        }
        self
    }
}

impl Default for Step {
    fn default() -> Self {
        Self::new()
    }
}

/// When a step answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    AfterBody,
    BeforeBody,
    /// The model answers itself.
    Own,
}

/// The steps still to be used, one per request.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    left: AtomicUsize,
    steps: Mutex<VecDeque<Step>>,
}

impl Queue {
    pub(crate) fn extend(&self, added: impl IntoIterator<Item = Step>) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.extend(added);
        self.left.store(steps.len(), Ordering::SeqCst);
    }

    pub(crate) fn len(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    pub(crate) fn pop(&self) -> Option<Step> {
        if self.len() == 0 {
            return None;
        }
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let step = steps.pop_front();
        self.left.store(steps.len(), Ordering::SeqCst);
        step
    }
}
