//! Processor time as a multiple of bare Pingora's, and how much of it is allowed.

use serde::Serialize;

use crate::bed::Subject;
use crate::numbers::Spread;

/// The most that the gateway may take, as a multiple of bare Pingora's processor time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    same_format: f64,
    translated: f64,
}

impl Most {
    /// The project's targets, set for bodies of 2 KB.
    pub(crate) const ALLOWED: Self = Self { same_format: 1.5, translated: 2.0 };

    const fn of(self, subject: Subject) -> Option<f64> {
        match subject {
            Subject::SameFormat => Some(self.same_format),
            Subject::Translated => Some(self.translated),
            Subject::Provider
            | Subject::BarePingora
            | Subject::Nginx
            | Subject::NoAccessLog
            | Subject::KeyOnly => None,
        }
    }
}

/// How a subject's processor time compares with bare Pingora's of the same rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct OfBare {
    /// `None` for bare Pingora itself.
    pub(crate) ratio: Option<Spread>,
    pub(crate) target: Option<f64>,
    pub(crate) is_reached: Option<bool>,
}

impl OfBare {
    /// Looks whether a ratio is allowed; `most` is `None` where no target is set.
    pub(crate) fn new(subject: Subject, ratio: Option<Spread>, most: Option<Most>) -> Self {
        let target = most.and_then(|most| most.of(subject));
        let is_reached = ratio.zip(target).map(|(ratio, target)| ratio.median <= target);
        Self { ratio, target, is_reached }
    }

    /// Returns ratio and target, if the target was missed.
    pub(crate) fn missed(self) -> Option<(f64, f64)> {
        (!self.is_reached?).then_some((self.ratio?.median, self.target?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_missed_beyond_it_by_whom_it_was_set_for() {
        let compared = |subject, median| {
            let ratio = Spread { median, least: median, most: median };
            OfBare::new(subject, Some(ratio), Some(Most::ALLOWED))
        };
        assert_eq!(compared(Subject::SameFormat, 1.5).missed(), None);
        assert_eq!(compared(Subject::SameFormat, 1.6).missed(), Some((1.6, 1.5)));
        assert_eq!(compared(Subject::Translated, 1.6).missed(), None);
        assert_eq!(compared(Subject::Nginx, 9.0).is_reached, None);
        assert_eq!(OfBare::new(Subject::SameFormat, None, Some(Most::ALLOWED)).is_reached, None);
    }
}
