//! Model names: combo, exact alias, prefix, wildcard alias, catalogue — in this order.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::ids::ProviderId;
use crate::snapshot::{GroupKind, Node, Provider, Snapshot, Target};

/// Most names a "did you mean" lists.
const MAX_HINTS: usize = 3;

/// What a model name resolved to, and by which rules.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name the client wrote.
    pub asked: Arc<str>,
    /// What the name stands for.
    pub root: Node,
    /// What is tried when nothing of that can serve (fallback chains).
    pub fallbacks: Vec<Node>,
    /// How the name was read, for `explain`.
    pub steps: Vec<Step>,
}

/// One rule that was applied to a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The name as it was before the rule.
    pub name: Arc<str>,
    /// Which rule: `combo`, `fallback chain`, `alias`, `prefix`, `wildcard alias`, `catalogue` or
    /// `provider route`.
    pub rule: &'static str,
    /// What it became.
    pub became: Became,
}

/// What a name became: put into words only for who asks, since every request has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// Another name, or a group's summary.
    Words(Box<str>),
    /// A model of a provider.
    Model(Arc<str>, ProviderId),
}

impl fmt::Display for Became {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Model(model, provider) => write!(f, "{model} at {provider}"),
        }
    }
}

impl Serialize for Became {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<&Target> for Became {
    fn from(target: &Target) -> Self {
        Self::Model(Arc::clone(&target.model), target.provider.id.clone())
    }
}

/// Turns the name a client wrote into what it stands for, on the route of one provider or on everybody's.
///
/// # Errors
///
/// Those of [`resolve`] and [`resolve_at`].
pub fn route(
    snapshot: &Snapshot,
    provider: Option<&ProviderId>,
    name: &str,
) -> Result<Route, Error> {
    match provider {
        Some(provider) => resolve_at(snapshot, provider, name),
        None => resolve(snapshot, name),
    }
}

/// Turns the name a client wrote into what it stands for.
///
/// # Errors
///
/// [`Error::UnknownModel`] naming the nearest known names, [`Error::AmbiguousModel`] if several
/// providers with an account offer a bare model, [`Error::BadRequest`] if aliases go in circles (the
/// configuration's check refuses those, so this is a second line of defence).
pub fn resolve(snapshot: &Snapshot, name: &str) -> Result<Route, Error> {
    let (asked, mut steps) = (Arc::from(name), Vec::with_capacity(1));
    let root = follow(snapshot, &asked, &mut steps)?;
    let fallbacks = match &root {
        Node::Group(group) => group.fallbacks.clone(),
        Node::Target(target) => snapshot.after(target).to_vec(),
    };
    let mut route = Route { asked, root, fallbacks, steps };
    route.note_fallbacks();
    Ok(route)
}

/// Turns the name a client wrote on a provider's own route into a model of that provider.
///
/// The provider's prefix or id may be left out.
///
/// # Errors
///
/// [`Error::BadRequest`] if the name says another provider, a combo or an alias.
pub fn resolve_at(snapshot: &Snapshot, provider: &ProviderId, name: &str) -> Result<Route, Error> {
    let Some(provider) = snapshot.providers.get(provider) else {
        let what = format!("no provider has the id `{provider}`");
        return Err(Error::BadRequest { what });
    };
    let own = |prefix: &str| snapshot.by_prefix.get(prefix).is_some_and(|by| by.id == provider.id);
    let model = match name.split_once('/') {
        Some((prefix, model)) if own(prefix) && !model.is_empty() => model,
        // The id of a model may have a slash itself; then it is one that the provider is known for.
        _ if provider.knows(name) => name,
        Some((prefix, _)) if snapshot.by_prefix.contains_key(prefix) => {
            return Err(mismatch(provider, name, &format!("is a model of `{prefix}`")));
        }
        _ if snapshot.groups.contains_key(name) || snapshot.exact_aliases.contains_key(name) => {
            return Err(mismatch(provider, name, "is a combo or an alias"));
        }
        None if snapshot.offering.contains_key(name) => {
            return Err(mismatch(provider, name, "is a model of another provider"));
        }
        _ => name,
    };
    let (asked, target) = (Arc::from(name), Target::new(provider, model));
    let step = Step { name: Arc::clone(&asked), rule: "provider route", became: (&target).into() };
    Ok(Route { asked, root: Node::Target(target), fallbacks: Vec::new(), steps: vec![step] })
}

fn mismatch(provider: &Provider, name: &str, what: &str) -> Error {
    let id = &provider.id;
    let name: String = name.chars().take(200).collect();
    let what = format!("this route leads to provider `{id}`, but `{name}` {what}; ask /v1 for it");
    Error::BadRequest { what }
}

fn follow(snapshot: &Snapshot, asked: &Arc<str>, steps: &mut Vec<Step>) -> Result<Node, Error> {
    let mut name: &str = asked;
    let mut seen = HashSet::new();
    let mut note = |name: &str, rule, became| {
        let name = if steps.is_empty() { Arc::clone(asked) } else { name.into() };
        steps.push(Step { name, rule, became });
    };
    loop {
        if let Some(group) = snapshot.groups.get(name) {
            note(name, group.kind.name(), Became::Words(group.summary().into()));
            return Ok(Node::Group(Arc::clone(group)));
        }
        if let Some(target) = snapshot.exact_aliases.get(name) {
            note(name, "alias", Became::Words((&**target).into()));
            again(name, &mut seen)?;
            name = target;
            continue;
        }
        if let Some(target) = by_prefix(snapshot, name) {
            note(name, "prefix", (&target).into());
            return Ok(Node::Target(target));
        }
        let mut wildcards = snapshot.wildcard_aliases.iter();
        if let Some(alias) = wildcards.find(|alias| alias.matcher.matches(name)) {
            let became = format!("{} (by {})", alias.target, alias.pattern);
            note(name, "wildcard alias", Became::Words(became.into()));
            again(name, &mut seen)?;
            name = &alias.target;
            continue;
        }
        let target = by_catalogue(snapshot, name)?;
        note(name, "catalogue", (&target).into());
        return Ok(Node::Target(target));
    }
}

fn again<'a>(name: &'a str, seen: &mut HashSet<&'a str>) -> Result<(), Error> {
    if seen.insert(name) {
        return Ok(());
    }
    let what = format!("model `{name}` refers to itself through aliases");
    Err(Error::BadRequest { what })
}

