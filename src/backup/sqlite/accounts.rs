//! Accounts (`provider_connections`) with an API key.

use omniroute_core::written::Kind;
use serde_json::{Value, json};

use super::row::Row;
use super::{Moving, field_cipher, object};
use crate::backup::BackupError;

/// Reads the accounts.
pub fn read(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for row in moving.rows("provider_connections")? {
        let name = row.called("name");
        match account(moving, &row) {
            Ok(value) => {
                let id = moving.free_name(Kind::Account, &name);
                moving.add(Kind::Account, (&name, id), value);
            }
            Err(why) => moving.skip(Kind::Account, &name, why),
        }
    }
    Ok(())
}

fn account(moving: &Moving<'_>, row: &Row) -> Result<Value, String> {
    let old = row.required("provider")?;
    let provider = moving.provider(old);
    let provider = provider.ok_or_else(|| format!("its provider `{old}` is not known here"))?;
    let Some(key) = row.text("api_key")? else {
        return Err("it was logged in with OAuth, which cannot be moved; log in here".to_owned());
    };
    let key = field_cipher::clear(moving.cipher.as_ref(), key)?;
    let priority = row.whole("priority").and_then(|priority| u32::try_from(priority).ok());
    let tunnel = moving.tunnels.get(&("keys", row.called("id")));
    let is_off = row.whole("is_active") == Some(0);
    Ok(object([
        ("provider", Some(json!(provider))),
        ("key", Some(json!(key.as_str()))),
        ("priority", priority.map(Value::from)),
        ("enabled", is_off.then_some(json!(false))),
        ("tunnel", tunnel.map(|tunnel| json!(tunnel))),
    ]))
}
