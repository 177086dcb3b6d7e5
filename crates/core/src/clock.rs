//! Time that tests can turn.
//!
//! Waits and cool-downs use the monotonic [`Instant`]; only expiry dates of client keys and dates in
//! `retry-after` use the wall clock, so that turning the wall clock moves nothing else.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Returns a duration in whole milliseconds, as APIs and files have it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a wait in whole seconds, rounded up: whoever comes a moment early is refused again.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add((wait.subsec_nanos() > 0).into())
}

/// Returns the same for words to people, at least 1: "in 0 s" would say that there is no wait.
pub fn seconds_to_wait(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

/// Tells the time. Clones share it.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    Shifted { ahead: Mutex<Duration> },
    Manual { started: Instant, elapsed: Mutex<Duration>, wall: SystemTime },
}

impl Clock {
    /// Returns the machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// Returns a clock that stands still until [`Clock::advance`], its wall time at `unix_seconds`.
    pub fn manual(unix_seconds: u64) -> Self {
        Self(Arc::new(Source::Manual {
            started: instant_now(),
            elapsed: Mutex::new(Duration::ZERO),
            wall: UNIX_EPOCH + Duration::from_secs(unix_seconds),
        }))
    }

    /// Returns a clock that runs like the machine's and can be put forward.
    pub fn shifted() -> Self {
        Self(Arc::new(Source::Shifted { ahead: Mutex::default() }))
    }

    /// Puts a manual or shifted clock forward. Does nothing to the machine's.
    pub fn advance(&self, by: Duration) {
        match &*self.0 {
            Source::System => {}
            Source::Shifted { ahead: turned } | Source::Manual { elapsed: turned, .. } => {
                *turned.lock().unwrap_or_else(PoisonError::into_inner) += by;
            }
        }
    }

    /// Returns the monotonic time.
    pub fn now(&self) -> Instant {
        match &*self.0 {
            Source::System => instant_now(),
            Source::Shifted { ahead } => {
                instant_now() + *ahead.lock().unwrap_or_else(PoisonError::into_inner)
            }
            Source::Manual { started, elapsed, .. } => {
                *started + *elapsed.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    /// Returns the wall time.
    pub fn wall(&self) -> SystemTime {
        match &*self.0 {
            Source::System => wall_now(),
            Source::Shifted { ahead } => {
                wall_now() + *ahead.lock().unwrap_or_else(PoisonError::into_inner)
            }
            Source::Manual { elapsed, wall, .. } => {
                *wall + *elapsed.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    /// Returns the wall time as a moment of the calendar.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::try_from(self.wall()).unwrap_or(Timestamp::MAX)
    }

    /// Returns the wall time in whole seconds since 1970, 0 if it is before.
    pub fn unix_seconds(&self) -> u64 {
        self.wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn instant_now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn wall_now() -> SystemTime {
    SystemTime::now()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_in_whole_seconds_is_never_too_short() {
        let check = |millis, expected| {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), expected);
        };
        check(0, 0);
        check(1, 1);
        check(59_847, 60);
        check(60_000, 60);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
        assert_eq!(seconds_to_wait(Duration::ZERO), 1);
        assert_eq!(seconds_to_wait(Duration::from_millis(1_001)), 2);
    }
}
