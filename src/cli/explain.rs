//! `omniroute explain`: what would be tried for a model, in which order, and why.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use omniroute_core::routing::{self, Facts};
use omniroute_core::snapshot::Overrides;

use super::{EXIT_GIVEN, complain, environment, say};

/// How the explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// In words.
    Text,
    /// As JSON.
    Json,
}

/// Explains a model name. Nothing is known here about accounts that rest in a running gateway.
pub(super) fn explain(model: &str, config: Option<PathBuf>, format: Format) -> ExitCode {
    let source = environment::source(config, Overrides::default());
    let snapshot = match source.snapshot() {
        Ok(snapshot) => Arc::new(snapshot),
        Err(problems) => {
            complain(&problems.to_string());
            return ExitCode::from(EXIT_GIVEN);
        }
    };
    let now = source.clock.now();
    let route = routing::resolve(&snapshot, model);
    let blocked_providers = snapshot.filters.blocked_providers();
    let facts = Facts { blocked_providers, ..Facts::default() };
    let explanation = routing::explain(&snapshot, (model, route), (None, facts), now);
    match format {
        Format::Text => say(&explanation.to_string()),
        Format::Json => match serde_json::to_string_pretty(&explanation) {
            Ok(json) => say(&json),
            Err(error) => complain(&format!("omniroute: {error}")),
        },
    }
    let failed = explanation.error.is_some();
    ExitCode::from(if failed { EXIT_GIVEN } else { 0 })
}
