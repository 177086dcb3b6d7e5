//! `on_status` of a provider: its own rules for its errors.

use super::node::{Content, Node, shortened};
use super::report::Report;
use super::scalars;
use super::section::{Section, each, entries};
use crate::verdict::{Reason, Rule, Scope, TryNext};

/// What an error may be said to be (`as`).
const REASONS: [Reason; 9] = [
    Reason::Request,
    Reason::ContextTooLong,
    Reason::Credential,
    Reason::Permission,
    Reason::Quota,
    Reason::RateLimit,
    Reason::ModelNotFound,
    Reason::Overloaded,
    Reason::ServerError,
];

/// Reads `on_status`: for each status one rule, or a list of which the first that fits counts.
pub(crate) fn on_status(node: &Node, report: &Report) -> Option<Vec<(u16, Vec<Rule>)>> {
    let mut rules = Vec::new();
    for entry in entries(node, report)? {
        let status = entry.name.parse().ok().filter(|status| (400..=599).contains(status));
        if status.is_none() {
            let name = shortened(&entry.name);
            report.add(&entry.place, format!("`{name}` is not a status from 400 to 599"));
        }
        let of_status = if matches!(entry.node.content, Content::List(_)) {
            each(&entry.node, report, rule)
        } else {
            rule(&entry.node, report).map(|rule| vec![rule])
        };
        rules.extend(status.zip(of_status));
    }
    Some(rules)
}

fn rule(node: &Node, report: &Report) -> Option<Rule> {
    let scopes =
        [("account", TryNext::Account), ("model", TryNext::Model), ("nothing", TryNext::Nothing)];
    let resting =
        [("account", Some(Scope::Account)), ("model", Some(Scope::Model)), ("nothing", None)];
    let known = ["contains", "as", "try_next", "rests", "cool_down"];
    let section = Section::open(node, &known, report)?;
    let contains = section.read("contains", scalars::text).map(|text| text.to_lowercase().into());
    let reason = section.read("as", |node, report| {
        scalars::word(node, report, &REASONS.map(|reason| (reason.name(), reason)))
    });
    let rests = section.read("rests", |node, report| scalars::word(node, report, &resting));
    let cool_down = section.read("cool_down", scalars::duration);
    let try_next = |node: &Node, report: &Report| scalars::word(node, report, &scopes);
    // A rule that says neither what an error is nor what to try next would say nothing.
    let try_next = if section.get("as").is_some() {
        section.read("try_next", try_next)
    } else {
        Some(section.require("try_next", try_next)?)
    };
    Some(Rule { contains, reason, try_next, rests, cool_down })
}
