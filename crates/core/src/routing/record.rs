//! Why candidates were taken out: what is left of a decision for `explain`.

use std::time::Duration;

use super::choice::Entry;
use crate::clock::seconds_to_wait;
use crate::ids::AccountId;
use crate::snapshot::Target;
use crate::state::{Admission, Gate};
use crate::verdict::Reason;

/// A candidate that was not tried, and the rule that took it out.
#[derive(Clone, Debug)]
pub struct Considered {
    /// Provider and model.
    pub target: Target,
    /// The account; `None` if the target as a whole was taken out.
    pub account: Option<AccountId>,
    /// The rule.
    pub removal: Removal,
}

/// The rule that took a candidate out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its provider has no enabled account.
    NoAccount,
    /// Its provider is blocked by the operator.
    Blocked,
    /// Its provider's breaker is open for this long.
    Breaker(Duration),
    /// The account, or this model of it, rests.
    Resting(Duration, Reason),
    /// It had no room and there was no time to wait.
    Busy(&'static str, Option<Duration>),
    /// It takes no second attempts now.
    RetryBudget,
    /// It was tried before.
    Tried,
    /// The verdict on an earlier attempt ruled it out.
    Verdict,
}

impl Removal {
    /// Returns the rule behind an account's or a breaker's refusal.
    pub(super) const fn of(entry: Entry) -> Self {
        match entry {
            Entry::Breaker(Gate::Open(left)) => Self::Breaker(left),
            Entry::Breaker(_) => Self::Breaker(Duration::ZERO),
            Entry::Account(Admission::Away(left, reason)) => Self::Resting(left, reason),
            Entry::Account(Admission::Busy(busy)) => Self::Busy(busy.limit, busy.left),
            Entry::Account(Admission::RetryBudget) => Self::RetryBudget,
            // Who may be tried is not taken out; it is by now.
            Entry::Account(Admission::Ready | Admission::Behind(_)) => Self::Tried,
        }
    }

    /// Returns when the candidate may be back, if that is known.
    pub const fn left(&self) -> Option<Duration> {
        match self {
            Self::Breaker(left) | Self::Resting(left, _) => Some(*left),
            Self::Busy(_, left) => *left,
            _ => None,
        }
    }
}

impl std::fmt::Display for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = |left: &Duration| seconds_to_wait(*left);
        match self {
            Self::NoAccount => f.write_str("no enabled account"),
            Self::Blocked => {
                f.write_str("blocked by the operator (model_access.blocked_providers)")
            }
            Self::Breaker(left) if left.is_zero() => f.write_str("its breaker's probe is running"),
            Self::Breaker(left) => write!(f, "its breaker is open for {} s more", seconds(left)),
            Self::Resting(left, reason) => {
                write!(f, "rests for {} s more after {}", seconds(left), reason.name())
            }
            Self::Busy(limit, Some(left)) => {
                write!(f, "no room for {} s more ({limit})", seconds(left))
            }
            Self::Busy(limit, None) => write!(f, "no room until a call has ended ({limit})"),
            Self::RetryBudget => f.write_str("takes no second attempts now (retry budget)"),
            Self::Tried => f.write_str("was tried before"),
            Self::Verdict => f.write_str("ruled out by the verdict on an earlier attempt"),
        }
    }
}
