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
}

/// Returns the members to be sent: those of this format's own clients as they were. What others have an
/// equal for here is canonical.
pub(super) fn members(writing: &mut Writing<'_, '_>) -> Map<String, Value> {
    let request = writing.request;
    if request.origin == Some(WireFormat::Anthropic) {
        return request.extra.clone();
    }
    for (name, value) in &request.extra {
        match fate(name, value) {
            Fate::Silent => {}
            Fate::Dropped => {
                writing.notes.drop(name.clone(), "the Messages API has no such field");
            }
            Fate::Refused(why) => writing.refused.add(name.clone(), why),
        }
    }
    Map::new()
}

fn fate(name: &str, value: &Value) -> Fate {
    match name {
        // How a vendor caches is its own affair, and nothing is stored here.
        "prompt_cache_options" => Fate::Silent,
        "store" if *value == Value::Bool(false) => Fate::Silent,
        // Sound and pictures are canonical; only other kinds come here.
        "generationConfig.responseModalities" => {
            Fate::Refused("the Messages API answers with text only")
        }
        "moderation" => Fate::Refused("the Messages API has no moderation of its own"),
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
                Fate::Silent => "silent",
                Fate::Dropped => "dropped",
                Fate::Refused(_) => "refused",
            };
            assert_eq!(found, expected, "{name}: {value}");
        };
        check("prompt_cache_options", json!({}), "silent");
        check("store", json!(false), "silent");
        check("store", json!(true), "dropped");
        check("generationConfig.responseModalities", json!(["TEXT", "VIDEO"]), "refused");
        check("moderation", json!({}), "refused");
        check("cachedContent", json!("c"), "refused");
        check("safetySettings", json!([]), "dropped");
        check("prediction", json!({}), "dropped");
    }
}
