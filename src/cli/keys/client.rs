//! Client keys: made, listed and taken away by whoever sits at the machine.

use std::process::ExitCode;

use clap::Args;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::super::reach::{Reach, Which};
use super::super::say;

/// Keys asked for at once.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(in crate::cli) struct CreateArgs {
    /// What it is called in lists, logs and metrics.
    name: String,
    /// Models it may call, `*` and `?` work; all if none is given.
    #[arg(long, value_delimiter = ',', value_name = "PATTERN")]
    models: Vec<String>,
    /// `inference` (what it has if none is given), `admin`.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    scopes: Vec<String>,
    /// When it ends, as in `2027-01-01T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeArgs {
    /// What it is called.
    name: String,
    #[command(flatten)]
    which: Which,
}

/// Makes a key. Standard output gets the key alone, so that a script can take it.
pub(super) fn create(args: CreateArgs) -> Result<ExitCode, ExitCode> {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(args.name));
    for (field, list) in [("models", args.models), ("scopes", args.scopes)] {
        if !list.is_empty() {
            body.insert(field.to_owned(), json!(list));
        }
    }
    if let Some(expires) = args.expires {
        body.insert("expires".to_owned(), json!(expires));
    }
    let reach = Reach::open(&args.which)?;
    let made = reach.ask(Method::POST, "/api/keys", Some(&Value::Object(body)))?;
    say(text(&made, "key"));
    Ok(ExitCode::SUCCESS)
}

/// Prints all keys.
pub(super) fn list(which: Which) -> Result<ExitCode, ExitCode> {
    let reach = Reach::open(&which)?;
    let mut after = String::new();
    loop {
        let target = format!("/api/keys?limit={PAGE}{after}");
        let page = reach.ask(Method::GET, &target, None)?;
        for key in page["keys"].as_array().into_iter().flatten() {
            say(&line(key));
        }
        let Some(next) = page["next"].as_str() else { return Ok(ExitCode::SUCCESS) };
        after = format!("&after={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
    }
}

fn line(key: &Value) -> String {
    let words = |field: &str, otherwise: &str| match &key[field] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        _ => otherwise.to_owned(),
    };
    format!(
        "{:<24} {:<14} {:<10} scopes={} models={} expires={}",
        text(key, "name"),
        words("key", "-"),
        text(key, "origin"),
        words("scopes", "inference"),
        words("models", "*"),
        words("expires", "never"),
    )
}

/// Takes a key away.
pub(super) fn revoke(args: RevokeArgs) -> Result<ExitCode, ExitCode> {
    let name = utf8_percent_encode(&args.name, NON_ALPHANUMERIC);
    Reach::open(&args.which)?.ask(Method::DELETE, &format!("/api/keys/{name}"), None)?;
    say(&format!("`{}` opens nothing any more", args.name));
    Ok(ExitCode::SUCCESS)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
