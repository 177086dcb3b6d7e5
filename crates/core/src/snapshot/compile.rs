//! Turns what was written into a [`Snapshot`], or names every problem.
//!
//! Order: the file is read section by section, the catalogue is laid under it, the environment and
//! the command line over it; then names, keys and access are checked on the whole. Nothing stops at
//! the first fault except a text that is no YAML.

mod access;
mod accounts;
mod applied;
mod filters;
mod groups;
mod keys;
mod listen;
mod names;
mod prices;
mod profiles;
mod providers;
mod reachable;
mod secrets;
mod telemetry;
#[cfg(test)]
mod tests;
mod tunnels;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::providers::Providers;
use super::{Accounts, Problems, Provider, Routing, Snapshot};
use crate::clock::Clock;
use crate::config::document::Document;
use crate::config::report::Report;
use crate::config::{Server, server};
use crate::filter::FilterRegister;
use crate::state::SharedState;
use crate::strategy::Between;
use crate::written::{StoredObject, Written};

pub use self::prices::built_in_prices;
pub use crate::config::catalogue::{CatalogueFile, catalogue};

/// Attempts for one request unless the operator says otherwise.
const DEFAULT_MAX_ATTEMPTS: usize = 8;
/// Calls in a row that the contract gives an account.
const DEFAULT_STICKY_CALLS: u64 = 3;
/// Longest wait for a free account that the contract gives.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(2);
/// Time for new attempts unless the operator says otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);

/// Everything a configuration is made of.
pub struct Inputs<'a> {
    /// The operator's file; `None`: built-in defaults.
    pub file: Option<ConfigFile>,
    /// What the dashboard keeps.
    pub objects: &'a [StoredObject],
    /// What the command line says; it wins over everything else.
    pub overrides: Overrides,
    /// Addresses the process listens on already. They count for the question who may call, whatever
    /// the file says: a reload closes no listener.
    pub bound: &'a [SocketAddr],
    /// Looks up the environment. `PORT`, `HOSTNAME` and `DATA_DIR` win over the file; `HTTPS_PROXY` and
    /// its kin are read if the file names no general tunnel.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file of `key: { file: PATH }`.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    /// How accounts, providers and combos are; what the configuration names keeps its state.
    pub state: &'a SharedState,
    /// The filters there are.
    pub register: &'a FilterRegister,
    /// The time, for filters.
    pub clock: &'a Clock,
    /// A random value of this process, under which client keys are hashed.
    pub pepper: [u8; 32],
    /// The number of the publication.
    pub revision: u64,
}

