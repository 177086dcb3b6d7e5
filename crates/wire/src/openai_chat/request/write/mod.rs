//! Writes a canonical request for a provider of this format.

mod body;
mod cache;
mod media;
mod names;
mod results;
mod sampling;
mod settings;
#[cfg(test)]
mod tests;
mod tools;
mod turns;

use self::body::Body;
use crate::WireFormat;
use crate::chat::{ChatRequest, Opaque};
use crate::codec::{Target, WireError, Written};
use crate::field_names::Field;
use crate::notes::Notes;
use crate::openai_effort;
use crate::writing::Writing;

/// The word for no reasoning at all.
const NO_EFFORT: &str = "none";

impl Writing<'_, '_> {
    /// Tells whether this very target made the data: it came through this format then and may go back.
    ///
    /// Data without an origin came from its vendor's own format, and a provider of this one is anybody.
    fn came_from_target(&self, opaque: &Opaque) -> bool {
        opaque.origin.is_some() && self.target.reads(opaque, opaque.vendor)
    }

    /// Tells whether the client spoke this very format, so that nothing needs to be left out for it.
    fn is_own(&self) -> bool {
        self.request.origin == Some(WireFormat::OpenAiChat)
    }

    /// Tells whether members may be sent that only OpenAI itself knows: strict imitators refuse them.
    ///
    /// The newer name of the limit is what OpenAI's own models demand and few others take.
    fn is_openai(&self) -> bool {
        self.facts.max_completion_tokens
    }
}

/// Returns the word for the amount of reasoning: none where that would exclude the tools.
fn effort(writing: &mut Writing<'_, '_>) -> Option<&'static str> {
    let word = openai_effort::word(writing)?;
    let excludes = writing.facts.no_reasoning_with_tools && !writing.request.tools.is_empty();
    if !excludes || word == NO_EFFORT {
        return Some(word);
    }
    let why = "the model takes no tools while it reasons here; Responses can have both";
    writing.approximate(Field::THINKING, why);
    Some(NO_EFFORT)
}

/// Writes a request.
///
/// # Errors
///
/// [`WireError::Unsupported`] with every field whose loss would change what was asked for.
pub(crate) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Written, WireError> {
    let mut writing = Writing::new(request, target, notes);
    writing.aftercare.hide_reasoning = request.reasoning.show == Some(false);
    let messages = turns::write(&mut writing);
    if messages.is_empty() {
        writing.refuse(Field::MESSAGES, "nothing is left to send");
    }
    let mut body = Body { model: target.model, messages, ..Body::default() };
    body.sampling = sampling::write(&mut writing);
    body.reasoning_effort = effort(&mut writing);
    tools::write(&mut writing, &mut body);
    settings::write(&mut writing, &mut body);
    writing.finish(&body, request.delivery.stream)
}
