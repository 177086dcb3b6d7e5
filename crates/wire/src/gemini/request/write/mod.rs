//! Writes a canonical request.
//!
//! `contents` is the last member, and nothing before it depends on the conversation, so that a longer
//! history begins with the bytes of a shorter one and prompt caches hit.

mod body;
mod config;
mod contents;
mod media;
mod names;
mod part;
mod results;
#[cfg(test)]
mod tests;
mod tools;

use serde_json::{Map, Value};

use self::body::Body;
use crate::WireFormat;
use crate::aftercare::Aftercare;
use crate::chat::ChatRequest;
use crate::codec::{Target, WireError, Written};
use crate::model_facts::ModelFacts;
use crate::notes::Notes;
use crate::refusals::Refusals;

/// What all pieces of the writer share.
struct Writing<'a> {
    request: &'a ChatRequest,
    target: &'a Target<'a>,
    facts: &'a ModelFacts,
    notes: &'a mut Notes,
    refused: Refusals,
    aftercare: Aftercare,
}

impl Writing<'_> {
    /// Records a field whose loss would change what was asked for.
    fn refuse(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.refused.add(field, why);
    }
}

/// Writes a request.
pub(in crate::gemini) fn write(
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
    extra(&mut writing, &mut body);

    let body = writing.refused.or_body(&body)?;
    let stream = request.delivery.stream;
    Ok(Written { body, stream, headers: Vec::new(), aftercare: writing.aftercare })
}

/// Writes back members of this format's own clients, and notes those of others.
fn extra(writing: &mut Writing<'_>, body: &mut Body<'_>) {
    let request = writing.request;
    if let Some(name) = names::end_user(request) {
        writing.notes.drop(name, "this format has no field for the end user");
    }
    for (name, value) in &request.extra {
        if request.origin != Some(WireFormat::Gemini) {
            writing.notes.drop(name.clone(), "this format has no such field");
            continue;
        }
        match name.split_once('.') {
            Some(("generationConfig", inner)) => put(&mut body.generation_config, inner, value),
            Some(("toolConfig", inner)) => put(&mut body.tool_config, inner, value),
            _ => {
                body.extra.insert(name.clone(), value.clone());
            }
        }
    }
}

fn put(place: &mut Map<String, Value>, name: &str, value: &Value) {
    place.insert(name.to_owned(), value.clone());
}