/// The operator's file.
#[derive(Clone)]
pub struct ConfigFile {
    /// Its name as printed in problems.
    pub name: String,
    /// Its text. May hold secrets, so `Debug` leaves it out.
    pub text: String,
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--port`.
    pub port: Option<u16>,
    /// `--host`: an IP address or `localhost`.
    pub host: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// Makes a snapshot of everything that was written.
///
/// # Errors
///
/// Every fault that could be found, sorted by position. No message holds a secret.
pub fn compile(inputs: &Inputs<'_>) -> Result<Snapshot, Problems> {
    compile_written(inputs).map(|(snapshot, _)| snapshot)
}

/// Reads only the server's settings, which say where the dashboard's objects are kept.
///
/// # Errors
///
/// Every fault of the text as a whole and of these settings.
pub fn server_settings(inputs: &Inputs<'_>) -> Result<Server, Problems> {
    let report = Report::default();
    let written = Written::read_into(inputs.file.as_ref(), inputs.env, &[], &report);
    let Some(written) = written else { return Err(report.into_problems()) };
    let server = written.root().entry("server").filter(|node| !node.is_null());
    let server = server.and_then(|node| server::read(node, &report)).unwrap_or_default();
    let listen = listen::compile(&server, inputs, &report);
    if report.is_empty() { Ok(listen.server) } else { Err(report.into_problems()) }
}

/// The same as [`compile`], together with what it was made of.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_written(inputs: &Inputs<'_>) -> Result<(Snapshot, Written), Problems> {
    let report = Report::default();
    let catalogue = crate::config::catalogue::parsed()?;
    let written = Written::read_into(inputs.file.as_ref(), inputs.env, inputs.objects, &report);
    let document =
        written.and_then(|written| Some((Document::of(written.root(), &report)?, written)));
    let Some((document, written)) = document else { return Err(report.into_problems()) };

    let listen = listen::compile(&document.server, inputs, &report);
    let resilience = &document.resilience;
    let profiles = profiles::compile(&resilience.profiles, &report);
    let with = (&profiles, inputs.state);
    let providers = providers::compile(catalogue, &document.providers, with, &report);
    let secrets = secrets::Secrets { env: inputs.env, read_file: inputs.read_file };
    let world = accounts::World {
        providers: &providers,
        secrets: &secrets,
        limits: &resilience.account_limits,
        state: inputs.state,
    };
    let accounts = accounts::compile(&document.accounts, &world, &report);
    let names = names::compile(&document, &providers, inputs.state, &report);
    let prices = prices::compile(&document.prices, &providers, &report)?;
    let client_keys =
        keys::compile(&document.client_keys, &secrets, (inputs.pepper, inputs.state), &report);
    let tunnels = tunnels::compile(document.tunnel.as_ref(), inputs.env, &report);
    let telemetry = telemetry::compile(&document.telemetry, &secrets, &report);
    access::check_login(&document, &listen, inputs, &report);
    let access = access::check(&document, &listen, inputs, &report);
    let filters = filters::compile(
        (&document.filters, &document.filter_settings),
        access,
        inputs,
        &providers,
        &report,
    );
    applied::check(&document.client_keys, &filters, &report);

    if !report.is_empty() {
        return Err(report.into_problems());
    }
    let snapshot = Snapshot {
        revision: inputs.revision,
        server: listen.server,
        limits: document.limits.clone(),
        require_login: document.admin.require_login.as_ref().is_none_or(|required| required.value),
        routing: routing(&document),
        profiles,
        offering: offering(&providers, &accounts),
        providers: providers.by_id,
        by_prefix: providers.by_prefix,
        accounts,
        groups: names.groups,
        chains: names.chains,
        prices,
        exact_aliases: names.exact,
        wildcard_aliases: names.wildcard,
        client_keys,
        tunnels,
        telemetry,
        filters,
    };
    Ok((snapshot, written))
}

fn routing(document: &Document) -> Routing {
    let written = &document.routing;
    let default_strategy = Between::Accounts.default_strategy();
    Routing {
        account_strategy: written.account_strategy.unwrap_or(default_strategy),
        sticky_calls: written.sticky_calls.unwrap_or(DEFAULT_STICKY_CALLS).max(1),
        max_attempts: written.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS),
        deadline: written.deadline.unwrap_or(DEFAULT_DEADLINE),
        retry_on_reset: written.retry_on_reset.unwrap_or(true),
        max_wait: document.resilience.max_wait.unwrap_or(DEFAULT_MAX_WAIT),
    }
}

/// Lists the providers with an account by the bare ids of their models.
fn offering(providers: &Providers, accounts: &Accounts) -> HashMap<Box<str>, Vec<Arc<Provider>>> {
    let mut offering: HashMap<Box<str>, Vec<Arc<Provider>>> = HashMap::new();
    let has_account = |provider: &&Arc<Provider>| {
        accounts.get(&provider.id).is_some_and(|accounts| !accounts.is_empty())
    };
    for provider in providers.by_id.values().filter(has_account) {
        for model in provider.models.keys() {
            offering.entry(model.clone()).or_default().push(Arc::clone(provider));
        }
    }
    for providers in offering.values_mut() {
        providers.sort_by(|a, b| a.id.cmp(&b.id));
    }
    offering
}
