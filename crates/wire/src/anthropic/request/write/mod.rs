//! Writes a canonical request for a provider of this format.
//!
//! The messages stand last and everything before them follows from the request's settings alone, so
//! that a conversation that grows keeps its beginning byte for byte: prompt caches and signed
//! reasoning depend on it.

mod body;
mod cache;
mod call_ids;
mod extra;
mod media;
mod names;
mod options;
mod output;
mod results;
mod schema;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;
mod turns;

use self::body::Body;
use crate::chat::ChatRequest;
use crate::codec::{Target, WireError, Written};
use crate::notes::Notes;
use crate::writing::Writing;

/// Highest limit of an answer that is asked for whole, in tokens: a longer one may take so long that the
/// connection is cut, so it is asked for as a stream.
const MOST_WHOLE_TOKENS: u64 = 21_000;

/// Writes a request.
pub(in crate::anthropic) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Written, WireError> {
    let mut writing = Writing::new(request, target, notes);
    writing.aftercare.hide_reasoning = request.reasoning.show == Some(false);
    let mut conversation = turns::write(&mut writing);
    let mut tools = tools::declarations(&mut writing);
    let mut tool_choice = tools::choice(&mut writing);
    let limit = options::limit(&mut writing);
    let plan = thinking::plan(&mut writing, limit, &conversation.messages);
    let headers = thinking::headers(&writing, plan.thinking.as_ref());
    let mut form = output::Form {
        system: &mut conversation.system,
        tools: &mut tools,
        choice: &mut tool_choice,
        thinking: plan.thinking.as_ref(),
    };
    let format = output::format(&mut writing, &mut form);
    cache::limit_marks(&mut writing, &mut tools, &mut conversation);
    let sampling = options::sampling(&mut writing, plan.thinking.as_ref());
    options::refuse_media(&mut writing);
    let service_tier = options::service_tier(&mut writing);
    let extra = extra::members(&mut writing);
    let stream = request.delivery.stream || plan.limit > MOST_WHOLE_TOKENS;

    let body = Body {
        model: target.model,
        max_tokens: plan.limit,
        stream: stream.then_some(true),
        thinking: plan.thinking,
        output_config: body::OutputConfig { effort: plan.effort, format }.unless_empty(),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        stop_sequences: sampling.stop,
        metadata: request.end_user.as_deref().map(|user_id| body::Metadata { user_id }),
        extra,
        service_tier,
        tool_choice,
        tools,
        system: conversation.system,
        messages: conversation.messages,
    };
    Ok(Written { headers, ..writing.finish(&body, stream)? })
}
