//! What a provider's own tools made, as parts.

use serde_json::Value;

use super::wire::{list, string};
use crate::event::PartHead;

/// Returns the part of an item that is neither message, reasoning nor a client's call.
pub(super) fn head(item: &Value) -> PartHead {
    let kind = string(item, "type");
    let result = string(item, "result");
    if kind == "image_generation_call" && !result.is_empty() {
        return PartHead::Media { mime: mime(item, result), data: result.to_owned() };
    }
    let query = (kind == "web_search_call").then(|| query(item)).flatten();
    PartHead::Server { raw: item.clone(), query }
}

/// Returns what was searched for. Opening a page is a call too, without a query.
fn query(item: &Value) -> Option<String> {
    let action = &item["action"];
    let one = Some(string(action, "query")).filter(|query| !query.is_empty());
    let several = || list(action, "queries").iter().find_map(Value::as_str);
    one.or_else(several).map(str::to_owned)
}

/// Returns the media type of a picture: as said, else by the first bytes of its base64.
fn mime(item: &Value, data: &str) -> String {
    let format = match string(item, "output_format") {
        "jpg" => "jpeg",
        "" if data.starts_with("/9j/") => "jpeg",
        "" if data.starts_with("UklGR") => "webp",
        "" => "png",
        said => said,
    };
    format!("image/{format}")
}