impl Route {
    /// Iterates over all targets that may be reached, some of them more than once.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let mut ahead: Vec<&Node> = std::iter::once(&self.root).chain(&self.fallbacks).collect();
        std::iter::from_fn(move || {
            loop {
                match ahead.pop()? {
                    Node::Target(target) => return Some(target),
                    Node::Group(group) => {
                        ahead.extend(group.members.iter().map(|member| &member.node));
                    }
                }
            }
        })
    }

    fn note_fallbacks(&mut self) {
        let is_chain = matches!(&self.root, Node::Group(group) if group.kind == GroupKind::Chain);
        if self.fallbacks.is_empty() || is_chain {
            return;
        }
        let names: Vec<String> = self
            .fallbacks
            .iter()
            .map(|node| match node {
                Node::Group(group) => group.name.to_string(),
                Node::Target(target) => Became::from(target).to_string(),
            })
            .collect();
        let rule = match self.root {
            Node::Group(_) => "combo with a fallback chain",
            Node::Target(_) => "member of a fallback chain",
        };
        let became = Became::Words(format!("then {}", names.join(", ")).into());
        self.steps.push(Step { name: Arc::clone(&self.asked), rule, became });
    }
}

/// Reads `prefix/model` and `provider-id/model`. The model need not be in the catalogue: providers
/// have new models every week.
fn by_prefix(snapshot: &Snapshot, name: &str) -> Option<Target> {
    let (prefix, model) = name.split_once('/')?;
    if model.is_empty() {
        return None;
    }
    Some(Target::new(snapshot.by_prefix.get(prefix)?, model))
}

/// Finds the one provider with an account that offers a bare model id.
fn by_catalogue(snapshot: &Snapshot, name: &str) -> Result<Target, Error> {
    match snapshot.offering.get(name).map_or(&[][..], Vec::as_slice) {
        [provider] => Ok(Target::new(provider, name)),
        [] => Err(Error::UnknownModel { model: name.to_owned(), hint: hint(snapshot, name) }),
        several => {
            let choices: Vec<String> =
                several.iter().map(|provider| format!("{}/{name}", provider.prefix)).collect();
            Err(Error::AmbiguousModel { model: name.to_owned(), choices: choices.join(", ") })
        }
    }
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
    let combos = snapshot.groups.keys().map(ToString::to_string);
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
