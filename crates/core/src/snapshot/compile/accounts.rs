//! Accounts: each with its provider and its credential, in the order of use.

use std::collections::HashMap;
use std::sync::Arc;

use super::providers::Providers;
use super::reachable::reachable;
use super::secrets::Secrets;
use crate::config::accounts::AccountText;
use crate::config::limits::LimitsText;
use crate::config::names::line_of;
use crate::config::nearest::did_you_mean;
use crate::config::report::{Place, Report, Spot};
use crate::config::secret_text::SecretText;
use crate::config::section::Field;
use crate::ids::{AccountId, ProviderId};
use crate::secret::Secret;
use crate::snapshot::{Account, Accounts, Auth, BaseUrl, Provider};
use crate::state::{AccountState, SharedState};

/// What accounts are made with.
pub(super) struct World<'a> {
    pub(super) providers: &'a Providers,
    pub(super) secrets: &'a Secrets<'a>,
    /// Limits of accounts that name none.
    pub(super) limits: &'a LimitsText,
    pub(super) state: &'a SharedState,
}

impl World<'_> {
    /// Returns the account's state; an account with another key or endpoint is another account.
    fn state_of(
        &self,
        id: &AccountId,
        provider: &Provider,
        key: Option<&Secret>,
        base_url: Option<&BaseUrl>,
    ) -> Arc<AccountState> {
        let key = key.map(Secret::expose);
        self.state.account(id, (&provider.id, base_url.unwrap_or(&provider.base_url), key))
    }
}

/// Makes the enabled accounts of each provider, by priority and then in the file's order.
///
/// A provider that wants no credential and has no account in the file gets one, named after it.
pub(super) fn compile(written: &[AccountText], world: &World<'_>, report: &Report) -> Accounts {
    let mut accounts = Accounts::default();
    let mut ids: HashMap<&str, &Place> = HashMap::new();
    let providers = world.providers;
    for text in written {
        let id = text.id.as_ref().filter(|id| is_new(id, &mut ids, report));
        let Some(provider) = provider_of(text, providers, report) else { continue };
        let key = credential(text, &provider, world.secrets, report);
        let (Some(id), Some(key), true) = (id, key, text.is_enabled) else { continue };
        let id = AccountId::new(id.value.as_str());
        let base_url = match &text.base_url {
            None => None,
            Some(Spot { value, place }) => {
                let allows = provider.allows_private;
                let Some(base_url) = reachable(value.clone(), allows, place, report) else {
                    continue;
                };
                Some(base_url)
            }
        };
        let limits = text.limits.over(world.limits);
        let state = world.state_of(&id, &provider, key.as_ref(), base_url.as_ref());
        let provider = Arc::clone(&provider);
        let of_provider = accounts.entry(provider.id.clone()).or_default();
        let priority = text.priority;
        of_provider.push(Arc::new(Account {
            id,
            provider,
            key,
            key_file: text.key.value().and_then(SecretText::file),
            priority,
            base_url,
            limits,
            tunnel: text.tunnel.clone(),
            state,
        }));
    }
    for provider in providers.by_id.values().filter(|provider| provider.auth == Auth::None) {
        if written.iter().all(|text| !is_at(text, &provider.id)) {
            let account = implicit(provider, &ids, world, report);
            accounts.insert(provider.id.clone(), vec![account]);
        }
    }
    for of_provider in accounts.values_mut() {
        of_provider.sort_by_key(|account| account.priority);
    }
    accounts
}

fn is_at(text: &AccountText, provider: &ProviderId) -> bool {
    text.provider.as_ref().is_some_and(|name| name.value == provider.as_str())
}

fn is_new<'t>(
    id: &'t Spot<String>,
    ids: &mut HashMap<&'t str, &'t Place>,
    report: &Report,
) -> bool {
    if let Some(first) = ids.get(id.value.as_str()) {
        let line = line_of(first);
        let what = format!("account id `{}` is given twice; the first is{line}", id.value);
        report.add(&id.place, what);
        return false;
    }
    ids.insert(&id.value, &id.place);
    true
}

fn implicit(
    provider: &Arc<Provider>,
    ids: &HashMap<&str, &Place>,
    world: &World<'_>,
    report: &Report,
) -> Arc<Account> {
    if let Some(place) = ids.get(provider.id.as_str()) {
        let what = format!(
            "account id `{id}` is taken by provider `{id}`, which needs no account of its own",
            id = provider.id
        );
        report.add_with(place, what, "give the account another id");
    }
    let id = AccountId::new(provider.id.as_str());
    let state = world.state_of(&id, provider, None, None);
    let limits = LimitsText::default().over(world.limits);
    let provider = Arc::clone(provider);
    Arc::new(Account {
        id,
        provider,
        key: None,
        key_file: None,
        priority: 1,
        base_url: None,
        limits,
        tunnel: None,
        state,
    })
}

/// Finds the provider of an account; `None` if it is unknown (reported) or faulty itself.
fn provider_of(
    text: &AccountText,
    providers: &Providers,
    report: &Report,
) -> Option<Arc<Provider>> {
    let name = text.provider.as_ref()?;
    if let Some(provider) = providers.by_id.get(name.value.as_str()) {
        return Some(Arc::clone(provider));
    }
    if providers.ids.contains(&name.value) {
        return None;
    }
    let hint = match providers.prefixes.get(&name.value) {
        Some(id) => Some(format!("did you mean `{id}`?")),
        None => did_you_mean(&name.value, providers.ids.iter().map(String::as_str)),
    };
    report.add_maybe(&name.place, format!("no provider has the id `{}`", name.value), hint);
    None
}

/// Returns the account's key, if its provider wants one; the outer `None` means a fault.
fn credential(
    text: &AccountText,
    provider: &Provider,
    secrets: &Secrets<'_>,
    report: &Report,
) -> Option<Option<Secret>> {
    let provider_place = text.provider.as_ref().map_or(&text.place, |name| &name.place);
    match (&provider.auth, &text.key) {
        (Auth::None, Field::Absent) => Some(None),
        (Auth::None, Field::Value(key)) => {
            let what = format!("provider `{}` takes no key", provider.id);
            report.add_with(&key.place, what, "remove `key`");
            None
        }
        (Auth::StaticKey { .. }, Field::Absent) => {
            let what = format!("`key` is missing: provider `{}` wants one", provider.id);
            report.add_with(&text.place, what, "write `key: ${NAME}`");
            None
        }
        (Auth::StaticKey { .. }, Field::Value(key)) => {
            secrets.fetch(&key.value, &key.place, report).map(Some)
        }
        (Auth::Unavailable(flow), _) => {
            if text.is_enabled {
                let what = format!("the login `{flow}` of `{}` is not available yet", provider.id);
                report.add(provider_place, what);
            }
            None
        }
        (Auth::None | Auth::StaticKey { .. }, Field::Faulty) => None,
    }
}
