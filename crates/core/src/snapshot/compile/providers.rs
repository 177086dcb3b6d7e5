//! Providers: the catalogue, overridden and added to by the operator, made ready for use.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;
use omniroute_wire::WireFormat;

use super::profiles::{DEFAULT_PROFILE, Profiles};
use super::reachable::reachable;
use crate::config::nearest::did_you_mean;
use crate::config::providers::{AuthText, ProviderText};
use crate::config::report::{Report, Spot};
use crate::config::section::Field;
use crate::ids::ProviderId;
use crate::resilience::Profile;
use crate::snapshot::{Auth, Provider};
use crate::state::SharedState;

/// All providers, also by prefix.
pub(super) struct Providers {
    /// Good ones by id.
    pub(super) by_id: HashMap<ProviderId, Arc<Provider>>,
    /// Good ones by prefix and, where no prefix says otherwise, by id.
    pub(super) by_prefix: HashMap<Box<str>, Arc<Provider>>,
    /// Ids that were written, faulty ones included: what refers to them is no fault of its own.
    pub(super) ids: Vec<String>,
    /// Prefixes that were written, faulty providers' included, with the ids they belong to.
    pub(super) prefixes: HashMap<String, String>,
}

impl Providers {
    /// Tells whether a word before a slash names a provider.
    pub(super) fn knows(&self, prefix: &str) -> bool {
        self.prefixes.contains_key(prefix) || self.ids.iter().any(|id| id == prefix)
    }

    /// Iterates over all words that may stand before a slash.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.prefixes.keys().chain(&self.ids).map(String::as_str)
    }
}

/// Joins the catalogue and the operator's providers.
pub(super) fn compile(
    catalogue: &[ProviderText],
    written: &[ProviderText],
    (profiles, state): (&Profiles, &SharedState),
    report: &Report,
) -> Providers {
    let mut merged: Vec<ProviderText> = catalogue.to_vec();
    for text in written {
        match merged.iter_mut().find(|known| known.id.value == text.id.value) {
            Some(known) => known.overlay(text.clone()),
            None => merged.push(text.clone()),
        }
    }
    let prefixes = prefixes(&merged, report);
    let by_id: HashMap<ProviderId, Arc<Provider>> = merged
        .iter()
        .filter_map(|text| finish(text, (profiles, state), report))
        .map(|provider| (provider.id.clone(), Arc::new(provider)))
        .collect();
    let mut by_prefix: HashMap<Box<str>, Arc<Provider>> =
        by_id.iter().map(|(id, provider)| (id.as_str().into(), Arc::clone(provider))).collect();
    for provider in by_id.values() {
        by_prefix.insert((*provider.prefix).into(), Arc::clone(provider));
    }
    let ids = merged.into_iter().map(|text| text.id.value).collect();
    Providers { by_id, by_prefix, ids, prefixes }
}

/// Finds two providers with the same prefix; the later one is at fault.
fn prefixes(merged: &[ProviderText], report: &Report) -> HashMap<String, String> {
    let mut prefixes: HashMap<String, String> = HashMap::new();
    for text in merged {
        let (prefix, place) = text.prefix();
        if let Some(other) = prefixes.get(prefix) {
            let what = format!("the prefix `{prefix}` belongs to provider `{other}`");
            report.add_with(place, what, "give another with `prefix:`");
            continue;
        }
        prefixes.insert(prefix.to_owned(), text.id.value.clone());
    }
    prefixes
}

/// Returns a format's path under a base URL. Whoever wrote `…/v1` as the base has said the version.
fn default_path<'a>(template: &'a str, base_path: &str) -> &'a str {
    let is_version = |segment: &str| {
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let last = base_path.rsplit('/').next().unwrap_or_default();
    let first = template.split('/').nth(1).unwrap_or_default();
    if is_version(last) && is_version(first) { &template[1 + first.len()..] } else { template }
}

