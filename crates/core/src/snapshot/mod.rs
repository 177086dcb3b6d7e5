//! The compiled, immutable configuration that requests read.
//!
//! A request takes one `Arc<Snapshot>` when it begins and keeps it to its end, so it sees one world
//! whatever is edited meanwhile.

mod compile;
mod group;
mod keys;
mod no_proxy;
mod problem;
mod provider;
mod telemetry;
mod tunnel;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wildmatch::WildMatch;

pub use compile::{
    CatalogueFile, ConfigFile, Inputs, Overrides, built_in_prices, catalogue, compile,
    compile_written, server_settings,
};
pub use group::{Group, GroupKind, Member, Node, Target};
pub use keys::{ClientKey, ClientKeys};
pub use no_proxy::NoProxy;
pub use problem::{Problem, Problems};
pub use provider::{Account, Auth, BaseUrl, Model, ModelKind, Provider, Streaming};
pub use telemetry::{Collector, Telemetry};
pub use tunnel::{BadTunnel, FromEnvironment, Login, Tunnel, TunnelKind, Tunnels, Way};

use crate::config::{Bounds, Server};
use crate::filter::FilterChain;
use crate::ids::ProviderId;
use crate::money::Prices;
use crate::resilience::Profile;
use crate::strategy::Named;

/// Accounts by provider. Asked for at every target, so the hash is a fast one; the ids are the operator's.
pub type Accounts = HashMap<ProviderId, Vec<Arc<Account>>, foldhash::fast::RandomState>;

/// Everything a request may need to know.
#[derive(Debug)]
pub struct Snapshot {
    /// Number of the publication, from 1.
    pub revision: u64,
    /// Listeners, limits and timeouts.
    pub server: Server,
    /// How much of the gateway clients can take up.
    pub limits: Bounds,
    /// Whether somebody at this machine has to log in to administrate; everybody else always has to.
    pub require_login: bool,
    /// How and how far requests are routed.
    pub routing: Routing,
    /// Resilience profiles by name, the built-in ones included.
    pub profiles: HashMap<String, Profile>,
    /// Providers by id.
    pub providers: HashMap<ProviderId, Arc<Provider>>,
    /// Providers by prefix and, where no prefix says otherwise, by id.
    pub by_prefix: HashMap<Box<str>, Arc<Provider>>,
    /// Enabled accounts of each provider, by priority and then in the file's order.
    pub accounts: Accounts,
    /// Providers with an account that offer a bare model id, by that id; in the order of their ids.
    pub offering: HashMap<Box<str>, Vec<Arc<Provider>>>,
    /// Combos and fallback chains by name.
    pub groups: HashMap<Box<str>, Arc<Group>>,
    /// What follows a model in fallback chains: by provider, then by the provider's name for it.
    pub chains: HashMap<ProviderId, HashMap<Arc<str>, Vec<Node>>>,
    /// Aliases without wildcards: name → model name.
    pub exact_aliases: HashMap<Box<str>, Box<str>>,
    /// Aliases with wildcards, the most specific first.
    pub wildcard_aliases: Vec<WildcardAlias>,
    /// What models cost.
    pub prices: Prices,
    /// Who may call.
    pub client_keys: ClientKeys,
    /// How calls leave of which nothing more special is said.
    pub tunnels: Tunnels,
    /// Where traces and metrics go; `None`, the default: nowhere.
    pub telemetry: Option<Telemetry>,
    /// What happens to a request on its way, in order.
    pub filters: FilterChain,
}

impl Snapshot {
    /// Returns the enabled accounts of a provider, first choice first.
    pub fn accounts_of(&self, provider: &ProviderId) -> &[Arc<Account>] {
        self.accounts.get(provider).map_or(&[], Vec::as_slice)
    }

    /// Returns what follows a target in fallback chains.
    pub fn after(&self, target: &Target) -> &[Node] {
        let of_provider = self.chains.get(&target.provider.id);
        of_provider.and_then(|models| models.get(&*target.model)).map_or(&[], Vec::as_slice)
    }
}

/// How and how far requests are routed (`routing`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// How the accounts of a provider are ordered.
    pub account_strategy: Named,
    /// Requests in a row that stay with one candidate when each has its turn, at least 1.
    pub sticky_calls: u64,
    /// Most attempts for one request, over all accounts and models.
    pub max_attempts: usize,
    /// No attempt is begun later than this after the request came in.
    pub deadline: Duration,
    /// Whether a request is repeated elsewhere when the connection broke after it was sent: the first
    /// provider may have begun, and billed, already.
    pub retry_on_reset: bool,
    /// Longest wait for a free account, when there is no other.
    pub max_wait: Duration,
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
