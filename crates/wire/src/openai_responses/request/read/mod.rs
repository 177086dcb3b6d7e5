//! Reads a request of a client into canonical form.
//!
//! A Responses client may leave its conversation at OpenAI and send only a reference to it. Nobody else
//! can follow such a reference, so whatever needs one is refused, all at once, with the way out.

mod content;
mod items;
mod options;
mod reasoning;
#[cfg(test)]
mod tests;
mod tools;
mod wire;

use serde_json::value::RawValue;

use self::items::INPUT;
use crate::WireFormat;
use crate::chat::{ChatRequest, Delivery, Part, Role, Turn};
use crate::codec::{Peek, WireError};
use crate::members::{self, Members};
use crate::refusals::Refusals;

/// Why state is refused, and what to do instead.
const ADVICE: &str = "other providers know nothing of what is stored at OpenAI; send the items \
                      themselves in `input`, with `store: false`";

/// Reads a request.
///
/// # Errors
///
/// [`WireError::Malformed`] with the JSON path of the first fault; [`WireError::Unsupported`] with
/// everything that no provider of another format can be asked for.
pub(in crate::openai_responses) fn read(
    body: &[u8],
    peek: &Peek,
) -> Result<ChatRequest, WireError> {
    let (mut members, items) = members::with_list(body, INPUT)?;
    let mut refused = Refusals::default();
    members.take::<&RawValue>("model")?;
    members.take::<bool>("stream")?;
    // Obfuscation concerns only the client's own provider.
    members.take::<&RawValue>("stream_options")?;
    refuse_state(&mut members, &mut refused)?;

    let mut request = ChatRequest {
        origin: Some(WireFormat::OpenAiResponses),
        model: peek.model.clone(),
        delivery: Delivery { stream: peek.stream, include_usage: peek.include_usage },
        ..ChatRequest::default()
    };
    options::read(&mut members, &mut request)?;
    if let Some(declared) = members.take::<Vec<&RawValue>>("tools")? {
        tools::read(&declared, "tools", &mut request)?;
    }
    request.tool_choice = tools::read_choice(&mut members)?;
    request.parallel_calls = members.take("parallel_tool_calls")?;
    if let Some(text) = members.take::<String>("instructions")?.filter(|text| !text.is_empty()) {
        request.turns.push(Turn { role: Role::System, parts: vec![Part::text(text)], name: None });
    }
    match (items, members.take::<&RawValue>(INPUT)?) {
        (Some(items), _) => items::read(items, body, &mut request, &mut refused)?,
        (None, Some(text)) => items::read_text(text, &mut request)?,
        (None, None) if refused.is_empty() => {
            return Err(WireError::malformed(INPUT, "is missing; send a text or items"));
        }
        (None, None) => {}
    }
    options::extra(members, &mut request);
    refused.or(request)
}

fn refuse_state(members: &mut Members<'_>, refused: &mut Refusals) -> Result<(), WireError> {
    for name in ["previous_response_id", "conversation", "prompt"] {
        if members.take::<&RawValue>(name)?.is_some() {
            refused.add(name, ADVICE);
        }
    }
    if members.take::<bool>("background")? == Some(true) {
        refused.add("background", "only OpenAI answers later; ask for a stream instead");
    }
    Ok(())
}
