//! Joins what a request gives with what is kept: secrets that were shown as stars stay what they are.

use serde_json::{Map, Value};

use super::problem::Problem;

/// What is shown in the place of a secret.
const HIDDEN: &str = "***";

/// Takes a whole new value; a secret given as stars is the kept one.
///
/// # Errors
///
/// Stars where nothing is kept.
pub(super) fn with_secrets(old: Option<&Value>, new: Value) -> Result<Value, Problem> {
    filled("", old, new)
}

/// Applies a merge patch (RFC 7396) to what is kept.
///
/// # Errors
///
/// Stars where nothing is kept.
pub(super) fn patched(old: Option<&Value>, patch: Value) -> Result<Value, Problem> {
    let patch = filled("", old, patch)?;
    Ok(merged(old.cloned().unwrap_or(Value::Null), patch))
}

fn merged(old: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut map = match old {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            map.shift_remove(&name);
        } else {
            let old = map.get(&name).cloned().unwrap_or(Value::Null);
            map.insert(name, merged(old, value));
        }
    }
    Value::Object(map)
}

fn filled(path: &str, old: Option<&Value>, new: Value) -> Result<Value, Problem> {
    match new {
        Value::Object(map) => {
            let fields = map.into_iter().map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let value = filled(&path, old.and_then(|old| old.get(&name)), value)?;
                Ok((name, value))
            });
            fields.collect::<Result<_, _>>().map(Value::Object)
        }
        Value::String(text) if text == HIDDEN => old.cloned().ok_or_else(|| {
            Problem::field(path, "these stars stand for a secret, but none is kept here; give it")
        }),
        Value::String(text) if text.contains(HIDDEN) => kept_password(path, old, &text),
        other => Ok(other),
    }
}

/// An address whose password was shown as stars.
fn kept_password(path: &str, old: Option<&Value>, text: &str) -> Result<Value, Problem> {
    let password = old.and_then(Value::as_str).and_then(|old| {
        let (_, rest) = old.split_once("://")?;
        let (user_info, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
        // Also a user without a password is shown with stars.
        Some(user_info.split_once(':').map_or("", |(_, password)| password))
    });
    match password {
        Some(password) => Ok(Value::String(text.replacen(HIDDEN, password, 1))),
        None => Err(Problem::field(path, "these stars stand for a password; give it")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_shown_as_stars_stays() {
        let old = json!({ "key": "sk-1", "priority": 2, "tunnel": "http://me:pw@exit:80" });
        let new = json!({ "key": "***", "tunnel": "http://me:***@other:81" });
        assert_eq!(
            with_secrets(Some(&old), new).unwrap(),
            json!({ "key": "sk-1", "tunnel": "http://me:pw@other:81" })
        );
        assert!(with_secrets(None, json!({ "key": "***" })).is_err());
        let token = json!("http://token@exit:80");
        let shown = json!("http://token:***@exit:80");
        assert_eq!(with_secrets(Some(&token), shown).unwrap(), "http://token:@exit:80");
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_removes() {
        let old = json!({ "key": "sk-1", "limits": { "rpm": 5, "tpm": 6 }, "priority": 2 });
        let patch = json!({ "limits": { "rpm": 9 }, "priority": null });
        assert_eq!(
            patched(Some(&old), patch).unwrap(),
            json!({ "key": "sk-1", "limits": { "rpm": 9, "tpm": 6 } })
        );
        assert_eq!(patched(None, json!({ "a": { "b": null } })).unwrap(), json!({ "a": {} }));
    }
}
