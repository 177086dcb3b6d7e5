//! Requests that are answered here, without a provider.

mod models;
mod probes;

pub use models::models;
pub use probes::{live, metrics, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use omniroute_core::filter::Reply;

/// Makes a whole answer.
fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Reply { status, headers, body: body.into() }
}
