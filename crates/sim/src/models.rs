//! The list of models, in the format the caller seems to speak.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::CREATED;
use crate::faults;
use crate::reply::{Content, Reply};
use crate::route::{Delivery, Format};

/// The names worth listing; any other name is an echo.
const NAMES: [&str; 5] = ["echo", "think", "slow", "big", "tokens"];

pub(crate) fn reply(format: Format, request: u64) -> Reply {
    let list = match format {
        Format::Messages => json!({
            "data": entries(|name| json!({"type": "model", "id": name, "display_name": name,
                "created_at": "2023-11-14T22:13:20Z"})),
            "has_more": false,
            "first_id": NAMES[0],
            "last_id": NAMES[NAMES.len() - 1],
        }),
        Format::Generate => json!({
            "models": entries(|name| json!({"name": format!("models/{name}"), "displayName": name,
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent"]})),
        }),
        Format::Chat | Format::Responses => json!({
            "object": "list",
            "data": entries(|name| json!({"id": name, "object": "model", "created": CREATED,
                "owned_by": "simulator"})),
        }),
    };
    let mut reply = Reply::new(StatusCode::OK, Content::Whole(Bytes::from(list.to_string())));
    reply.headers = faults::headers(format, Delivery::Whole, request);
    reply
}

fn entries(entry: impl Fn(&str) -> Value) -> Vec<Value> {
    NAMES.iter().map(|name| entry(name)).collect()
}
