//! Combos, chains and aliases: every reference leads somewhere, and none in a circle.

use std::collections::HashMap;
use std::sync::Arc;

use wildmatch::WildMatch;

use super::groups::{Builder, Chains};
use super::providers::Providers;
use crate::config::document::Document;
use crate::config::names::{AliasText, has_wildcards, line_of};
use crate::config::nearest::did_you_mean;
use crate::config::report::{Report, Spot};
use crate::snapshot::{Group, WildcardAlias};
use crate::state::SharedState;

/// Combos, fallback chains and aliases, ready for use.
pub(super) struct Names {
    pub(super) groups: HashMap<Box<str>, Arc<Group>>,
    pub(super) chains: Chains,
    pub(super) exact: HashMap<Box<str>, Box<str>>,
    pub(super) wildcard: Vec<WildcardAlias>,
}

/// Makes combos, chains and aliases and checks what they refer to.
pub(super) fn compile(
    document: &Document,
    providers: &Providers,
    state: &SharedState,
    report: &Report,
) -> Names {
    let graph = Graph::new(document, providers);
    for (index, combo) in document.combos.iter().enumerate() {
        let name = &combo.name.value;
        if let Some(alias) = graph.exact(name) {
            let line = line_of(&alias.name.place);
            let what = format!("{} `{name}` has the name of the alias{line}", combo.kind.name());
            report.add_with(&combo.name.place, what, "rename one of them");
        }
        if let Some(first) = document.combos[..index].iter().find(|first| first.name.value == *name)
        {
            let (kind, line) = (first.kind.name(), line_of(&first.name.place));
            let what = format!("{} `{name}` has the name of the {kind}{line}", combo.kind.name());
            report.add_with(&combo.name.place, what, "rename one of them");
        }
    }
    let aliases = document.aliases.iter().map(|alias| &alias.target);
    let targets = document.combos.iter().flat_map(|combo| &combo.targets);
    for reference in aliases.chain(targets.map(|target| &target.reference)) {
        graph.check(reference, report);
    }
    graph.report_circles(report);
    let (groups, chains) = if report.is_empty() {
        Builder::new(&graph, state).build()
    } else {
        // What leads nowhere or in a circle cannot be built, and nobody will ask for it.
        Default::default()
    };
    Names {
        groups,
        chains,
        exact: document
            .aliases
            .iter()
            .filter(|alias| !has_wildcards(&alias.name.value))
            .map(|alias| (alias.name.value.as_str().into(), alias.target.value.as_str().into()))
            .collect(),
        wildcard: graph.wildcards.into_iter().map(|(alias, _)| alias).collect(),
    }
}

/// Compiles the wildcard aliases, the most specific first, each with its place in the document.
fn wildcards(aliases: &[AliasText]) -> Vec<(WildcardAlias, usize)> {
    let mut wildcards: Vec<(WildcardAlias, usize)> = aliases
        .iter()
        .enumerate()
        .filter(|(_, alias)| has_wildcards(&alias.name.value))
        .map(|(index, alias)| {
            let pattern = alias.name.value.as_str();
            let alias = WildcardAlias {
                pattern: pattern.into(),
                matcher: WildMatch::new_case_insensitive(pattern),
                target: alias.target.value.as_str().into(),
            };
            (alias, index)
        })
        .collect();
    // The sort is stable, so equals stay in the file's order.
    wildcards.sort_by_key(|(alias, _)| std::cmp::Reverse(specificity(&alias.pattern)));
    wildcards
}

/// Returns how specific a pattern is: literal characters count for it, wildcards against it.
///
/// 10 per literal character (`/` is none), -50 per `*`, -5 per `?`, 1 per character of any kind.
pub(super) fn specificity(pattern: &str) -> i64 {
    pattern
        .chars()
        .map(|c| match c {
            '*' => -50 + 1,
            '?' => -5 + 1,
            '/' => 1,
            _ => 10 + 1,
        })
        .sum()
}

/// Where a reference leads.
pub(super) enum Lead {
    /// To a provider.
    Provider,
    /// To the combo or alias of this number.
    Named(usize),
    /// Nowhere.
    Nowhere,
}

/// Combos and chains (first) and aliases (after them) as the nodes of a graph.
pub(super) struct Graph<'d> {
    pub(super) document: &'d Document,
    pub(super) providers: &'d Providers,
    combos: HashMap<&'d str, usize>,
    exact: HashMap<&'d str, usize>,
    wildcards: Vec<(WildcardAlias, usize)>,
}

