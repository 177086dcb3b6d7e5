//! `omniroute check`: every problem of the configuration, with its place.
//!
//! The configuration is what `run` makes of it: the file, and what the dashboard keeps in the data directory
//! (client keys among it). Of a gateway that has the database now it is asked what the file would come to.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use http::Method;
use omniroute_core::money::{Nanodollars, Price, Rates};
use omniroute_core::snapshot::{Problems, Snapshot, Target, Way};
use serde_json::json;

use super::reach::{Reach, Which};
use super::{EXIT_GIVEN, complain, ended, say};
use crate::keeping;
use crate::listen::Certificates;
use crate::live::Source;

/// Compiles the configuration and says what is in it, or what is wrong with it.
pub(super) fn check(which: &Which, print: bool) -> ExitCode {
    let mut source = which.source();
    let checked = match compiled(&mut source) {
        Ok(checked) => checked,
        Err(code) => return code,
    };
    match checked {
        Ok(snapshot) => {
            if let Some(files) = &snapshot.server.tls
                && let Err(fault) = Certificates::default().load(files)
            {
                return ended(Err(fault.into()));
            }
            say(&summary(&source, &snapshot));
            if print {
                say(&catalogue(&snapshot));
            }
            ExitCode::SUCCESS
        }
        Err(problems) => refused(&problems.to_string(), problems.len()),
    }
}

fn refused(problems: &str, count: usize) -> ExitCode {
    complain(problems);
    complain(&format!("{count} problem{}", if count == 1 { "" } else { "s" }));
    ExitCode::from(EXIT_GIVEN)
}

/// Compiles the file together with what is kept for it.
///
/// # Errors
///
/// The exit code, if the gateway that runs has the last word; it is said already.
fn compiled(source: &mut Source) -> Result<Result<Snapshot, Problems>, ExitCode> {
    let Ok(settings) = source.server_settings() else { return Ok(source.snapshot()) };
    let folder = settings.data_dir;
    match keeping::seen(&folder, &|name| source.variable(name)) {
        Ok(kept) => {
            if let Some(pepper) = kept.pepper {
                source.pepper = *pepper;
            }
            Ok(source.snapshot_with(&kept.remembered))
        }
        // In use, or sealed with a key that this user does not have.
        Err(error) => {
            if let Some(running) = Reach::to_running(&folder)? {
                return asked(&running, source);
            }
            complain(&format!("checked without what the dashboard keeps: {error}"));
            Ok(source.snapshot())
        }
    }
}

/// Asks the running gateway what the file would come to together with what it keeps.
fn asked(running: &Reach, source: &Source) -> Result<Result<Snapshot, Problems>, ExitCode> {
    let Ok(file) = source.text_on_disk() else { return Ok(source.snapshot()) };
    let its = running.ask(Method::GET, "/api/config", None)?;
    let is_its = is_same(its["file"].as_str().map(Path::new), source.file());
    let text = file.map(|file| file.text).unwrap_or_default();
    let plan = if is_its { json!({}) } else { json!({ "file": text }) };
    if let Err(problems) = running.consult("/api/config/plan", &plan)? {
        // It calls a text that it is sent `file`.
        let of_file = |line: &str| match line.strip_prefix("file:") {
            Some(rest) if !is_its => format!("{}:{rest}", name(source)),
            _ => line.to_owned(),
        };
        let lines: Vec<String> = problems.lines().map(of_file).collect();
        return Err(refused(&lines.join("\n"), lines.len()));
    }
    let problems = match source.snapshot() {
        Err(problems) => problems,
        alone => return Ok(alone),
    };
    say(&format!(
        "{}: fine together with what the gateway that runs here keeps; alone it would not be:\n{problems}",
        name(source)
    ));
    Err(ExitCode::SUCCESS)
}

fn is_same(one: Option<&Path>, other: Option<&Path>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
        }
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn name(source: &Source) -> String {
    source.file().map_or("built-in defaults".to_owned(), |path| path.display().to_string())
}

fn summary(source: &Source, snapshot: &Snapshot) -> String {
    let file = name(source);
    let accounts: usize = snapshot.accounts.values().map(Vec::len).sum();
    let tunnels = tunnels(snapshot);
    format!(
        "{file}: fine\n{} providers, {accounts} accounts, {} combos, {} aliases, {} client keys\nfilters: {}{tunnels}",
        snapshot.providers.len(),
        snapshot.groups.len(),
        snapshot.exact_aliases.len() + snapshot.wildcard_aliases.len(),
        snapshot.client_keys.len(),
        snapshot.filters.names().join(", "),
    )
}

/// Says how calls leave of which nothing more special is written; nothing if directly.
fn tunnels(snapshot: &Snapshot) -> String {
    let general = &snapshot.tunnels;
    if let Some(Way::Through(tunnel)) = &general.global {
        return format!("\ntunnel: {tunnel}");
    }
    let environment = &general.environment;
    [("https", &environment.https), ("http", &environment.http)]
        .into_iter()
        .filter_map(|(scheme, tunnel)| {
            let tunnel = tunnel.as_ref()?;
            Some(format!("\ntunnel of {scheme} providers, from the environment: {tunnel}"))
        })
        .collect()
}

/// Says what a model costs, per million tokens, with the fees of single pieces.
fn price_words(price: &Price) -> String {
    if price.is_free() {
        return "no cost per call".to_owned();
    }
    let rates = |rates: &Rates| {
        let named = rates.named().into_iter();
        let said = named.filter_map(|(name, rate)| Some(format!("{name} {}", rate?)));
        said.collect::<Vec<_>>().join(", ")
    };
    let mut words = rates(&price.base);
    for (name, fee) in [("per_request", price.per_request), ("web_search", price.web_search)] {
        if fee != Nanodollars::ZERO {
            let _infallible = write!(words, ", {name} {fee}");
        }
    }
    for tier in &price.tiers {
        let _infallible = write!(words, "; above {}: {}", tier.above, rates(&tier.rates));
    }
    words
}

fn catalogue(snapshot: &Snapshot) -> String {
    let mut providers: Vec<_> = snapshot.providers.values().collect();
    providers.sort_by(|a, b| a.id.cmp(&b.id));
    let mut text = String::new();
    for provider in providers {
        let base = &provider.base_url;
        let scheme = if base.tls { "https" } else { "http" };
        let _infallible = writeln!(
            text,
            "\n{} (prefix {}, {}) {scheme}://{}{}",
            provider.id,
            provider.prefix,
            provider.wire,
            base.authority(),
            base.path,
        );
        let mut models: Vec<&str> = provider.models.keys().map(|id| &**id).collect();
        models.sort_unstable();
        for model in models {
            let price = snapshot.prices.of(&Target::new(provider, model));
            let price = price.map_or_else(|| "price unknown".to_owned(), price_words);
            let _infallible = writeln!(text, "  {}/{model}: {price}", provider.prefix);
        }
    }
    text
}
