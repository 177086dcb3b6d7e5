//! Times as the administration writes them.

use std::time::SystemTime;

use jiff::Timestamp;

/// Writes a time as RFC 3339 in UTC; times outside of what that can say as the nearest it can.
pub(super) fn iso(time: SystemTime) -> String {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX).to_string()
}

/// Writes a time of milliseconds since 1970.
pub(super) fn of_ms(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    // With all digits, so that texts sort as times do.
    format!("{time:.3}")
}
