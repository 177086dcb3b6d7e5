//! Logs and request ids.

mod journal;

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use http::HeaderValue;
use omniroute_core::clock::Clock;
use rand::RngExt;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use uuid::{Builder, Uuid};

use self::journal::Lines;

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
/// `notify` and `mio` would log about the log file they see written.
const NEVER_CHATTY: [&str; 7] = ["pingora", "h2", "hyper", "rustls", "notify", "mio", "inotify"];

/// Tells whether a log target belongs to one of those crates or, for Pingora, its parts.
fn is_never_chatty(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    NEVER_CHATTY.iter().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}

/// Begins to log to standard error. `RUST_LOG` sets the levels; the default is `info`. The journal of systemd
/// hears each line's level.
pub fn start(format: LogFormat) {
    let wanted =
        EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    // Joined to what the user wants, so that no directive, however specific, goes above it. The hint is
    // what keeps Pingora from preparing debug lines for nobody: half of a stream's processor time.
    let hint = wanted.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let ceiling = filter_fn(|metadata| {
        *metadata.level() <= tracing::Level::WARN || !is_never_chatty(metadata.target())
    })
    .with_max_level_hint(hint);
    let lines = tracing_subscriber::fmt::layer().with_writer(Lines::new());
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let layer = lines.with_filter(wanted.and(ceiling));
    let started = tracing_subscriber::registry().with(layer).try_init();
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
    fn crates_that_print_heads_are_kept_quiet_whatever_part_of_them_is_named() {
        for quiet in
            ["pingora_core::protocols::http::v1", "h2", "hyper_util::rt", "notify::inotify"]
        {
            assert!(is_never_chatty(quiet), "{quiet}");
        }
        for loud in ["omniroute::proxy", "access", "h2o", "hyperion"] {
            assert!(!is_never_chatty(loud), "{loud}");
        }
    }

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
