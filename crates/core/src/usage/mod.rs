//! What is kept of every model call: who asked whom for what, the tokens and the money.
//!
//! A record is made where a request ends and goes to a [`Recorder`]; the program's writes it to the
//! store, a test's keeps it in a list.

mod id;
mod log;
mod row;
mod tokens;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub use self::id::RecordId;
pub use self::log::{Bodies, Body, CallLog, FailedAttempt, MAX_ERROR_CHARS, MAX_PATH_CHARS};
pub use self::tokens::Tokens;

/// One model call, as it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Its own id: records sort by it as they ended. The request's id is the client's to choose and may
    /// come twice.
    pub id: RecordId,
    /// The id in `x-request-id` and the log.
    pub request_id: Arc<str>,
    /// The client key's name; `None` where no key is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<Arc<str>>,
    /// The client's format.
    pub format: Cow<'static, str>,
    /// What was asked for: `chat` or `count_tokens`.
    pub operation: Cow<'static, str>,
    /// The model's name as the client wrote it, cut to [`MAX_NAME_CHARS`].
    pub asked: Arc<str>,
    /// The combo or fallback chain that the name stood for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combo: Option<Arc<str>>,
    /// Whom was asked last; `None` if nobody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Arc<str>>,
    /// With which identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
    /// For which model, by the provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// The filter that answered in the place of a provider: `idempotency` or `response_cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Cow<'static, str>>,
    /// The status the client got; 499 if it left before one was sent.
    pub status: u16,
    /// The code of our error, if the client got one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// How many accounts were tried.
    pub attempts: u32,
    /// Whether the client wanted a stream.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stream: bool,
    /// Whether the reply was cut after it had begun.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// Tokens as the provider counted them.
    #[serde(default)]
    pub tokens: Tokens,
    /// Whether any number of tokens is our own count.
    #[serde(default, skip_serializing_if = "is_false")]
    pub estimated: bool,
    /// What the call cost, in nanodollars; `None` if the price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_nanodollars: Option<u64>,
    /// Which prices that was worked out with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_version: Option<u64>,
    /// From the request's arrival to the first byte of the answer, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// From the request's arrival to its end, in microseconds.
    pub duration_us: u64,
    /// What the request log keeps besides; the store keeps it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Box<CallLog>>,
}

/// Longest name that a record keeps, in characters: names are the client's to choose.
pub const MAX_NAME_CHARS: usize = 200;

impl UsageRecord {
    /// Tells whether the client got a whole good answer.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status) && !self.interrupted && self.error.is_none()
    }

    /// Returns how much memory its bodies take, in bytes.
    pub fn body_bytes(&self) -> usize {
        self.log.as_ref().and_then(|log| log.bodies.as_ref()).map_or(0, Bodies::size)
    }

    /// Lets go of its bodies, and says so in its log; tells whether there were any.
    pub fn lose_bodies(&mut self) -> bool {
        let Some(log) = self.log.as_mut().filter(|log| log.bodies.is_some()) else { return false };
        log.bodies = None;
        log.bodies_lost = true;
        true
    }

    /// Returns when the call ended, in milliseconds since 1970.
    pub const fn ended_unix_ms(&self) -> u64 {
        self.id.unix_ms()
    }
}

/// Takes records of calls. Called where a request ends, so it must neither block nor fail.
pub trait Recorder: Send + Sync {
    /// Takes a record.
    fn record(&self, record: UsageRecord);
}

/// Keeps nothing: for a gateway that has no place to keep records.
pub struct NoRecorder;

impl Recorder for NoRecorder {
    fn record(&self, _: UsageRecord) {}
}

impl Recorder for Mutex<Vec<UsageRecord>> {
    fn record(&self, record: UsageRecord) {
        self.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_false(value: &bool) -> bool {
    !*value
}
