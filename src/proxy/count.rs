//! Counting the tokens of a request: by the provider's own endpoint where it has one, else by an
//! estimate that is marked as one.

use bytes::Bytes;
use omniroute_core::context::Operation;
use omniroute_core::error::Error;
use omniroute_core::ids::ProviderId;
use omniroute_core::routing::Choice;
use omniroute_wire::api_error::ErrorKind;
use omniroute_wire::{Notes, estimate};

use super::exchange::{Exchange, Step};
use super::head::Head as ClientHead;
use super::incoming::Head;
use super::outbound::Passage;

impl Exchange {
    /// Answers a count with an estimate, because no provider gave one. `None` if no count was asked for
    /// or the request is at fault, which the client must hear.
    pub(super) fn estimated_count(&mut self, error: &Error) -> Option<Step> {
        if self.operation() != Operation::CountTokens || self.has_begun() || is_request_fault(error)
        {
            return None;
        }
        let request = self.canonical().ok()?;
        let body = self.client.write_count(estimate::of_request(&request));
        let mut notes = Notes::default();
        notes.estimate("tokens");
        let head = ClientHead::new(200, &self.cx)
            .attempts(self.records.len())
            .translation(&notes.header_value())
            .whole("application/json", body.len());
        Some(Step::Write(self.release(head, vec![body.into()], true)))
    }

    /// Tells whether the chosen provider can be asked for a count, if one is wanted.
    ///
    /// # Errors
    ///
    /// [`Error::NotAvailable`] if it has no such endpoint; the count is then estimated.
    pub(super) fn can_count(&self, choice: &Choice) -> Result<(), Error> {
        let provider = &choice.target.provider;
        if self.operation() == Operation::CountTokens && provider.count_path.is_none() {
            return Err(Error::NotAvailable { what: no_count(&provider.id) });
        }
        Ok(())
    }

    /// Takes a provider's whole answer to a count.
    pub(super) fn count_ended(&mut self, head: &Head, body: Bytes) -> Step {
        let Some(attempt) = &self.attempt else { return self.give_up(Error::Internal) };
        let Some(tokens) = attempt.codec.read_count(&body) else {
            let what = no_count(&attempt.choice.target.provider.id);
            self.settle_served();
            return self.give_up(Error::NotAvailable { what });
        };
        let client_head = ClientHead::new(200, &self.cx).served_by(attempt, self.records.len() + 1);
        let (client_head, body) = match attempt.passage {
            Passage::Exact => {
                (client_head.pass_back(&head.headers, attempt.choice.account.key.as_ref()), body)
            }
            Passage::Translated => (client_head, self.client.write_count(tokens).into()),
        };
        let parcel =
            self.release(client_head.whole("application/json", body.len()), vec![body], true);
        self.settle_served();
        Step::Write(parcel)
    }
}

fn no_count(provider: &ProviderId) -> String {
    format!("a count of tokens at provider `{provider}`")
}

/// Tells whether an estimate would hide what is wrong with the request. A provider that knows no such
/// endpoint says so with a status that would otherwise speak of the model.
fn is_request_fault(error: &Error) -> bool {
    match error {
        Error::Wire(_) => true,
        Error::Upstream { error, .. } => {
            !lacks_endpoint(error.status)
                && matches!(
                    error.kind,
                    ErrorKind::InvalidRequest | ErrorKind::ContextTooLong | ErrorKind::TooLarge
                )
        }
        _ => false,
    }
}

/// Tells whether a status means that the provider has no endpoint of this path.
pub(super) const fn lacks_endpoint(status: u16) -> bool {
    matches!(status, 404 | 405 | 501)
}
