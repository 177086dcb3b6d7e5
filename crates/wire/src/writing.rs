//! What all pieces of a request's writer share, whatever the format.

use std::borrow::Cow;

use serde::Serialize;

use crate::aftercare::Aftercare;
use crate::chat::ChatRequest;
use crate::codec::{Target, WireError, Written};
use crate::field_names::Field;
use crate::model_facts::ModelFacts;
use crate::notes::Notes;
use crate::refusals::Refusals;

/// One request that is being written for a target.
pub(crate) struct Writing<'a, 'n> {
    /// What was asked.
    pub(crate) request: &'a ChatRequest,
    /// Where it goes.
    pub(crate) target: &'a Target<'a>,
    /// What is known of the target's model.
    pub(crate) facts: &'a ModelFacts,
    /// What cannot be carried as it was.
    pub(crate) notes: &'n mut Notes,
    /// Fields whose loss would change what was asked for, collected so that one error names them all.
    pub(crate) refused: Refusals,
    /// What the reply needs.
    pub(crate) aftercare: Aftercare,
}

impl<'a, 'n> Writing<'a, 'n> {
    /// Begins to write a request.
    pub(crate) fn new(
        request: &'a ChatRequest,
        target: &'a Target<'a>,
        notes: &'n mut Notes,
    ) -> Self {
        Self {
            request,
            target,
            facts: target.facts,
            notes,
            refused: Refusals::default(),
            aftercare: Aftercare {
                server_tools: request.tools.iter().any(|tool| !tool.is_clients()),
                ..Aftercare::default()
            },
        }
    }

    /// Records that a field is carried with a change.
    pub(crate) fn approximate(&mut self, field: Field, detail: impl Into<Cow<'static, str>>) {
        self.notes.approximate(field.name(self.request), detail);
    }

    /// Records that a field is left out.
    pub(crate) fn drop(&mut self, field: Field, detail: impl Into<Cow<'static, str>>) {
        self.notes.drop(field.name(self.request), detail);
    }

    /// Records, once, that the request cannot be sent because of this field.
    pub(crate) fn refuse(&mut self, field: Field, why: impl Into<String>) {
        let name = field.name(self.request);
        if !self.refused.contains(name) {
            self.refused.add(name, why);
        }
    }

    /// Makes the request, with or without a stream, unless something was refused.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`] with every refused field.
    pub(crate) fn finish(self, body: &impl Serialize, stream: bool) -> Result<Written, WireError> {
        let body = self.refused.or_body(body)?;
        Ok(Written { body, stream, headers: Vec::new(), aftercare: self.aftercare })
    }
}
