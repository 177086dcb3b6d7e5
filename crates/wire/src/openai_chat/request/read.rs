//! Reads a request of a client into canonical form.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::members;
use super::messages::{self, MESSAGES};
use super::{options, tools};
use crate::WireFormat;
use crate::chat::{ChatRequest, Delivery};
use crate::codec::{Peek, WireError};

/// `stream_options`; obfuscation concerns only the client's own provider.
#[derive(Deserialize)]
struct StreamOptions {}

/// Reads a request.
///
/// # Errors
///
/// [`WireError::Malformed`] with the JSON path of the first fault; [`WireError::Unsupported`] for what
/// no provider of another format can be asked for at all.
pub(crate) fn read(body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError> {
    let (mut members, messages) = members::with_list(body, MESSAGES)?;
    members.take::<&RawValue>("model")?;
    members.take::<bool>("stream")?;
    members.take::<StreamOptions>("stream_options")?;
    let Some(messages) = messages else {
        // One that is no list is a fault of its own.
        members.take::<Vec<&RawValue>>(MESSAGES)?;
        return Err(WireError::malformed(MESSAGES, "is missing; send at least one message"));
    };
    if messages.is_empty() {
        return Err(WireError::malformed(MESSAGES, "is empty; send at least one message"));
    }
    let user = members.take::<String>("user")?;
    let (audio, wants_images) = options::modalities(&mut members)?;
    let request = ChatRequest {
        origin: Some(WireFormat::OpenAiChat),
        model: peek.model.clone(),
        turns: messages::read(messages, body)?,
        tools: tools::read(&mut members)?,
        tool_choice: tools::read_choice(&mut members)?,
        parallel_calls: members.take("parallel_tool_calls")?,
        sampling: options::sampling(&mut members)?,
        max_output_tokens: options::limit(&mut members)?,
        reasoning: options::reasoning(&mut members)?,
        output: options::output(&mut members)?,
        delivery: Delivery { stream: peek.stream, include_usage: peek.include_usage },
        end_user: members.take::<String>("safety_identifier")?.or(user),
        metadata: members.take("metadata")?.unwrap_or_default(),
        cache_key: members.take("prompt_cache_key")?,
        cache_retention: members.take("prompt_cache_retention")?,
        service_tier: members.take("service_tier")?,
        verbosity: members.take("verbosity")?,
        audio,
        wants_images,
        extra: options::extra(members),
        ..ChatRequest::default()
    };
    Ok(request)
}
