//! Times as the administration writes them.

use std::time::SystemTime;

use jiff::Timestamp;

/// Writes a time as RFC 3339 in UTC; times outside of what that can say as the nearest it can.
pub(super) fn iso(time: SystemTime) -> String {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX).to_string()
}
