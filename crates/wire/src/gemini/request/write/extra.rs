//! Writes what concerns the call as a whole, and decides about members that only other formats have.

use serde_json::{Map, Value};

use super::Writing;
use super::body::Body;
use crate::WireFormat;
use crate::field_names::Field;

/// Longest value of a label, in characters.
const LABEL_CHARS: usize = 63;

/// Members of other formats without which the answer would be another one.
const REFUSED: [&str; 2] = ["moderation", "mcp_servers"];

/// The member of Messages that asks for caching by itself, as this format does anyway.
const CACHING: &str = "cache_control";

/// Writes labels and tier, and puts back members of this format's own clients.
pub(super) fn write(writing: &mut Writing<'_, '_>, body: &mut Body<'_>) {
    labels(writing, body);
    tier(writing, body);
    let request = writing.request;
    if request.verbosity.is_some() {
        writing.drop(Field::VERBOSITY, "this format has no such field");
    }
    for (name, value) in &request.extra {
        if request.origin != Some(WireFormat::Gemini) {
            foreign(writing, name);
            continue;
        }
        match name.split_once('.') {
            Some(("generationConfig", inner)) => put(&mut body.generation_config, inner, value),
            Some(("toolConfig", inner)) => put(&mut body.tool_config, inner, value),
            _ => put(&mut body.extra, name, value),
        }
    }
}

fn foreign(writing: &mut Writing<'_, '_>, name: &str) {
    if REFUSED.contains(&name) {
        writing.refused.add(name, "Gemini has nothing like it");
    } else if name != CACHING {
        writing.notes.drop(name.to_owned(), "this format has no such field");
    }
}

fn labels(writing: &mut Writing<'_, '_>, body: &mut Body<'_>) {
    let request = writing.request;
    let own = request.origin == Some(WireFormat::Gemini);
    if !writing.facts.labels && !own {
        if request.end_user.is_some() {
            let name = Field::END_USER.name(request);
            writing.notes.drop(name, "this format has no field for the end user");
        }
        if !request.metadata.is_empty() {
            writing.drop(Field::METADATA, "the provider takes no labels");
        }
        return;
    }
    let mut labels = Map::new();
    if let Some(user) = &request.end_user {
        labels.insert("end_user".to_owned(), label(&Value::from(user.as_str())));
    }
    for (name, value) in &request.metadata {
        let (name, value) =
            if own { (name.clone(), value.clone()) } else { (legal_label(name), label(value)) };
        labels.insert(name, value);
    }
    if !labels.is_empty() {
        if !own {
            writing.approximate(Field::METADATA, "sent as labels");
        }
        body.extra.insert("labels".to_owned(), Value::Object(labels));
    }
}

fn label(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Value::from(legal_label(&text))
}

/// Makes a text legal for a label: lower case, digits, `_` and `-`.
fn legal_label(text: &str) -> String {
    let legal = |letter: char| {
        let letter = letter.to_ascii_lowercase();
        let fits = letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        if fits { letter } else { '_' }
    };
    text.chars().take(LABEL_CHARS).map(legal).collect()
}

fn tier(writing: &mut Writing<'_, '_>, body: &mut Body<'_>) {
    let request = writing.request;
    let word = match request.service_tier.as_deref() {
        None | Some("auto") => return,
        Some("default" | "standard" | "standard_only") => "standard",
        Some("flex") => "flex",
        Some("priority") => "priority",
        Some(_) => {
            writing.drop(Field::SERVICE_TIER, "this format has no such tier");
            return;
        }
    };
    body.extra.insert("serviceTier".to_owned(), Value::from(word));
}

fn put(place: &mut Map<String, Value>, name: &str, value: &Value) {
    place.insert(name.to_owned(), value.clone());
}
