//! `omniroute check`: every problem of the configuration, with its place.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use omniroute_core::snapshot::{Overrides, Snapshot, Way};

use super::{EXIT_GIVEN, complain, environment, say};
use crate::live::Source;

/// Compiles the configuration and says what is in it, or what is wrong with it.
pub(super) fn check(config: Option<PathBuf>, print: bool) -> ExitCode {
    let source = environment::source(config, Overrides::default());
    match source.snapshot() {
        Ok(snapshot) => {
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
            let _infallible = writeln!(text, "  {}/{model}", provider.prefix);
        }
    }
    text
}