impl<'d> Graph<'d> {
    fn new(document: &'d Document, providers: &'d Providers) -> Self {
        let combos = document.combos.iter().enumerate();
        let exact = document.aliases.iter().enumerate();
        Self {
            document,
            providers,
            combos: combos.map(|(index, combo)| (combo.name.value.as_str(), index)).collect(),
            exact: exact
                .filter(|(_, alias)| !has_wildcards(&alias.name.value))
                .map(|(index, alias)| (alias.name.value.as_str(), index))
                .collect(),
            wildcards: wildcards(&document.aliases),
        }
    }

    fn exact(&self, name: &str) -> Option<&'d AliasText> {
        self.exact.get(name).and_then(|&index| self.document.aliases.get(index))
    }

    /// Follows a name by the order in which requests are resolved.
    pub(super) fn lead(&self, name: &str) -> Lead {
        let aliases_begin = self.document.combos.len();
        if let Some(&combo) = self.combos.get(name) {
            return Lead::Named(combo);
        }
        if let Some(&alias) = self.exact.get(name) {
            return Lead::Named(aliases_begin + alias);
        }
        if let Some((prefix, model)) = name.split_once('/')
            && !model.is_empty()
            && self.providers.knows(prefix)
        {
            return Lead::Provider;
        }
        match self.wildcards.iter().find(|(alias, _)| alias.matcher.matches(name)) {
            Some((_, alias)) => Lead::Named(aliases_begin + alias),
            None => Lead::Nowhere,
        }
    }

    fn check(&self, reference: &Spot<String>, report: &Report) {
        if matches!(self.lead(&reference.value), Lead::Nowhere) {
            let (what, hint) = self.lost(&reference.value);
            report.add_maybe(&reference.place, what, hint);
        }
    }

    /// Says why a name leads nowhere and what may have been meant.
    fn lost(&self, name: &str) -> (String, Option<String>) {
        if let Some((prefix, model)) = name.split_once('/') {
            if model.is_empty() {
                return (format!("`{name}` names no model after the slash"), None);
            }
            let hint = did_you_mean(prefix, self.providers.words());
            return (format!("no provider has the prefix `{prefix}`"), hint);
        }
        let what = format!("`{name}` is no combo, no alias and no `prefix/model`");
        let mut offering: Vec<String> = self
            .providers
            .by_id
            .values()
            .filter(|provider| provider.models.contains_key(name))
            .map(|provider| format!("`{}/{name}`", provider.prefix))
            .collect();
        offering.sort();
        if !offering.is_empty() {
            return (what, Some(format!("name the provider too: {}", offering.join(", "))));
        }
        (what, did_you_mean(name, self.combos.keys().chain(self.exact.keys()).copied()))
    }

    fn name(&self, node: usize) -> &'d Spot<String> {
        let combos = &self.document.combos;
        match combos.get(node) {
            Some(combo) => &combo.name,
            None => &self.document.aliases[node - combos.len()].name,
        }
    }

    /// Returns the combos and aliases that a combo or alias refers to.
    fn next(&self, node: usize) -> Vec<usize> {
        let combos = &self.document.combos;
        let references: Vec<&str> = match combos.get(node) {
            Some(combo) => combo.targets.iter().map(|target| &*target.reference.value).collect(),
            None => vec![&*self.document.aliases[node - combos.len()].target.value],
        };
        let named = references.into_iter().filter_map(|reference| match self.lead(reference) {
            Lead::Named(next) => Some(next),
            Lead::Provider | Lead::Nowhere => None,
        });
        named.collect()
    }

    /// Walks depth first, without recursion, and reports each way back into the walked path.
    fn report_circles(&self, report: &Report) {
        let count = self.document.combos.len() + self.document.aliases.len();
        let mut done = vec![false; count];
        for start in 0..count {
            let mut path: Vec<(usize, Vec<usize>)> = Vec::new();
            if !done[start] {
                path.push((start, self.next(start)));
            }
            while let Some((node, ahead)) = path.last_mut() {
                let Some(next) = ahead.pop() else {
                    done[*node] = true;
                    path.pop();
                    continue;
                };
                if let Some(from) = path.iter().position(|(walked, _)| *walked == next) {
                    self.report_circle(path[from..].iter().map(|(node, _)| *node), report);
                } else if !done[next] {
                    let ahead = self.next(next);
                    path.push((next, ahead));
                }
            }
        }
    }

    fn report_circle(&self, nodes: impl Iterator<Item = usize>, report: &Report) {
        let names: Vec<&Spot<String>> = nodes.map(|node| self.name(node)).collect();
        let Some(first) = names.first() else { return };
        let mut steps: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
        steps.push(&first.value);
        let what = format!("combos and aliases go in a circle: {}", steps.join(" → "));
        report.add(&first.place, what);
    }
}
