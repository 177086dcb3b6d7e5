//! The compiled, immutable configuration that requests read.
//!
//! A request takes one `Arc<Snapshot>` when it begins and keeps it to its end, so it sees one world
//! whatever is edited meanwhile.

mod compile;
mod keys;
mod problem;
mod provider;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wildmatch::WildMatch;

pub use compile::{CatalogueFile, ConfigFile, Inputs, Overrides, catalogue, compile};
pub use keys::{ClientKey, ClientKeys};
pub use problem::{Problem, Problems};
pub use provider::{
    Account, Auth, BaseUrl, Model, ModelKind, Profile, Provider, StatusRule, Streaming,
    TryNextScope,
};

use crate::config::Server;
use crate::filter::FilterChain;
use crate::ids::ProviderId;

/// Everything a request may need to know.
#[derive(Debug)]
pub struct Snapshot {
    /// Number of the publication, from 1.
    pub revision: u64,
    /// Listeners, limits and timeouts.
    pub server: Server,
    /// Bounds of routing.
    pub routing: Routing,
    /// Providers by id.
    pub providers: HashMap<ProviderId, Arc<Provider>>,
    /// Providers by prefix and, where no prefix says otherwise, by id.
    pub by_prefix: HashMap<Box<str>, Arc<Provider>>,
    /// Enabled accounts of each provider, by priority and then in the file's order.
    pub accounts: HashMap<ProviderId, Vec<Arc<Account>>>,
    /// Combos by name.
    pub combos: HashMap<Box<str>, Arc<Combo>>,
    /// Aliases without wildcards: name → model name.
    pub exact_aliases: HashMap<Box<str>, Box<str>>,
    /// Aliases with wildcards, the most specific first.
    pub wildcard_aliases: Vec<WildcardAlias>,
    /// Who may call.
    pub client_keys: ClientKeys,
    /// What happens to a request on its way, in order.
    pub filters: FilterChain,
}

impl Snapshot {
    /// Returns the enabled accounts of a provider, first choice first.
    pub fn accounts_of(&self, provider: &ProviderId) -> &[Arc<Account>] {
        self.accounts.get(provider).map_or(&[], Vec::as_slice)
    }
}

/// Bounds of routing (`routing`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Most attempts for one request, over all accounts and models.
    pub max_attempts: usize,
    /// No attempt is begun later than this after the request came in.
    pub deadline: Duration,
    /// Whether a request is repeated elsewhere when the connection broke after it was sent: the first
    /// provider may have begun, and billed, already.
    pub retry_on_reset: bool,
}

/// A named list of models, tried in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combo {
    /// Its name.
    pub name: Box<str>,
    /// Model names: `prefix/model`, other combos, aliases.
    pub targets: Vec<Box<str>>,
}

/// An alias with `*` or `?`.
#[derive(Clone, Debug)]
pub struct WildcardAlias {
    /// The pattern as written.
    pub pattern: Box<str>,
    /// The pattern, compiled. Case is ignored.
    pub matcher: WildMatch,
    /// The model name it stands for.
    pub target: Box<str>,
}
