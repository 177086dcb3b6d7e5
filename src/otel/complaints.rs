//! Log lines about a collector that does not take what it is sent: one a minute, whatever happens.

use std::time::{Duration, Instant};

/// Time between two lines.
const BETWEEN: Duration = Duration::from_secs(60);

/// When the last line was written.
#[derive(Debug, Default)]
pub struct Complaints {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    /// Complains, unless that was done less than a minute ago.
    pub fn complain(&mut self, signal: &str, why: &str, now: Instant) {
        if let Some(unsaid) = self.may_say(now) {
            tracing::warn!(signal, why, unsaid, "the OTLP collector did not take an export");
        }
    }

    /// Returns how many complaints were not written since the last, if this one may be.
    fn may_say(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < BETWEEN) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use omniroute_core::clock::Clock;

    use super::*;

    #[test]
    fn a_broken_collector_is_named_once_a_minute() {
        let clock = Clock::manual(0);
        let mut complaints = Complaints::default();
        let said: Vec<_> = (0..121)
            .map(|_| {
                let said = complaints.may_say(clock.now());
                clock.advance(Duration::from_secs(1));
                said
            })
            .collect();
        assert_eq!(said.iter().flatten().copied().collect::<Vec<_>>(), [0, 59, 59]);
    }
}
