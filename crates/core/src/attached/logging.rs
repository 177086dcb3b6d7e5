//! What the request log notes of a request while it runs. Without bodies it takes no allocation unless the
//! request ends in an error.

use bytes::Bytes;

use crate::error::Error;
use crate::usage::{Bodies, Body, MAX_ERROR_CHARS};

/// What the request log notes of one request.
#[derive(Debug, Default)]
pub struct Logging {
    error: Option<Box<str>>,
    transcript: Option<Box<Transcript>>,
}

/// How much of bodies is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Most bytes of one body.
    pub max_bytes: usize,
    /// Most calls whose bodies are kept.
    pub max_entries: u64,
}

/// The bodies of one call, as far as they have come.
struct Transcript {
    limits: BodyLimits,
    /// The beginning of the client's body. Shares the memory that the call itself has.
    request: Bytes,
    request_bytes: u64,
    answer: Vec<u8>,
    answer_bytes: u64,
}

impl Logging {
    /// Begins to note; with limits also the bodies.
    pub fn new(bodies: Option<BodyLimits>) -> Self {
        let transcript = bodies.map(|limits| {
            Box::new(Transcript {
                limits,
                request: Bytes::new(),
                request_bytes: 0,
                answer: Vec::new(),
                answer_bytes: 0,
            })
        });
        Self { error: None, transcript }
    }

    /// Tells whether bodies are kept.
    pub const fn keeps_bodies(&self) -> bool {
        self.transcript.is_some()
    }

    pub(super) fn request(&mut self, body: &Bytes) {
        let Some(transcript) = &mut self.transcript else { return };
        transcript.request = body.slice(..body.len().min(transcript.limits.max_bytes));
        transcript.request_bytes = body.len() as u64;
    }

    pub(super) fn answer(&mut self, piece: &[u8]) {
        let Some(transcript) = &mut self.transcript else { return };
        transcript.answer_bytes += piece.len() as u64;
        let room = transcript.limits.max_bytes.saturating_sub(transcript.answer.len());
        // Copied: a piece may be a small part of a large buffer.
        transcript.answer.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    pub(super) fn error(&mut self, error: &Error) {
        self.error = Some(error.to_string().chars().take(MAX_ERROR_CHARS).collect());
    }

    /// Gives away the error's text and the bodies.
    pub fn end(self) -> (Option<Box<str>>, Option<Bodies>) {
        let bodies = self.transcript.map(|transcript| Bodies {
            request: Body::new(transcript.request.to_vec(), transcript.request_bytes),
            answer: Body::new(transcript.answer, transcript.answer_bytes),
            max_entries: transcript.limits.max_entries,
        });
        (self.error, bodies)
    }
}

/// Prompts are never printed.
impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_kept_to_their_limit_and_counted_beyond_it() {
        let limits = BodyLimits { max_bytes: 8, max_entries: 3 };
        let mut logging = Logging::new(Some(limits));

        logging.request(&Bytes::from_static(b"0123456789"));
        for piece in [&b"abc"[..], b"defg", b"hijk", b"l"] {
            logging.answer(piece);
        }
        logging.error(&Error::Draining);
        assert!(!format!("{logging:?}").contains("abc"), "{logging:?}");
        let (error, bodies) = logging.end();

        let bodies = bodies.unwrap();
        assert_eq!((&*bodies.request.text, bodies.request.bytes), ("01234567", 10));
        assert_eq!((&*bodies.answer.text, bodies.answer.bytes), ("abcdefgh", 12));
        assert!(bodies.request.cut && bodies.answer.cut);
        assert_eq!(bodies.size(), 16);
        assert_eq!(error.as_deref(), Some("the gateway is stopping; try again"));
    }

    #[test]
    fn without_bodies_nothing_of_them_stays() {
        let mut logging = Logging::new(None);

        logging.request(&Bytes::from_static(b"canary"));
        logging.answer(b"canary");

        assert_eq!(logging.end(), (None, None));
    }
}
