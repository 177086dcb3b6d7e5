//! Members that the canonical form has no field for.

use serde_json::Value;

use super::Writing;
use super::body::Body;
use crate::WireFormat;

/// What happens to another format's member.
enum Fate {
    /// It says nothing that matters here.
    Silent,
    Dropped,
    Refused(&'static str),
    /// This format has it too.
    Sent,
}

/// Writes back members of this format's own clients, and of others what has an equal here.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>, body: &mut Body<'a>) {
    let request = writing.request;
    let own = request.origin == Some(WireFormat::OpenAiResponses);
    for (name, value) in &request.extra {
        if own {
            put(name, value, body);
            continue;
        }
        match fate(name, value) {
            Fate::Silent => {}
            Fate::Dropped => writing.notes.drop(name.clone(), "Responses has no such field"),
            Fate::Refused(why) => writing.refused.add(name.clone(), why),
            Fate::Sent => put(name, value, body),
        }
    }
}

fn put<'a>(name: &str, value: &'a Value, body: &mut Body<'a>) {
    if name == "include" {
        let asked = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        body.include.extend(asked);
    } else if let Some(inner) = name.strip_prefix("reasoning.") {
        body.reasoning.insert(inner.to_owned(), value.clone());
    } else {
        body.extra.insert(name.to_owned(), value.clone());
    }
}

fn fate(name: &str, value: &Value) -> Fate {
    match name {
        "moderation" | "prompt_cache_options" => Fate::Sent,
        // Nothing is stored, which the reply says.
        "store" | "stream_options" => Fate::Silent,
        "modalities" | "generationConfig.responseModalities" => {
            let mut asked = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            if asked.all(|word| word.eq_ignore_ascii_case("text")) {
                Fate::Silent
            } else {
                Fate::Refused("Responses answers with text only")
            }
        }
        "cachedContent" | "mcp_servers" => {
            Fate::Refused("the answer depends on it and only its own vendor has it")
        }
        _ => Fate::Dropped,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_known_member_has_its_fate() {
        let check = |name: &str, value: Value, expected: &str| {
            let found = match fate(name, &value) {
                Fate::Silent => "silent",
                Fate::Dropped => "dropped",
                Fate::Refused(_) => "refused",
                Fate::Sent => "sent",
            };
            assert_eq!(found, expected, "{name}: {value}");
        };
        check("moderation", json!({}), "sent");
        check("prompt_cache_options", json!({"mode": "explicit"}), "sent");
        check("store", json!(true), "silent");
        check("modalities", json!(["text"]), "silent");
        check("generationConfig.responseModalities", json!(["TEXT", "AUDIO"]), "refused");
        check("cachedContent", json!("c"), "refused");
        check("mcp_servers", json!([]), "refused");
        check("prediction", json!({}), "dropped");
        check("safetySettings", json!([]), "dropped");
        check("context_management", json!({}), "dropped");
        check("min_p", json!(0.1), "dropped");
    }
}
