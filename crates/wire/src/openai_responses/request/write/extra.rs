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
        match fate(name) {
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

fn fate(name: &str) -> Fate {
    match name {
        "moderation" | "prompt_cache_options" => Fate::Sent,
        // Nothing is stored, which the reply says.
        "store" => Fate::Silent,
        // Sound and pictures are canonical; only other kinds come here.
        "generationConfig.responseModalities" => Fate::Refused("Responses answers with text only"),
        "cachedContent" | "mcp_servers" => {
            Fate::Refused("the answer depends on it and only its own vendor has it")
        }
        _ => Fate::Dropped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_member_has_its_fate() {
        let check = |name: &str, expected: &str| {
            let found = match fate(name) {
                Fate::Silent => "silent",
                Fate::Dropped => "dropped",
                Fate::Refused(_) => "refused",
                Fate::Sent => "sent",
            };
            assert_eq!(found, expected, "{name}");
        };
        check("moderation", "sent");
        check("prompt_cache_options", "sent");
        check("store", "silent");
        check("generationConfig.responseModalities", "refused");
        check("cachedContent", "refused");
        check("mcp_servers", "refused");
        check("prediction", "dropped");
        check("safetySettings", "dropped");
        check("context_management", "dropped");
        check("min_p", "dropped");
    }
}
