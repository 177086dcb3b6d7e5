//! A reply before it is sent: waits, head and body pieces, whoever composed it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::connection::Cut;
use crate::gate::Gate;

/// One action while a reply is sent.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// A chunk of the body; means nothing before the head.
    Bytes(Bytes),
    /// A wait on the runtime's clock.
    Pause(Duration),
    /// A wait for the test.
    Gate(Gate),
    /// A wait until the client leaves.
    Hang,
    /// The end of the connection (of the stream, for a reset on HTTP/2).
    Cut(Cut),
}

/// The body of a reply.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Known length: sent with `content-length`.
    Whole(Bytes),
    /// Chunks that each get a write of their own.
    Pieces(Vec<Piece>),
    /// Like `Pieces`, but shared by all requests that ask for the same.
    Shared(Arc<[Bytes]>),
}

/// All that is to be sent for one request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Waits and cuts that come before the head.
    pub(crate) before: Vec<Piece>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content: Content) -> Self {
        Self { before: Vec::new(), status, headers: HeaderMap::new(), content }
    }

    /// Makes a reply of known length.
    pub(crate) fn whole(status: StatusCode, media_type: &'static str, body: Bytes) -> Self {
        Self::new(status, Content::Whole(body)).with(CONTENT_TYPE, media_type)
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Makes a reply that ends the connection before any head.
    pub(crate) fn cut(cut: Cut) -> Self {
        let mut reply = Self::new(StatusCode::OK, Content::Whole(Bytes::new()));
        reply.before.push(Piece::Cut(cut));
        reply
    }
}
