//! A provider refused a credential that may have been replaced meanwhile: the same account is asked once
//! more, with the new one.

use std::sync::Arc;

use omniroute_core::routing::Choice;
use omniroute_core::snapshot::Account;
use omniroute_core::verdict::Reason;

use super::exchange::Exchange;

/// How far a request has come with it. There is one per request, whatever `routing.max_attempts` says.
#[derive(Default)]
pub enum Renewal {
    /// No credential was refused yet.
    #[default]
    Untried,
    /// This one was, and is to be looked for again.
    Asked(Box<Choice>),
    /// That was done.
    Done,
}

impl Exchange {
    /// Takes note of a failure, and tells whether it may be mended by another credential.
    pub(super) fn may_renew(&mut self, choice: &Choice, reason: Reason) -> bool {
        let is_first = matches!(self.renewal, Renewal::Untried);
        if !is_first || reason != Reason::Credential || choice.account.key.is_none() {
            return false;
        }
        self.renewal = Renewal::Asked(Box::new(choice.clone()));
        true
    }

    /// Returns the account whose credential is to be looked for again.
    pub(super) fn to_renew(&self) -> Option<Arc<Account>> {
        match &self.renewal {
            Renewal::Asked(choice) => Some(Arc::clone(&choice.account)),
            Renewal::Untried | Renewal::Done => None,
        }
    }

    /// Takes the account with its new credential; with `None` others are asked, as after any failure.
    pub fn renewed(&mut self, account: Option<Arc<Account>>) {
        let before = std::mem::replace(&mut self.renewal, Renewal::Done);
        if let (Renewal::Asked(mut choice), Some(account)) = (before, account) {
            choice.account = account;
            self.planned.ask_first(*choice);
        }
    }
}
