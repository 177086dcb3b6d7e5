//! Members that the canonical form has no field for.

use serde_json::{Map, Value};

use super::Writing;
use crate::WireFormat;

/// What happens to another format's member.
enum Fate {
    /// It says nothing that matters here.
    Silent,
    Dropped,
    Refused(&'static str),
    /// It has this member and value here.
    Sent(&'static str, Value),
}

/// Returns the members to be sent: those of this format's own clients as they were, of others what
/// has an equal here.
pub(super) fn members(writing: &mut Writing<'_, '_>) -> Map<String, Value> {
    let request = writing.request;
    if request.origin == Some(WireFormat::Anthropic) {
        return request.extra.clone();
    }
    let mut sent = Map::new();
    for (name, value) in &request.extra {
        match fate(name, value) {
            Fate::Silent => {}
            Fate::Dropped => {
                writing.notes.drop(name.clone(), "the Messages API has no such field");
            }
            Fate::Refused(why) => writing.refuse(name.clone(), why),
            Fate::Sent(name, value) => {
                sent.insert(name.to_owned(), value);
            }
        }
    }
    sent
}

fn fate(name: &str, value: &Value) -> Fate {
    match name {
        // How a vendor caches is its own affair, and nothing is stored here.
        "prompt_cache_key"
        | "prompt_cache_retention"
        | "prompt_cache_options"
        | "stream_options" => Fate::Silent,
        "store" if *value == Value::Bool(false) => Fate::Silent,
        "service_tier" | "serviceTier" => match value.as_str() {
            Some("auto") => Fate::Sent("service_tier", "auto".into()),
            Some("default" | "standard") => Fate::Sent("service_tier", "standard_only".into()),
            _ => Fate::Dropped,
        },
        "modalities" | "generationConfig.responseModalities" => {
            let mut asked = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            if asked.all(|word| word.eq_ignore_ascii_case("text")) {
                Fate::Silent
            } else {
                Fate::Refused("the Messages API answers with text only")
            }
        }
        "audio" => Fate::Refused("the Messages API answers with text only"),
        "moderation" => Fate::Refused("the Messages API has no moderation of its own"),
        "web_search_options" => Fate::Refused("the provider's web search cannot be asked for"),
        "cachedContent" => Fate::Refused("the cached content is stored at another vendor"),
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
                Fate::Silent => "silent".to_owned(),
                Fate::Dropped => "dropped".to_owned(),
                Fate::Refused(_) => "refused".to_owned(),
                Fate::Sent(name, value) => format!("{name}={value}"),
            };
            assert_eq!(found, expected, "{name}: {value}");
        };
        check("prompt_cache_key", json!("k"), "silent");
        check("store", json!(false), "silent");
        check("store", json!(true), "dropped");
        check("service_tier", json!("auto"), "service_tier=\"auto\"");
        check("service_tier", json!("default"), "service_tier=\"standard_only\"");
        check("service_tier", json!("flex"), "dropped");
        check("modalities", json!(["text"]), "silent");
        check("modalities", json!(["text", "audio"]), "refused");
        check("generationConfig.responseModalities", json!(["TEXT"]), "silent");
        check("generationConfig.responseModalities", json!(["TEXT", "IMAGE"]), "refused");
        check("audio", json!({}), "refused");
        check("moderation", json!({}), "refused");
        check("web_search_options", json!({}), "refused");
        check("cachedContent", json!("c"), "refused");
        check("safetySettings", json!([]), "dropped");
        check("logit_bias", json!({"1": 2}), "dropped");
        check("metadata", json!({"a": "b"}), "dropped");
    }
}
