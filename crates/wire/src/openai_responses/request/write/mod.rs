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
#[cfg(test)]
mod tests;
mod tools;

use self::body::Body;
use crate::chat::ChatRequest;
use crate::codec::{Target, WireError, Written};
use crate::field_names::Field;
use crate::notes::Notes;
use crate::writing::Writing;

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
    let mut writing = Writing::new(request, target, notes);
    writing.aftercare.hide_reasoning = request.reasoning.show == Some(false);
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
    writing.finish(&body, request.delivery.stream)
}
