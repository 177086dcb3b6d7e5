//! Model names: combo, exact alias, prefix, wildcard alias, catalogue — in this order.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use crate::error::Error;
use crate::snapshot::{Provider, Snapshot};

/// Most names a "did you mean" lists.
const MAX_HINTS: usize = 3;

/// A provider and a model, ready to be tried.
#[derive(Clone, Debug)]
pub struct Target {
    /// The provider.
    pub provider: Arc<Provider>,
    /// The model by the provider's name for it.
    pub model: Box<str>,
}

impl Target {
    fn is_same(&self, other: &Self) -> bool {
        self.provider.id == other.provider.id && self.model == other.model
    }
}

/// What a model name resolved to, and by which rules.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name the client wrote.
    pub asked: Box<str>,
    /// Targets in order, each once.
    pub targets: Vec<Target>,
    /// How the name was read, for `explain`.
    pub steps: Vec<Step>,
}

/// One rule that was applied to a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The name as it was before the rule.
    pub name: Box<str>,
    /// Which rule: `combo`, `alias`, `prefix`, `wildcard alias` or `catalogue`.
    pub rule: &'static str,
    /// What it became.
    pub became: Box<str>,
}

/// Turns the name a client wrote into targets.
///
/// # Errors
///
/// [`Error::UnknownModel`] naming the nearest known names, [`Error::AmbiguousModel`] if several
/// providers with an account offer a bare model, [`Error::BadRequest`] if combos and aliases go in
/// circles (the configuration's check refuses those, so this is a second line of defence).
pub fn resolve(snapshot: &Snapshot, name: &str) -> Result<Route, Error> {
    let mut route = Route { asked: name.into(), targets: Vec::new(), steps: Vec::new() };
    let mut open = HashSet::new();
    follow(snapshot, name, &mut route, &mut open)?;
    Ok(route)
}

fn follow<'a>(
    snapshot: &'a Snapshot,
    name: &'a str,
    route: &mut Route,
    open: &mut HashSet<&'a str>,
) -> Result<(), Error> {
    if !open.insert(name) {
        let what = format!("model `{name}` refers to itself through combos or aliases");
        return Err(Error::BadRequest { what });
    }
    follow_new(snapshot, name, route, open)?;
    open.remove(name);
    Ok(())
}

fn follow_new<'a>(
    snapshot: &'a Snapshot,
    name: &'a str,
    route: &mut Route,
    open: &mut HashSet<&'a str>,
) -> Result<(), Error> {
    if let Some(combo) = snapshot.combos.get(name) {
        route.note(name, "combo", &combo.targets.join(", "));
        for target in &combo.targets {
            follow(snapshot, target, route, open)?;
        }
        return Ok(());
    }
    if let Some(target) = snapshot.exact_aliases.get(name) {
        route.note(name, "alias", target);
        return follow(snapshot, target, route, open);
    }
    if let Some(target) = by_prefix(snapshot, name) {
        route.arrive(name, "prefix", target);
        return Ok(());
    }
    if let Some(alias) = snapshot.wildcard_aliases.iter().find(|alias| alias.matcher.matches(name))
    {
        route.note(name, "wildcard alias", &format!("{} (by {})", alias.target, alias.pattern));
        return follow(snapshot, &alias.target, route, open);
    }
    let target = by_catalogue(snapshot, name)?;
    route.arrive(name, "catalogue", target);
    Ok(())
}

impl Route {
    fn note(&mut self, name: &str, rule: &'static str, became: &str) {
        self.steps.push(Step { name: name.into(), rule, became: became.into() });
    }

    /// Notes that a name is a target, and adds it unless it is there already.
    fn arrive(&mut self, name: &str, rule: &'static str, target: Target) {
        self.note(name, rule, &format!("{} at {}", target.model, target.provider.id));
        if !self.targets.iter().any(|known| known.is_same(&target)) {
            self.targets.push(target);
        }
    }
}

/// Reads `prefix/model` and `provider-id/model`. The model need not be in the catalogue: providers
/// have new models every week.
fn by_prefix(snapshot: &Snapshot, name: &str) -> Option<Target> {
    let (prefix, model) = name.split_once('/')?;
    if model.is_empty() {
        return None;
    }
    let provider = snapshot.by_prefix.get(prefix)?;
    Some(target(provider, model))
}

/// Finds the one provider with an account that offers a bare model id.
fn by_catalogue(snapshot: &Snapshot, name: &str) -> Result<Target, Error> {
    let mut offering: Vec<&Arc<Provider>> = snapshot
        .accounts
        .iter()
        .filter(|(_, accounts)| !accounts.is_empty())
        .filter_map(|(id, _)| snapshot.providers.get(id))
        .filter(|provider| provider.models.contains_key(name))
        .collect();
    offering.sort_by(|a, b| a.id.cmp(&b.id));
    match offering.as_slice() {
        [provider] => Ok(target(provider, name)),
        [] => Err(Error::UnknownModel { model: name.to_owned(), hint: hint(snapshot, name) }),
        several => {
            let choices: Vec<String> =
                several.iter().map(|provider| format!("{}/{name}", provider.prefix)).collect();
            Err(Error::AmbiguousModel { model: name.to_owned(), choices: choices.join(", ") })
        }
    }
}

fn target(provider: &Arc<Provider>, model: &str) -> Target {
    let upstream = provider.models.get(model).and_then(|known| known.upstream.as_deref());
    Target { provider: Arc::clone(provider), model: upstream.unwrap_or(model).into() }
}

/// Says which known names are near, or where the model could be had.
fn hint(snapshot: &Snapshot, name: &str) -> String {
    let bare = name.rsplit('/').next().unwrap_or(name);
    let mut elsewhere: Vec<String> = snapshot
        .providers
        .values()
        .filter(|provider| provider.models.contains_key(bare))
        .map(|provider| format!("{}/{bare}", provider.prefix))
        .collect();
    if !elsewhere.is_empty() {
        elsewhere.sort();
        elsewhere.truncate(MAX_HINTS);
        return format!("; it exists as {} (an account there is needed)", elsewhere.join(", "));
    }
    let near = nearest(known_names(snapshot), name);
    if near.is_empty() {
        return "; GET /v1/models lists what can be asked for".to_owned();
    }
    format!("; did you mean {}?", near.join(", "))
}

fn known_names(snapshot: &Snapshot) -> Vec<String> {
    let models = snapshot.accounts.iter().filter(|(_, accounts)| !accounts.is_empty()).flat_map(
        |(id, _)| {
            snapshot.providers.get(id).into_iter().flat_map(|provider| {
                provider.models.keys().map(move |model| format!("{}/{model}", provider.prefix))
            })
        },
    );
    let combos = snapshot.combos.keys().map(ToString::to_string);
    let aliases = snapshot.exact_aliases.keys().map(ToString::to_string);
    models.chain(combos).chain(aliases).collect()
}

/// Returns the names most like `name`, best first; none that is too different to be a slip.
fn nearest(names: Vec<String>, name: &str) -> Vec<String> {
    let bare = |full: &str| full.rsplit('/').next().unwrap_or(full).to_owned();
    let likeness = |known: &str| {
        let whole = strsim::jaro_winkler(known, name);
        whole.max(strsim::jaro_winkler(&bare(known), &bare(name)))
    };
    let mut scored: Vec<(f64, String)> = names
        .into_iter()
        .map(|known| (likeness(&known), known))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored.into_iter().take(MAX_HINTS).map(|(_, known)| format!("`{known}`")).collect()
}
