//! A provider's own rules for its errors (`on_status`), where the general verdict would be wrong.

use std::time::Duration;

use omniroute_wire::UpstreamError;

use super::{Next, Reason, Rest, Scope, Verdict, general};

/// What an error of a provider means, if it is this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Words that the error's message, type or code has to hold, in lower case; `None`: any error.
    pub contains: Option<Box<str>>,
    /// What the error is; what its status and words say if not given.
    pub reason: Option<Reason>,
    /// What to try next; what the reason says if not given.
    pub try_next: Option<TryNext>,
    /// Who rests; as `try_next` says if not given. The inner `None` means nobody.
    pub rests: Option<Option<Scope>>,
    /// How long, unless the provider names a wait; what the reason says if not given.
    pub cool_down: Option<Duration>,
}

/// Where the fault lies that an error reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryNext {
    /// At the account: another account of the provider may serve.
    Account,
    /// At the model: another model may serve.
    Model,
    /// At the request: nobody else is tried.
    Nothing,
}

impl Rule {
    /// Tells whether the rule speaks of this error.
    pub fn speaks_of(&self, error: &UpstreamError) -> bool {
        let Some(words) = &self.contains else { return true };
        [&error.message, &error.native_type, &error.native_code]
            .into_iter()
            .any(|text| text.to_lowercase().contains(&**words))
    }

    /// Returns the verdict on an error whose status and words say `reason`.
    pub(super) fn apply(&self, reason: Reason, wait: Option<Duration>) -> Verdict {
        let general = general(self.reason.unwrap_or(reason), wait);
        let next = match self.try_next {
            None => general.next,
            Some(TryNext::Account) => Next::OtherAccount,
            Some(TryNext::Model) => Next::OtherModel,
            Some(TryNext::Nothing) => Next::Nobody,
        };
        let by_next = match self.try_next {
            None => Some(general.scope),
            Some(TryNext::Account) => Some(Scope::Account),
            Some(TryNext::Model) => Some(Scope::Model),
            Some(TryNext::Nothing) => None,
        };
        let Some(scope) = self.rests.unwrap_or(by_next) else {
            return Verdict { next, rest: Rest::None, ..general };
        };
        let rest = match self.cool_down {
            Some(cool_down) => Rest::Away(Some(wait.unwrap_or(cool_down))),
            None => general.rest,
        };
        Verdict { next, rest, scope, ..general }
    }
}
