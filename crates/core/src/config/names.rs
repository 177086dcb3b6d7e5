//! Combos, aliases and fallback chains as written.

use super::limits;
use super::node::{Content, Entry, Node};
use super::report::{Place, Report, Spot};
use super::routing::combo_strategy;
use super::scalars;
use super::section::{Section, each, entries};

/// Longest name of a combo or alias, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Weight that changes nothing.
const NEUTRAL_WEIGHT: u64 = 1;

/// A combo as written.
#[derive(Debug)]
pub(crate) struct ComboText {
    pub(crate) name: Spot<String>,
    pub(crate) targets: Vec<Spot<String>>,
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
        let targets = combo_targets(&entry.node, report);
        Some(ComboText { name: name?, targets: targets? })
    });
    Some(combos.collect())
}

fn combo_targets(node: &Node, report: &Report) -> Option<Vec<Spot<String>>> {
    let section = Section::open(node, &["strategy", "targets", "tunnel"], report)?;
    section.read("strategy", combo_strategy);
    section.refuse("tunnel", limits::tunnel);
    let targets =
        section.require("targets", |node, report| filled(node, report, "targets", target))?;
    Some(targets)
}

/// Reads a target in its short form or as a map.
fn target(node: &Node, report: &Report) -> Option<Spot<String>> {
    if !matches!(node.content, Content::Map(_)) {
        return reference(node, report);
    }
    let section = Section::open(node, &["model", "weight"], report)?;
    section.refuse("weight", |node, report| Some(scalars::count(node, report)? != NEUTRAL_WEIGHT));
    section.require("model", reference)
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

/// Reads `fallback_chains`, which have no effect yet: any chain is refused. Returns the references,
/// so that they can be checked all the same.
pub(crate) fn fallback_chains(node: &Node, report: &Report) -> Option<Vec<Spot<String>>> {
    let mut references = Vec::new();
    for entry in entries(node, report)? {
        references.extend(filled(&entry.node, report, "models", reference).into_iter().flatten());
        report.unavailable(&entry.place, "fallback_chains");
    }
    Some(references)
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
