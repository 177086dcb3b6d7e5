//! `omniroute check`: every problem of the configuration, with its place.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use omniroute_core::money::{Nanodollars, Price, Rates};
use omniroute_core::snapshot::{Overrides, Snapshot, Target, Way};

use super::{EXIT_GIVEN, complain, ended, environment, say};
use crate::listen::Certificates;
use crate::live::Source;

/// Compiles the configuration and says what is in it, or what is wrong with it.
pub(super) fn check(config: Option<PathBuf>, print: bool) -> ExitCode {
    let source = environment::source(config, Overrides::default());
    match source.snapshot() {
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
        Err(problems) => {
            complain(&problems.to_string());
            let count = problems.len();
            complain(&format!("{count} problem{}", if count == 1 { "" } else { "s" }));
            ExitCode::from(EXIT_GIVEN)
        }
    }
}

fn summary(source: &Source, snapshot: &Snapshot) -> String {
    let file =
        source.file().map_or("built-in defaults".to_owned(), |path| path.display().to_string());
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
