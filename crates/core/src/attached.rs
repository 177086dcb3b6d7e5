//! What filters attach to a request for its answer: headers, listeners, a companion of its stream.
//!
//! Empty it takes no allocation, and whoever writes an answer asks [`Attached::is_silent`] before doing
//! anything for it.

mod logging;

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use omniroute_wire::Usage;

pub use self::logging::{BodyLimits, Logging};
use crate::error::{Error, ErrorCode};
use crate::money::Charge;

/// What filters attached to one request.
#[derive(Debug, Default)]
pub struct Attached {
    /// Headers that the answer has besides its own.
    pub headers: HeaderMap,
    /// Those who hear what the client is sent.
    pub listeners: Vec<Box<dyn Listener>>,
    /// Who speaks between the events of a stream.
    pub companion: Option<Box<dyn Companion>>,
    /// The filter that answered the call in the place of a provider, which costs nothing.
    pub answered_by: Option<&'static str>,
    /// What the request log notes; `None` where the request is not logged.
    pub logging: Option<Logging>,
}

impl Attached {
    /// Tells whether nobody hears or speaks.
    pub const fn is_silent(&self) -> bool {
        let is_kept = matches!(&self.logging, Some(logging) if logging.keeps_bodies());
        self.listeners.is_empty() && self.companion.is_none() && !is_kept
    }

    /// Shows the request log the client's body.
    pub fn log_request(&mut self, body: &Bytes) {
        if let Some(logging) = &mut self.logging {
            logging.request(body);
        }
    }

    /// Shows the request log the next bytes that the client is sent.
    pub fn log_answer(&mut self, piece: &[u8]) {
        if let Some(logging) = &mut self.logging {
            logging.answer(piece);
        }
    }

    /// Tells the request log what our error says.
    pub fn log_error(&mut self, error: &Error) {
        if let Some(logging) = &mut self.logging {
            logging.error(error);
        }
    }

    /// Tells whether somebody else gets the same answer, so that it is to be finished although the client
    /// has left.
    pub fn is_followed(&self) -> bool {
        self.listeners.iter().any(|listener| listener.is_followed())
    }
}

/// Hears what a client is sent. Dropped before [`Listener::ended`]: the answer was cut or never begun.
pub trait Listener: Send + Sync + fmt::Debug {
    /// The head of the answer.
    fn head(&mut self, status: StatusCode, headers: &HeaderMap);

    /// The next bytes of the body. What companions say is not among them.
    fn piece(&mut self, piece: &Bytes);

    /// The answer has ended properly, even if as an error.
    fn ended(&mut self, ending: &Ending);

    /// Whether somebody else gets the same answer.
    fn is_followed(&self) -> bool {
        false
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Our error, if it was one or ended in one.
    pub error: Option<ErrorCode>,
    /// Whether it was cut after it had begun.
    pub interrupted: bool,
    /// Tokens as the provider counted them.
    pub usage: Usage,
    /// What it cost; `None` where nobody knows the price.
    pub charge: Option<Charge>,
    /// When it ended.
    pub at: Instant,
}

/// Speaks between the events of a stream: of itself, never in the answer's name.
pub trait Companion: Send + Sync + fmt::Debug {
    /// An attempt begins.
    fn attempt(&mut self, attempt: &Attempt<'_>);

    /// Whether there is anything to say now. Asked for every piece of the stream, so it must be cheap.
    fn is_due(&self, now: Instant) -> bool;

    /// Returns what is to be said, each a JSON object. `output_tokens` are those that have come so far;
    /// `is_end`: nothing can be said after this.
    fn speak(&mut self, now: Instant, output_tokens: u64, is_end: bool) -> Vec<String>;
}

/// An attempt that begins.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Whom is asked.
    pub provider: &'a str,
    /// For which model.
    pub model: &'a str,
    /// When it begins.
    pub at: Instant,
}
