//! What comes back from a provider, as it comes: a refusal, a whole reply, or a stream that is held
//! until its first content.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use omniroute_wire::Translator;
use omniroute_wire::translator::{Collector, WholeTurn};
use pingora::http::ResponseHeader;

/// Most bytes of a refusal that are read (design/reliability.md, section 3).
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// Most bytes of a whole reply.
pub const MAX_WHOLE_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes of a stream that are held before its first content.
const MAX_HELD_BYTES: usize = 256 * 1024;

/// How long a stream without content is held: a provider that only sends signs of life for longer is
/// thinking, and the client should know that somebody is there.
const MAX_HELD: Duration = Duration::from_secs(10);

/// What has come of an answer.
pub enum Incoming {
    /// Nothing.
    Awaited,
    /// A status that is no success; its body says why.
    Refusal {
        /// The status and headers.
        head: Head,
        /// The body so far, cut at its limit.
        body: BytesMut,
    },
    /// A whole reply.
    Whole {
        /// The status and headers.
        head: Head,
        /// The body so far.
        body: Pieces,
        /// What earlier replies of the same turn said, if the provider paused.
        turn: Option<Box<WholeTurn>>,
    },
    /// A stream that is collected, because the client wants a whole answer.
    Collected {
        /// The status and headers.
        head: Head,
        /// What the stream has said so far.
        collector: Box<Collector>,
    },
    /// A stream.
    Stream(Box<Stream>),
}

/// Status and headers of an answer.
pub struct Head {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
}

impl Incoming {
    /// Takes a stream whose first piece shows that it is none for a whole answer.
    pub fn settle_kind(&mut self, piece: &[u8]) {
        let is_document = match self {
            Self::Stream(stream) => stream.begins_document(piece),
            _ => false,
        };
        if is_document && let Self::Stream(stream) = std::mem::replace(self, Self::Awaited) {
            *self = Self::Whole { head: stream.head, body: Pieces::default(), turn: None };
        }
    }
}

/// A stream on its way to the client.
pub struct Stream {
    /// The status and headers.
    pub head: Head,
    /// Turns the provider's bytes into the client's.
    pub translator: Translator,
    /// What is held back until the first content; `None` once the client has the head.
    pub held: Option<Held>,
}

/// The part of a stream that is held back.
pub struct Held {
    /// The client's bytes.
    pub pieces: Vec<Bytes>,
    since: Instant,
    /// Whether anything has come of the body.
    has_come: bool,
}

impl Stream {
    /// Takes note of a piece, and tells whether it is the beginning of a JSON document: a provider that does not say what
    /// it sends may send one where events were asked for.
    pub fn begins_document(&mut self, piece: &[u8]) -> bool {
        let Some(held) = &mut self.held else { return false };
        let is_first = !std::mem::replace(&mut held.has_come, true);
        is_first && self.head.content_type().is_none() && piece.trim_ascii_start().starts_with(b"{")
    }
}

impl Held {
    /// Begins to hold.
    pub const fn new(now: Instant) -> Self {
        Self { pieces: Vec::new(), since: now, has_come: false }
    }

    /// Tells whether holding any longer does more harm than good.
    pub fn is_long(&self, now: Instant) -> bool {
        let bytes: usize = self.pieces.iter().map(Bytes::len).sum();
        bytes > MAX_HELD_BYTES || now.saturating_duration_since(self.since) > MAX_HELD
    }
}

/// A body in pieces, joined only if there are several.
#[derive(Default)]
pub struct Pieces {
    pieces: Vec<Bytes>,
    bytes: usize,
}

/// A body grew over its limit.
pub struct TooLarge;

impl Pieces {
    /// Adds a piece.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] above 64 MiB.
    pub fn push(&mut self, piece: Bytes) -> Result<(), TooLarge> {
        self.bytes += piece.len();
        if self.bytes > MAX_WHOLE_BYTES {
            return Err(TooLarge);
        }
        self.pieces.push(piece);
        Ok(())
    }

    /// Returns the whole body.
    pub fn join(mut self) -> Bytes {
        if self.pieces.len() == 1 {
            return self.pieces.pop().unwrap_or_default();
        }
        let mut whole = BytesMut::with_capacity(self.bytes);
        for piece in &self.pieces {
            whole.extend_from_slice(piece);
        }
        whole.freeze()
    }
}

/// Adds to a refusal's body what still fits.
pub fn extend_refusal(body: &mut BytesMut, piece: &[u8]) {
    let room = MAX_REFUSAL_BYTES.saturating_sub(body.len());
    body.extend_from_slice(&piece[..piece.len().min(room)]);
}

impl Head {
    /// Takes status and headers of a provider's answer.
    pub fn of(head: &ResponseHeader) -> Self {
        Self { status: head.status.as_u16(), headers: head.headers.clone() }
    }

    /// Tells whether the body is one JSON document rather than a stream.
    pub fn is_json(&self) -> bool {
        self.content_type().is_some_and(|kind| kind.starts_with("application/json"))
    }

    /// Returns the content type.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }
}
