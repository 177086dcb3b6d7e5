//! Reads a request into canonical form.

mod config;
mod contents;
mod media;
mod plain;
#[cfg(test)]
mod tests;
mod tools;

use std::marker::PhantomData;

use serde_json::Value;
use serde_json::value::RawValue;

pub(in crate::gemini) use self::config::level_of;
use self::contents::{Content, Contents, PARTS};
pub(super) use self::media::mime_of;
use self::plain::Wire;
use super::members::{self, Members};
use crate::WireFormat;
use crate::chat::{ChatRequest, Delivery, Extra, Part, Role, Turn};
use crate::codec::{PathModel, Peek, WireError};
use crate::divided::{Divide, Divided};
use crate::members::{AsWritten, Place};
use crate::skim;
use crate::splice;

/// The member that holds the conversation.
const CONTENTS: &str = "contents";

/// Member of a count of tokens that holds the whole request.
const COUNTED: &str = "generateContentRequest";

/// Values of `serviceTier`, by number.
const TIERS: [&str; 4] = ["UNSPECIFIED", "STANDARD", "FLEX", "PRIORITY"];

/// Reads what routing needs: all of it stands in the URL, but the body must be an object.
pub(in crate::gemini) fn peek(body: &[u8], path: Option<&PathModel>) -> Result<Peek, WireError> {
    let seen = skim::skim(body, &skim::GEMINI);
    if seen.is_none() {
        splice::parse::<Members<'_>>(body)?;
    }
    let Some(path) = path else {
        return Err(WireError::malformed("model", "is missing; name the model in the URL"));
    };
    if path.model.is_empty() {
        return Err(WireError::malformed("model", "is empty; name the model in the URL"));
    }
    Ok(Peek {
        stream_span: None,
        options_span: None,
        model: path.model.clone(),
        model_span: None,
        stream: path.stream,
        include_usage: false,
        json_array: path.json_array,
        outline: seen.and_then(|seen| seen.outline),
    })
}

/// Reads a request.
pub(in crate::gemini) fn read(body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError> {
    let (mut members, contents) = conversation(body)?;
    let mut request = ChatRequest {
        origin: Some(WireFormat::Gemini),
        model: peek.model.clone(),
        delivery: Delivery { stream: peek.stream, include_usage: peek.include_usage },
        ..ChatRequest::default()
    };
    // The model stands in the URL; some clients repeat it here.
    members.take("model");

    if let Some(raw) = members.take("systemInstruction") {
        request.turns = system_instruction(raw)?;
    }
    let mut reader = Contents::default();
    for (index, content) in contents.into_iter().enumerate() {
        request.turns.extend(reader.content(content, index)?);
    }
    if let Some(raw) = members.take("tools") {
        request.tools = tools::declarations(raw)?;
    }
    if let Some(raw) = members.take("toolConfig") {
        tools::config(raw, &mut request)?;
    }
    // Thoughts are hidden from this format's clients unless they ask for them.
    request.reasoning.show = Some(false);
    if let Some(raw) = members.take("generationConfig") {
        config::read(raw, &mut request)?;
    }
    if let Some(raw) = members.take("labels") {
        keep(&mut request.metadata, "labels".to_owned(), raw)?;
        if let Some(Value::Object(labels)) = request.metadata.shift_remove("labels") {
            request.metadata = labels;
        }
    }
    if let Some(raw) = members.take("serviceTier") {
        let word = members::word(raw, "serviceTier", &TIERS)?.to_ascii_lowercase();
        request.service_tier = match word.as_str() {
            "unspecified" | "service_tier_unspecified" => None,
            "standard" => Some("default".to_owned()),
            _ => Some(word),
        };
    }
    for (name, raw) in members.rest() {
        keep(&mut request.extra, name.into_owned(), raw)?;
    }
    Ok(request)
}

/// Returns the contents of the request and its other members.
fn conversation(body: &[u8]) -> Result<(Members<'_>, Vec<Content<'_>>), WireError> {
    if let Some(Divided { members, list: Some(mut contents) }) =
        Divide::each_of(CONTENTS, Divide::<PhantomData<Wire<'_>>>::at(PARTS)).read(body)
        && members.get(COUNTED).is_none()
    {
        let mut written = AsWritten::new(body);
        for (position, content) in contents.iter_mut().enumerate() {
            let is_other = |part: &Wire<'_>| matches!(part, Wire::Other);
            if content.list.iter().flatten().any(is_other) {
                let raw = written.element(Place { list: CONTENTS, position })?;
                *content = contents::divided(raw, position)?;
            }
        }
        return Ok((members.into(), contents));
    }
    let mut members = unwrapped(body)?;
    let Some(contents) = members.take(CONTENTS) else {
        return Err(WireError::malformed(CONTENTS, "is missing; send at least one content"));
    };
    let contents = members::list(contents, CONTENTS)?.into_iter().enumerate();
    let contents = contents.map(|(index, raw)| contents::divided(raw, index));
    Ok((members, contents.collect::<Result<_, _>>()?))
}

/// Returns the members of the request; a count of tokens may hold the whole request in one member.
fn unwrapped(body: &[u8]) -> Result<Members<'_>, WireError> {
    let mut members = splice::parse::<Members<'_>>(body)?;
    match members.take(COUNTED) {
        Some(inner) => Members::of(inner, COUNTED),
        None => Ok(members),
    }
}

/// Keeps a member that has no field; members of inner objects under a dotted name.
fn keep(extra: &mut Extra, name: String, raw: &RawValue) -> Result<(), WireError> {
    let value: Value = serde_json::from_str(raw.get())
        .map_err(|fault| WireError::malformed(name.as_str(), format!("cannot be read: {fault}")))?;
    extra.insert(name, value);
    Ok(())
}

/// Reads the system instruction as one system turn for each part. A bare string is one too.
fn system_instruction(raw: &RawValue) -> Result<Vec<Turn>, WireError> {
    if raw.get().starts_with('"') {
        let text = members::text(raw, "systemInstruction")?;
        return Ok(vec![Turn { role: Role::System, parts: vec![Part::text(text)], name: None }]);
    }
    let mut members = Members::of(raw, "systemInstruction")?;
    let Some(parts) = members.take("parts") else { return Ok(Vec::new()) };
    let mut turns = Vec::new();
    for (index, part) in members::list(parts, "systemInstruction.parts")?.into_iter().enumerate() {
        let path = format!("systemInstruction.parts[{index}]");
        let Some(text) = Members::of(part, &path)?.take("text") else {
            return Err(WireError::malformed(path, "must be a text part"));
        };
        let part = Part::text(members::text(text, &path)?);
        turns.push(Turn { role: Role::System, parts: vec![part], name: None });
    }
    Ok(turns)
}
