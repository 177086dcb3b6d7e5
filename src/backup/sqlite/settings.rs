//! Prices, tunnels, and the settings that mean something here.

use omniroute_core::written::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Moving, dollars, object};
use crate::backup::{BackupError, Line};
use crate::old_words::{ACCOUNT_STRATEGIES, ours_of};

/// Fields of a price there and here.
const RATES: [(&str, &str); 5] = [
    ("input", "input"),
    ("output", "output"),
    ("cached", "cache_read"),
    ("cache_creation", "cache_write"),
    ("reasoning", "reasoning"),
];

/// Reads prices, in dollars per million tokens on both sides.
pub fn prices(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for (provider, models) in moving.values("pricing")? {
        let known = moving.provider(&provider);
        for (model, rates) in models.as_object().cloned().unwrap_or_default() {
            let name = format!("{provider}/{model}");
            let read = |old| rates.get(old).and_then(Value::as_f64).and_then(dollars);
            let fields = RATES.map(|(old, new)| (new, read(old)));
            if known.is_none() {
                moving.skip(Kind::Price, &name, "its provider is not known here");
            } else if fields[0].1.is_none() || fields[1].1.is_none() {
                moving.skip(Kind::Price, &name, "it does not say what input and output cost");
            } else {
                moving.add(Kind::Price, (&name, name.clone()), object(fields));
            }
        }
    }
    Ok(())
}

/// Reads tunnels; those of accounts, combos and providers go with them.
pub fn tunnels(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for (level, value) in moving.values("proxyConfig")? {
        if level == "global" {
            match url(&value) {
                Some(url) => moving.add(Kind::Setting, ("tunnel", "tunnel".to_owned()), json!(url)),
                None if value.is_null() => {}
                None => moving.skip(Kind::Setting, "tunnel", "it is no proxy"),
            }
            continue;
        }
        let Some(level) = ["providers", "combos", "keys"].into_iter().find(|known| *known == level)
        else {
            continue;
        };
        for (id, value) in value.as_object().cloned().unwrap_or_default() {
            match url(&value) {
                Some(url) => {
                    moving.tunnels.insert((level, id), url);
                }
                None => {
                    let name = format!("{level}/{id}");
                    moving.lines.push(Line::skipped("tunnel", &name, "it is no proxy"));
                }
            }
        }
    }
    let of_providers = moving.tunnels.iter().filter(|((level, _), _)| *level == "providers");
    let of_providers: Vec<_> =
        of_providers.map(|((_, id), url)| (id.clone(), url.clone())).collect();
    for (id, url) in of_providers {
        // Those of the user's own endpoints go with the endpoint.
        if let Some(provider) = moving.provider(&id) {
            let name = format!("/providers/{provider}/tunnel");
            moving.add(Kind::Setting, (&name, name.clone()), json!(url));
        }
    }
    Ok(())
}

fn url(proxy: &Value) -> Option<String> {
    let text = |name| proxy.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let scheme = match text("type").unwrap_or("http") {
        "http" => "http",
        "socks5" => "socks5",
        _ => return None,
    };
    let host = text("host")?;
    let port = proxy.get("port")?;
    let port = port.as_u64().or_else(|| port.as_str()?.parse().ok())?;
    let coded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let user = text("username").map(|user| match text("password") {
        Some(password) => format!("{}:{}@", coded(user), coded(password)),
        None => format!("{}@", coded(user)),
    });
    Some(format!("{scheme}://{}{host}:{port}", user.unwrap_or_default()))
}

/// Reads the settings that there are here too; the others are said to stay behind.
pub fn read(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for (key, value) in moving.values("settings")? {
        match (key.as_str(), &value) {
            ("fallbackStrategy", Value::String(old)) => match ours_of(&ACCOUNT_STRATEGIES, old) {
                Some(new) => set(moving, &key, "routing.account_strategy", json!(new)),
                None => moving.skip(Kind::Setting, &key, "this strategy is not known here"),
            },
            ("stickyRoundRobinLimit", Value::Number(calls)) => {
                let calls = calls.as_u64().unwrap_or_default().max(1);
                set(moving, &key, "routing.sticky_calls", json!(calls));
            }
            ("wildcardAliases", _) => {}
            ("password", _) => {
                moving.skip(
                    Kind::Setting,
                    &key,
                    "set a password here; only its hash is in the file",
                );
            }
            _ => moving.skip(
                Kind::Setting,
                &key,
                "there is no such setting here, or it is set elsewhere",
            ),
        }
    }
    Ok(())
}

fn set(moving: &mut Moving<'_>, old: &str, new: &str, value: Value) {
    moving.add(Kind::Setting, (old, new.to_owned()), value);
}
