//! Combos, aliases and fallback chains as written.

use super::node::{Content, Entry, Node};
use super::report::{Place, Report, Spot};
use super::routing::combo_strategy;
use super::scalars;
use super::section::{Section, each, entries};
use super::tunnel::tunnel;
use crate::snapshot::{GroupKind, Way};
use crate::strategy::{Between, Named};

/// Longest name of a combo or alias, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Weight of a target that names none.
const DEFAULT_WEIGHT: u32 = 1;
/// Largest weight; shares finer than that are of no use.
const MAX_WEIGHT: u64 = 1_000_000;

/// A combo or fallback chain as written.
#[derive(Debug)]
pub(crate) struct ComboText {
    pub(crate) name: Spot<String>,
    pub(crate) kind: GroupKind,
    /// `None`: the general one for combos.
    pub(crate) strategy: Option<Named>,
    pub(crate) targets: Vec<TargetText>,
    /// Chains have none.
    pub(crate) tunnel: Option<Way>,
}

/// A target of a combo as written.
#[derive(Debug)]
pub(crate) struct TargetText {
    pub(crate) reference: Spot<String>,
    pub(crate) weight: u32,
}

/// An alias as written.
#[derive(Debug)]
pub(crate) struct AliasText {
    pub(crate) name: Spot<String>,
    pub(crate) target: Spot<String>,
}

/// Reads `combos`.
pub(crate) fn combos(node: &Node, report: &Report) -> Option<Vec<ComboText>> {
    let combos = entries(node, report)?.iter().filter_map(|entry| {
        let name = model_name(entry, report);
        let section = Section::open(&entry.node, &["strategy", "targets", "tunnel"], report)?;
        let (kind, tunnel) = (GroupKind::Combo, section.read("tunnel", tunnel));
        let strategy = section.read("strategy", combo_strategy);
        let targets =
            section.require("targets", |node, report| filled(node, report, "targets", target));
        Some(ComboText { name: name?, kind, strategy, targets: targets?, tunnel })
    });
    Some(combos.collect())
}

/// Reads a target in its short form or as a map.
fn target(node: &Node, report: &Report) -> Option<TargetText> {
    if !matches!(node.content, Content::Map(_)) {
        return Some(TargetText { reference: reference(node, report)?, weight: DEFAULT_WEIGHT });
    }
    let section = Section::open(node, &["model", "weight"], report)?;
    let weight =
        section.read("weight", |node, report| scalars::whole(node, report, 0..=MAX_WEIGHT));
    let reference = section.require("model", reference)?;
    let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(DEFAULT_WEIGHT);
    Some(TargetText { reference, weight })
}

fn reference(node: &Node, report: &Report) -> Option<Spot<String>> {
    Some(Spot::new(scalars::text(node, report)?, &node.place))
}

/// Reads `aliases`.
pub(crate) fn aliases(node: &Node, report: &Report) -> Option<Vec<AliasText>> {
    let aliases = entries(node, report)?.iter().filter_map(|entry| {
        let name = model_name(entry, report);
        if entry.node.is_null() {
            report.add(&entry.place, "the alias names no model");
            return None;
        }
        let target = reference(&entry.node, report);
        Some(AliasText { name: name?, target: target? })
    });
    Some(aliases.collect())
}

/// Reads `fallback_chains`: lists that are always tried in their order.
pub(crate) fn fallback_chains(node: &Node, report: &Report) -> Option<Vec<ComboText>> {
    let chains = entries(node, report)?.iter().filter_map(|entry| {
        let name = model_name(entry, report);
        let member = |node: &Node, report: &Report| {
            Some(TargetText { reference: reference(node, report)?, weight: DEFAULT_WEIGHT })
        };
        let targets = filled(&entry.node, report, "models", member);
        let strategy = Some(Between::Targets.default_strategy());
        let kind = GroupKind::Chain;
        Some(ComboText { name: name?, kind, strategy, targets: targets?, tunnel: None })
    });
    Some(chains.collect())
}

/// Reads a list that must hold something.
fn filled<T>(
    node: &Node,
    report: &Report,
    things: &str,
    reader: impl Fn(&Node, &Report) -> Option<T>,
) -> Option<Vec<T>> {
    if matches!(&node.content, Content::List(items) if items.is_empty()) || node.is_null() {
        report.add(&node.place, format!("the list of {things} is empty"));
        return None;
    }
    each(node, report, reader)
}

/// Reads a key that clients write as a model's name.
fn model_name(entry: &Entry, report: &Report) -> Option<Spot<String>> {
    let is_good = !entry.name.is_empty()
        && entry.name.chars().count() <= MAX_NAME_CHARS
        && !entry.name.chars().any(|c| c.is_control() || c.is_whitespace());
    if !is_good {
        let what = "a model's name is of 1 to 200 characters without spaces";
        report.add(&entry.place, what);
        return None;
    }
    Some(Spot::new(entry.name.clone(), &entry.place))
}

/// Tells whether an alias has wildcards.
pub(crate) fn has_wildcards(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Returns the place of the first of two things of the same name, for a message about the second.
pub(crate) fn line_of(place: &Place) -> String {
    place.mark.map_or_else(String::new, |(line, _)| format!(" on line {line}"))
}
