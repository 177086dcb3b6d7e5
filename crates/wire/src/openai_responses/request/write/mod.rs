//! Writes a canonical request for a provider of this format.
//!
//! `input` is the last member, and nothing before it depends on the conversation, so that a longer
//! history begins with the bytes of a shorter one and prompt caches hit. Leading instructions are items
//! like all others for the same reason. Nothing is stored at the provider; its reasoning is asked for
//! in encrypted form instead, so that the next request can bring it back.

mod body;
mod cache;
mod call_ids;
mod extra;
mod input;
mod media;
mod names;
mod options;
mod output;
mod reasoning;
mod results;
mod schema;
#[cfg(test)]
mod tests;
mod tools;

use std::borrow::Cow;

use self::body::Body;
use crate::aftercare::Aftercare;
use crate::chat::ChatRequest;
use crate::codec::{Target, WireError, Written};
use crate::field_names::Field;
use crate::model_facts::ModelFacts;
use crate::notes::Notes;
use crate::refusals::Refusals;

/// What all pieces of the writer share.
struct Writing<'a, 'n> {
    request: &'a ChatRequest,
    target: &'a Target<'a>,
    facts: &'a ModelFacts,
    notes: &'n mut Notes,
    refused: Refusals,
    aftercare: Aftercare,
}

impl Writing<'_, '_> {
    fn approximate(&mut self, field: Field, detail: impl Into<Cow<'static, str>>) {
        self.notes.approximate(field.name(self.request), detail);
    }

    fn drop(&mut self, field: Field, detail: impl Into<Cow<'static, str>>) {
        self.notes.drop(field.name(self.request), detail);
    }

    /// Records a field whose loss would change what was asked for.
    fn refuse(&mut self, field: Field, why: impl Into<String>) {
        let name = field.name(self.request);
        if !self.refused.contains(name) {
            self.refused.add(name, why);
        }
    }
}

/// Writes a request.
///
/// # Errors
///
/// [`WireError::Unsupported`] with every field whose loss would change what was asked for.
pub(in crate::openai_responses) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Written, WireError> {
    let mut writing = Writing {
        request,
        target,
        facts: target.facts,
        notes,
        refused: Refusals::default(),
        aftercare: Aftercare::default(),
    };
    let mut body = Body { model: target.model, ..Body::default() };
    if request.delivery.stream {
        body.stream = Some(true);
    }
    options::write(&mut writing, &mut body);
    body.reasoning = reasoning::options(&mut writing);
    body.text = output::text(&mut writing);
    tools::write(&mut writing, &mut body);
    extra::write(&mut writing, &mut body);
    body.input = input::write(&mut writing);
    cache::limit_marks(&mut writing, &mut body.input);
    if body.input.is_empty() {
        writing.refuse(Field::MESSAGES, "nothing is left to send");
    }
    writing.aftercare.hide_reasoning = request.reasoning.show == Some(false);
    let body = writing.refused.or_body(&body)?;
    let stream = request.delivery.stream;
    Ok(Written { body, stream, headers: Vec::new(), aftercare: writing.aftercare })
}
