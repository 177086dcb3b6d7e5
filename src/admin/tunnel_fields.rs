//! Tunnels in fields, as the guide writes them and as they are shown: `{type, host, port, username?,
//! password?}`, the password as stars.

use omniroute_core::routing::{Choice, TunnelLevel};
use omniroute_core::snapshot::{Snapshot, Target, Tunnel};
use serde_json::{Value, json};

use super::problem::Problem;

/// What stands where a password is.
pub(super) const HIDDEN: &str = "***";

/// Shows a tunnel of which the configuration's view is this text; `null` if it says nothing.
pub(super) fn shown(view: &Value) -> Value {
    let Some(text) = view.as_str() else { return Value::Null };
    match Tunnel::parse(text) {
        Ok(tunnel) => fields(&tunnel),
        Err(_) if text == "direct" => json!({ "type": "direct" }),
        // It came from the environment, and is a secret as a whole.
        Err(_) => json!({ "type": null, "host": HIDDEN, "port": null }),
    }
}

fn fields(tunnel: &Tunnel) -> Value {
    let mut fields =
        json!({ "type": tunnel.kind.scheme(), "host": *tunnel.host, "port": tunnel.port });
    if let Some(login) = &tunnel.login {
        fields["username"] = json!(login.user.expose());
        if !login.password.expose().is_empty() {
            fields["password"] = json!(HIDDEN);
        }
    }
    fields
}

/// Tells through which tunnel an account's calls leave that no client key or combo sends elsewhere. `all` is
/// what is shown of all levels.
///
/// # Errors
///
/// That no account of this name is enabled.
pub(super) fn resolved(snapshot: &Snapshot, id: &str, all: &Value) -> Result<Value, Problem> {
    let mut accounts = snapshot.accounts.values().flatten();
    let account = accounts
        .find(|account| account.id.as_str() == id)
        .ok_or_else(|| Problem::missing(format!("there is no account `{id}` that is enabled")))?;
    let choice = Choice::of(Target::new(&account.provider, ""), account.clone());
    let (level, of, proxy) = match choice.tunnel(None, snapshot) {
        None => ("direct", None, Value::Null),
        Some((_, TunnelLevel::Account)) => ("account", Some(id), all["accounts"][id].clone()),
        Some((_, TunnelLevel::Provider)) => {
            let provider = account.provider.id.as_str();
            ("provider", Some(provider), all["providers"][provider].clone())
        }
        Some((_, TunnelLevel::Global)) => ("global", None, all["global"].clone()),
        // Who we are there is the environment's secret.
        Some((tunnel, level)) => {
            let proxy =
                json!({ "type": tunnel.kind.scheme(), "host": *tunnel.host, "port": tunnel.port });
            (level.name(), None, proxy)
        }
    };
    Ok(json!({ "proxy": proxy, "level": level, "levelId": of }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_shown_in_fields_and_its_password_as_stars() {
        for (text, expected) in [
            ("http://h:1", json!({ "type": "http", "host": "h", "port": 1 })),
            ("socks5h://[fd00::1]", json!({ "type": "socks5", "host": "fd00::1", "port": 1080 })),
            (
                "http://a%40b:***@h:1",
                json!({ "type": "http", "host": "h", "port": 1, "username": "a@b", "password": "***" }),
            ),
            ("direct", json!({ "type": "direct" })),
            ("***", json!({ "type": null, "host": "***", "port": null })),
        ] {
            assert_eq!(shown(&json!(text)), expected, "{text}");
        }
        assert_eq!(shown(&Value::Null), Value::Null);
    }
}