fn finish(
    text: &ProviderText,
    (profiles, state): (&Profiles, &SharedState),
    report: &Report,
) -> Option<Provider> {
    let wire = required(text, "wire", &text.wire, report).copied();
    let allows_private = text.allow_private.unwrap_or_default();
    required(text, "base_url", &text.base_url, report);
    let base_url = text
        .base_url
        .spot()
        .and_then(|Spot { value, place }| reachable(value.clone(), allows_private, place, report));
    let profile = profile(text, profiles, report);
    let (wire, base_url, profile) = (wire?, base_url?, profile?);
    let path = |written: &Option<Box<str>>, template: &str| match written {
        Some(path) => path.clone(),
        None => default_path(template, &base_url.path).into(),
    };
    let codec = wire.codec();
    let chat_path = path(&text.paths.chat, codec.path_template());
    let count_path = match (&text.paths.count_tokens, codec.count_path()) {
        (None, None) => None,
        (written, template) => Some(path(written, template.unwrap_or_default())),
    };
    let auth = auth(text, wire)?;
    let id = ProviderId::new(text.id.value.as_str());
    Some(Provider {
        state: state.provider(&id),
        id,
        prefix: text.prefix().0.into(),
        wire,
        base_url,
        allows_private,
        chat_path,
        count_path,
        streaming: text.streaming.unwrap_or_default(),
        auth,
        headers: text.headers.clone(),
        forward_headers: unique(text.forward_headers.as_deref().unwrap_or_default()),
        profile,
        tunnel: text.tunnel.clone(),
        models: text.models.iter().map(|model| (model.id.clone(), model.model.clone())).collect(),
        on_status: text.on_status.iter().cloned().collect(),
    })
}

/// Returns a field that a provider cannot be without.
fn required<'t, T>(
    text: &ProviderText,
    name: &str,
    field: &'t Field<T>,
    report: &Report,
) -> Option<&'t T> {
    if matches!(field, Field::Absent) {
        let what = format!("`{name}` is missing");
        let hint = format!("the catalogue has no provider `{}` to take it from", text.id.value);
        report.add_with(&text.id.place, what, hint);
    }
    field.value()
}

fn profile(text: &ProviderText, profiles: &Profiles, report: &Report) -> Option<Profile> {
    let Some(name) = &text.profile else { return profiles.get(DEFAULT_PROFILE).cloned() };
    let found = profiles.get(&name.value).cloned();
    if found.is_none() {
        let mut known: Vec<&str> = profiles.keys().map(String::as_str).collect();
        known.sort_unstable();
        let hint = did_you_mean(&name.value, known)
            .unwrap_or_else(|| "write it under `resilience.profiles`".to_owned());
        report.add_with(&name.place, format!("no profile is named `{}`", name.value), hint);
    }
    found
}

/// Returns how a credential is presented; a provider that says nothing wants its format's usual key.
fn auth(text: &ProviderText, wire: WireFormat) -> Option<Auth> {
    let written = match &text.auth {
        Field::Absent => &AuthText::StaticKey { header: None, scheme: None },
        Field::Faulty => return None,
        Field::Value(written) => &written.value,
    };
    Some(match written {
        AuthText::None => Auth::None,
        AuthText::Later(flow) => Auth::Unavailable(flow.clone()),
        AuthText::StaticKey { header, scheme } => {
            let header = header.clone().unwrap_or_else(|| usual_header(wire));
            let scheme = match scheme {
                Some(scheme) => scheme.clone(),
                None => (header == AUTHORIZATION).then(|| "Bearer".into()),
            };
            Auth::StaticKey { header, scheme }
        }
    })
}

fn usual_header(wire: WireFormat) -> HeaderName {
    match wire {
        WireFormat::OpenAiChat | WireFormat::OpenAiResponses => AUTHORIZATION,
        WireFormat::Anthropic => HeaderName::from_static("x-api-key"),
        WireFormat::Gemini => HeaderName::from_static("x-goog-api-key"),
    }
}

fn unique(names: &[HeaderName]) -> Vec<HeaderName> {
    let mut seen = HashSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}
