//! The operator's file as a whole: every section read apart, so that no fault hides another.

use super::accounts::{self, AccountText};
use super::admin::{self, AdminText};
use super::bounds::{self, Bounds};
use super::client_keys::{self, ClientKeyText};
use super::filters::{self, FilterText};
use super::names::{self, AliasText, ComboText};
use super::node::Node;
use super::pricing::{self, PriceText};
use super::providers::{self, ProviderText};
use super::report::{Report, Spot};
use super::resilience::{self, ResilienceText};
use super::routing::{self, RoutingText};
use super::scalars;
use super::section::{Section, each, entries};
use super::server::{self, ServerText};
use super::telemetry::{self, TelemetryText};
use super::tunnel::tunnel;
use crate::snapshot::Way;

/// What the operator wrote. The default is an empty file.
#[derive(Default)]
pub(crate) struct Document {
    pub(crate) server: ServerText,
    pub(crate) limits: Bounds,
    pub(crate) admin: AdminText,
    pub(crate) routing: RoutingText,
    pub(crate) providers: Vec<ProviderText>,
    pub(crate) accounts: Vec<AccountText>,
    /// Combos, and after them fallback chains.
    pub(crate) combos: Vec<ComboText>,
    pub(crate) aliases: Vec<AliasText>,
    pub(crate) client_keys: Vec<ClientKeyText>,
    /// The general one.
    pub(crate) tunnel: Option<Way>,
    pub(crate) resilience: ResilienceText,
    pub(crate) telemetry: TelemetryText,
    pub(crate) prices: Vec<PriceText>,
    /// The list of filters with its place, if there is one.
    pub(crate) filters: Option<Spot<Vec<FilterText>>>,
    /// Settings of filters of the default list.
    pub(crate) filter_settings: Vec<FilterText>,
}

impl Document {
    /// Reads what was written. `None`, reported, if it is no map.
    pub(crate) fn of(root: &Node, report: &Report) -> Option<Self> {
        let known = [
            "server",
            "limits",
            "admin",
            "routing",
            "providers",
            "accounts",
            "combos",
            "aliases",
            "fallback_chains",
            "client_keys",
            "tunnel",
            "resilience",
            "filters",
            "pricing",
            "telemetry",
        ];
        let section = Section::open(root, &known, report)?;
        let mut combos = section.read("combos", names::combos).unwrap_or_default();
        combos.extend(section.read("fallback_chains", names::fallback_chains).unwrap_or_default());
        Some(Self {
            server: section.read("server", server::read).unwrap_or_default(),
            limits: section.read("limits", bounds::read).unwrap_or_default(),
            admin: section.read("admin", admin::read).unwrap_or_default(),
            routing: section.read("routing", routing::read).unwrap_or_default(),
            providers: section.read("providers", written_providers).unwrap_or_default(),
            accounts: section
                .read("accounts", |node, report| each(node, report, accounts::read))
                .unwrap_or_default(),
            combos,
            aliases: section.read("aliases", names::aliases).unwrap_or_default(),
            client_keys: section
                .read("client_keys", |node, report| each(node, report, client_keys::read))
                .unwrap_or_default(),
            tunnel: section.read("tunnel", tunnel),
            resilience: section.read("resilience", resilience::read).unwrap_or_default(),
            telemetry: section.read("telemetry", telemetry::read).unwrap_or_default(),
            prices: section.read("pricing", pricing::read).unwrap_or_default(),
            filters: section.spot("filters", filters::read),
            filter_settings: section.read("filters", filters::read_settings).unwrap_or_default(),
        })
    }
}

fn written_providers(node: &Node, report: &Report) -> Option<Vec<ProviderText>> {
    let providers = entries(node, report)?.iter().filter_map(|entry| {
        if !scalars::is_name(&entry.name) {
            report.add(&entry.place, "a provider's id is of letters, digits, `-`, `_` and `.`");
            return None;
        }
        providers::read(Spot::new(entry.name.clone(), &entry.place), &entry.node, report)
    });
    Some(providers.collect())
}
