//! Logs and request ids.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use http::HeaderValue;
use omniroute_core::clock::Clock;
use rand::RngExt;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use uuid::{Builder, Uuid};

/// Longest `x-request-id` of a client that is taken over.
const MAX_REQUEST_ID: usize = 128;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Crates whose logs are cut off above `info` whatever the user asks for: at `debug` they print whole
/// request heads, keys included.
const NEVER_CHATTY: [&str; 8] = [
    "pingora",
    "pingora_core",
    "pingora_proxy",
    "pingora_http",
    "pingora_load_balancing",
    "h2",
    "hyper",
    "rustls",
];

/// Begins to log to standard error. `RUST_LOG` sets the levels; the default is `info`.
pub fn start(format: LogFormat) {
    let mut filter =
        EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    for name in NEVER_CHATTY {
        if let Ok(directive) = format!("{name}=warn").parse::<Directive>() {
            filter = filter.add_directive(directive);
        }
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    // A second start, as tests do, keeps the first subscriber.
    drop(started);
}

/// Returns a client's own request id if it is sane, else a new one that sorts by time.
pub fn request_id(given: Option<&HeaderValue>, clock: &Clock) -> Arc<str> {
    let sane = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    match given.and_then(|value| value.to_str().ok()).filter(sane) {
        Some(id) => id.into(),
        None => {
            let millis = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let millis = u64::try_from(millis).unwrap_or_default();
            // From the thread's own generator: the system's would cost a call for each request.
            let id = Builder::from_unix_timestamp_millis(millis, &rand::rng().random()).into_uuid();
            let mut text = Uuid::encode_buffer();
            Arc::from(&*id.simple().encode_lower(&mut text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_request_id_is_kept_and_others_are_replaced() {
        let id = |value: &'static [u8]| {
            request_id(Some(&HeaderValue::from_bytes(value).unwrap()), &Clock::system()).to_string()
        };
        assert_eq!(id(b"req-1.2:3_x"), "req-1.2:3_x");
        for insane in [&b"a b"[..], b"x\"y", b"\xff", b""] {
            assert_eq!(id(insane).len(), 32, "{insane:?}");
        }
        let clock = Clock::system();
        assert_ne!(request_id(None, &clock), request_id(None, &clock));
    }
}
