//! `omniroute check`: every problem of the configuration, with its place.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use omniroute_core::snapshot::{Overrides, Snapshot};
use omniroute_core::state::SharedState;

use super::{EXIT_GIVEN, complain, environment, say};
use crate::live::Source;

/// Compiles the configuration and says what is in it, or what is wrong with it.
pub(super) fn check(config: Option<PathBuf>, print: bool) -> ExitCode {
    let source = environment::source(config, Overrides::default());
    match source.compile(1, &[], &SharedState::default()) {
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
    format!(
        "{file}: fine\n{} providers, {accounts} accounts, {} combos, {} aliases, {} client keys\nfilters: {}",
        snapshot.providers.len(),
        snapshot.groups.len(),
        snapshot.exact_aliases.len() + snapshot.wildcard_aliases.len(),
        snapshot.client_keys.len(),
        snapshot.filters.names().join(", "),
    )
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
