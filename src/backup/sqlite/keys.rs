//! Client keys: the product keeps them in clear, here their hashes are kept.

use std::collections::HashMap;

use omniroute_core::hex;
use omniroute_core::written::Kind;
use serde_json::{Value, json};

use super::row::Row;
use super::{Moving, dollars, object};
use crate::backup::BackupError;

/// Shortest key: as for all keys of clients.
const MIN_KEY_BYTES: usize = 8;

/// Characters of a key that are kept to recognise it by: none of the random ones.
const SHOWN_CHARS: usize = 8;

/// Reads the keys and their budgets.
pub fn read(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    let mut budgets = HashMap::new();
    for row in moving.rows("domain_budgets")? {
        budgets.insert(row.called("api_key_id"), budget(&row));
    }
    for row in moving.rows("api_keys")? {
        let name = row.called("name");
        match key(moving, &row, budgets.remove(&row.called("id")).flatten()) {
            Ok(value) => {
                let free = moving.free_name(Kind::ClientKey, &name);
                let note =
                    "keys of that gateway are easier to guess than those made here; make new ones";
                moving.add_with(Kind::ClientKey, (&name, free), value, Some(note.to_owned()));
            }
            Err(why) => moving.skip(Kind::ClientKey, &name, why),
        }
    }
    Ok(())
}

fn key(moving: &Moving<'_>, row: &Row, budget: Option<Value>) -> Result<Value, String> {
    let key = row.required("key")?;
    if key.len() < MIN_KEY_BYTES {
        return Err(format!("it is shorter than {MIN_KEY_BYTES} characters"));
    }
    let hash = moving.here.client_keys.hash_of(key.as_bytes());
    let models = row.json("allowed_models")?;
    let models = models.as_array().filter(|models| !models.is_empty()).cloned();
    let shown: String = key.chars().take(SHOWN_CHARS).collect();
    Ok(object([
        ("key_hash", Some(json!(hex::encode(&hash)))),
        ("key_prefix", Some(json!(shown))),
        ("models", models.map(Value::Array)),
        ("budget", budget),
    ]))
}

fn budget(row: &Row) -> Option<Value> {
    let warn_at = row.number("warning_threshold").filter(|at| *at > 0.0 && *at <= 1.0);
    let of = |column, period: &str| {
        let limit = row.number(column).filter(|limit| *limit > 0.0).and_then(dollars)?;
        Some(object([
            ("limit", Some(limit)),
            ("period", Some(json!(period))),
            ("warn_at", warn_at.map(|at| json!([at]))),
        ]))
    };
    let budgets = [of("daily_limit_usd", "daily"), of("monthly_limit_usd", "monthly")];
    let budgets: Vec<_> = budgets.into_iter().flatten().collect();
    (!budgets.is_empty()).then_some(Value::Array(budgets))
}
