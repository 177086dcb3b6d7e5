//! Endpoints of the user's own (`provider_nodes`), and models that were added to providers.

use omniroute_core::written::Kind;
use serde_json::{Value, json};

use super::row::Row;
use super::{Moving, object};
use crate::backup::BackupError;

/// Reads the endpoints; later parts find them by id and by prefix.
pub fn read(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for row in moving.rows("provider_nodes")? {
        let name = row.called("name");
        match node(moving, &row) {
            Ok((id, prefix, value)) => {
                moving.providers.insert(row.called("id"), id.clone());
                moving.providers.insert(prefix, id.clone());
                moving.add(Kind::Provider, (&name, id), value);
            }
            Err(why) => moving.skip(Kind::Provider, &name, why),
        }
    }
    Ok(())
}

fn node(moving: &Moving<'_>, row: &Row) -> Result<(String, String, Value), String> {
    let prefix = row.required("prefix")?;
    let (wire, path, header, scheme) = match (row.required("type")?, row.text("api_type")?) {
        ("anthropic-compatible", _) => ("anthropic", "/messages", "x-api-key", None),
        ("openai-compatible", Some("responses")) => {
            ("openai_responses", "/responses", "authorization", Some("Bearer"))
        }
        ("openai-compatible", _) => {
            ("openai_chat", "/chat/completions", "authorization", Some("Bearer"))
        }
        (other, _) => return Err(format!("its type `{other}` is not known here")),
    };
    let base_url = row.required("base_url")?.trim().trim_end_matches('/');
    let id = moving.free_name(Kind::Provider, prefix);
    let tunnel = moving.tunnels.get(&("providers", row.called("id")));
    let auth = object([
        ("kind", Some(json!("static_key"))),
        ("header", Some(json!(header))),
        ("scheme", scheme.map(Value::from)),
    ]);
    let value = object([
        ("prefix", Some(json!(prefix))),
        ("wire", Some(json!(wire))),
        ("base_url", Some(json!(base_url))),
        // The product's addresses end before the last part of the path.
        ("paths", Some(json!({ "chat": path }))),
        ("auth", Some(auth)),
        ("allow_private", moving.allow_private.then_some(json!(true))),
        ("tunnel", tunnel.map(|tunnel| json!(tunnel))),
    ]);
    Ok((id, prefix.to_owned(), value))
}

/// Reads models that were added by hand.
pub fn custom_models(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for (old, models) in moving.values("customModels")? {
        let provider = moving.provider(&old);
        let models = models.as_array().cloned().unwrap_or_default();
        for model in models {
            let id = model.get("id").and_then(Value::as_str).or_else(|| model.as_str());
            let name = format!("{old}/{}", id.unwrap_or_default());
            match (&provider, id.filter(|id| !id.is_empty())) {
                (Some(provider), Some(id)) => {
                    moving.add(Kind::Model, (&name, format!("{provider}/{id}")), json!({}));
                }
                (None, _) => moving.skip(Kind::Model, &name, "its provider is not known here"),
                (_, None) => moving.skip(Kind::Model, &name, "it has no id"),
            }
        }
    }
    Ok(())
}
