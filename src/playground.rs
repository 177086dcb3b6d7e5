//! The playground: what the gateway would make of a request, a reply or a stream, without sending it.

use bytes::Bytes;
use omniroute_wire::codec::PathModel;
use omniroute_wire::notes::{Mark, Note, Notes};
use omniroute_wire::{
    Change, Codec, ModelFacts, Peek, ReplyContext, Target, WireError, WireFormat, envelope,
};
use serde_json::Value;

/// A request in another format.
pub struct Translated {
    /// The body.
    pub body: Vec<u8>,
    /// What was not carried.
    pub notes: Notes,
}

/// Reads a format's name: that of the YAML, its short name, or the existing product's.
///
/// # Errors
///
/// Which names there are.
pub fn format(name: &str) -> Result<WireFormat, String> {
    let other = match name {
        "chat" | "openai" => Some(WireFormat::OpenAiChat),
        "responses" | "openai-responses" => Some(WireFormat::OpenAiResponses),
        "messages" | "claude" => Some(WireFormat::Anthropic),
        "generate" => Some(WireFormat::Gemini),
        _ => WireFormat::ALL.into_iter().find(|format| format.name() == name),
    };
    other.ok_or_else(|| {
        let names = WireFormat::ALL.map(WireFormat::name).join(", ");
        format!("`{name}` is no format; write one of {names}")
    })
}

/// Translates a request for `model`, or for the request's own. `facts` tells what is known of it.
///
/// # Errors
///
/// What is wrong with the request, or what the other format cannot say at all.
pub fn request(
    (from, to): (&dyn Codec, &dyn Codec),
    body: &Bytes,
    model: Option<&str>,
    facts: &ModelFacts,
) -> Result<Translated, WireError> {
    let peek = peek(from, body, model)?;
    let model = model.unwrap_or(&peek.model);
    if from.format() == to.format() {
        let body = from.splice(body, &peek, &Change::model(model)).to_vec();
        return Ok(Translated { body, notes: Notes::default() });
    }
    let mut request = from.read_request(body, &peek)?;
    envelope::open_all(&mut request, &[]);
    let mut notes = std::mem::take(&mut request.notes);
    let written = to.write_request(&request, &Target::new(model, facts), &mut notes)?;
    Ok(Translated { body: written.body, notes })
}

/// Reads what the URL would say from the model's name: Gemini's requests do not name it.
fn peek(from: &dyn Codec, body: &[u8], model: Option<&str>) -> Result<Peek, WireError> {
    let path = (from.format() == WireFormat::Gemini).then(|| PathModel {
        model: model.unwrap_or("gemini").to_owned(),
        stream: false,
        json_array: false,
    });
    from.peek(body, path.as_ref())
}

/// What replies need to know of a request that was never sent.
pub fn context(model: Option<&str>) -> ReplyContext {
    ReplyContext {
        model: model.unwrap_or_default().to_owned(),
        id: "translated".to_owned(),
        include_usage: true,
        ..ReplyContext::default()
    }
}

/// Returns the word for what happened to a field.
pub const fn mark(note: &Note) -> &'static str {
    match note.mark {
        Mark::Approximated => "approximated",
        Mark::Dropped => "dropped",
    }
}

/// Guesses the format of a request from its fields. Only the playground guesses; calls are told apart by
/// their path.
pub fn guess(body: &Value) -> WireFormat {
    let has = |fields: &[&str]| fields.iter().any(|field| body.get(field).is_some());
    if has(&["contents", "generationConfig", "systemInstruction"]) {
        return WireFormat::Gemini;
    }
    if has(&["input", "instructions", "previous_response_id", "max_output_tokens"]) {
        return WireFormat::OpenAiResponses;
    }
    let blocks = body.pointer("/messages").and_then(Value::as_array).into_iter().flatten();
    let mut blocks = blocks.filter_map(|message| message["content"].as_array()).flatten();
    let has_blocks = blocks.any(|block| {
        matches!(block["type"].as_str(), Some("tool_use" | "tool_result" | "thinking" | "image"))
    });
    if has(&["system", "anthropic_version", "stop_sequences", "thinking"]) || has_blocks {
        return WireFormat::Anthropic;
    }
    WireFormat::OpenAiChat
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_format_is_guessed_from_what_only_it_has() {
        let hello = json!([{ "role": "user", "content": "hello" }]);
        for (body, format) in [
            (json!({ "messages": hello, "max_tokens": 5 }), WireFormat::OpenAiChat),
            (json!({ "messages": hello, "system": "be brief" }), WireFormat::Anthropic),
            (
                json!({ "messages": [{ "role": "user", "content": [{ "type": "tool_result" }] }] }),
                WireFormat::Anthropic,
            ),
            (json!({ "input": "hello" }), WireFormat::OpenAiResponses),
            (json!({ "contents": [] }), WireFormat::Gemini),
            (json!(null), WireFormat::OpenAiChat),
        ] {
            assert_eq!(guess(&body), format, "{body}");
        }
    }
}
