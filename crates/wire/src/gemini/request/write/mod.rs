//! Writes a canonical request.
//!
//! `contents` is the last member, and nothing before it depends on the conversation, so that a longer
//! history begins with the bytes of a shorter one and prompt caches hit.

mod body;
mod config;
mod contents;
mod extra;
mod media;
mod names;
mod part;
mod results;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;

use std::borrow::Cow;

use serde_json::Map;

use self::body::Body;
use crate::chat::ChatRequest;
use crate::codec::{Target, WireError, Written};
use crate::notes::Notes;
use crate::writing::Writing;

impl Writing<'_, '_> {
    /// Returns the name under which a tool is sent, and remembers to change it back in the reply.
    fn tool_name<'n>(&mut self, name: &'n str) -> Cow<'n, str> {
        part::TOOL_NAMES.sent(name, &mut self.aftercare)
    }
}

/// Writes a request.
pub(in crate::gemini) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Written, WireError> {
    let mut writing = Writing::new(request, target, notes);
    let (system, contents) = contents::write(&mut writing)?;
    let (tools, tool_config) = tools::write(&mut writing);
    let generation_config = config::write(&mut writing);
    let mut body = Body {
        system_instruction: (!system.is_empty()).then_some(body::System { parts: system }),
        tools,
        tool_config,
        generation_config,
        extra: Map::new(),
        contents,
    };
    extra::write(&mut writing, &mut body);

    writing.finish(&body, request.delivery.stream)
}
