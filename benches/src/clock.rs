//! The one place that reads the time: measuring real time is what this program is for.

use std::time::Instant;

/// Returns the time on the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "a measurement needs the machine's own time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
