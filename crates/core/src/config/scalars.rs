//! Readers of single values: text, flags, numbers, durations, words of a list.
//!
//! Each returns `None` after reporting the fault with the value, unless the value may be a secret.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use super::nearest::did_you_mean_or_list;
use super::node::{Content, Node, Scalar, ScalarKind};
use super::report::Report;
use super::units;
use crate::money::Nanodollars;

/// Reads a text; numbers and flags are taken as they are written.
pub(crate) fn text(node: &Node, report: &Report) -> Option<String> {
    let scalar = scalar(node, report, "a text")?;
    if scalar.text.trim().is_empty() {
        report.add(&node.place, "the text is empty");
        return None;
    }
    Some(scalar.text.clone())
}

/// Reads the name of something: no slash, no spaces, nothing that needs quoting in a URL or a log.
pub(crate) fn name(node: &Node, report: &Report) -> Option<String> {
    let name = text(node, report)?;
    if is_name(&name) {
        return Some(name);
    }
    let what = format!("{} cannot be a name", node.quoted());
    report.add_with(&node.place, what, "use letters, digits, `-`, `_` and `.`");
    None
}

/// Tells whether a text may name a provider, an account or a prefix.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Reads `true` or `false`.
pub(crate) fn flag(node: &Node, report: &Report) -> Option<bool> {
    match scalar(node, report, "`true` or `false`")?.kind {
        ScalarKind::Flag(flag) => Some(flag),
        _ => {
            report.add(&node.place, format!("{} is not `true` or `false`", node.quoted()));
            None
        }
    }
}

/// Reads a whole number of a range.
pub(crate) fn whole(node: &Node, report: &Report, range: RangeInclusive<u64>) -> Option<u64> {
    let scalar = scalar(node, report, "a whole number")?;
    let number = match scalar.kind {
        ScalarKind::Whole(number) => u64::try_from(number).ok(),
        _ => None,
    };
    let found = number.filter(|number| range.contains(number));
    if found.is_none() {
        let (low, high) = range.into_inner();
        let bounds = if high == u64::MAX {
            format!("of at least {low}")
        } else {
            format!("from {low} to {high}")
        };
        report.add(&node.place, format!("{} is not a whole number {bounds}", node.quoted()));
    }
    found
}

/// Reads a whole number with no upper bound of its own.
pub(crate) fn count(node: &Node, report: &Report) -> Option<u64> {
    whole(node, report, 0..=u64::MAX)
}

/// Reads a number that may have a fraction, from 1 to 100.
pub(crate) fn factor(node: &Node, report: &Report) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "only 1 to 100 is accepted below")]
    let number = match scalar(node, report, "a number")?.kind {
        ScalarKind::Whole(whole) => Some(whole as f64),
        ScalarKind::Fraction(fraction) => Some(fraction),
        ScalarKind::Text | ScalarKind::Flag(_) => None,
    };
    let found = number.filter(|number| (1.0..=100.0).contains(number));
    if found.is_none() {
        report.add(&node.place, format!("{} is not a number from 1 to 100", node.quoted()));
    }
    found
}

/// Reads a duration such as `30s`.
pub(crate) fn duration(node: &Node, report: &Report) -> Option<Duration> {
    with_unit(node, report, ("a duration", units::DURATION_FORM), units::duration)
}

/// Reads a duration above zero.
pub(crate) fn some_duration(node: &Node, report: &Report) -> Option<Duration> {
    let found = duration(node, report)?;
    if found.is_zero() {
        report.add(&node.place, format!("{} leaves no time at all", node.quoted()));
        return None;
    }
    Some(found)
}

/// Reads a size such as `32MiB` in bytes.
pub(crate) fn size(node: &Node, report: &Report) -> Option<usize> {
    with_unit(node, report, ("a size", units::SIZE_FORM), units::size)
}

/// Reads an amount such as `$0.60`.
pub(crate) fn money(node: &Node, report: &Report) -> Option<Nanodollars> {
    let read = |text: &str| units::money(text).map(Nanodollars::new);
    with_unit(node, report, ("an amount of money", units::MONEY_FORM), read)
}

/// Reads an RFC 3339 time.
pub(crate) fn time(node: &Node, report: &Report) -> Option<SystemTime> {
    with_unit(node, report, ("a time", units::TIME_FORM), units::time)
}

/// Reads one of the words of a table.
pub(crate) fn word<T: Copy>(node: &Node, report: &Report, table: &[(&str, T)]) -> Option<T> {
    let written = text(node, report)?;
    let found = table.iter().find(|(word, _)| *word == written).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        let what = format!("{} is not known here", node.quoted());
        report.add_with(&node.place, what, did_you_mean_or_list(&written, &words));
    }
    found
}

fn with_unit<T>(
    node: &Node,
    report: &Report,
    (kind, form): (&str, &str),
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let found = read(&scalar(node, report, kind)?.text);
    if found.is_none() {
        report.add_with(&node.place, format!("{} is not {kind}", node.quoted()), form);
    }
    found
}

fn scalar<'n>(node: &'n Node, report: &Report, expected: &str) -> Option<&'n Scalar> {
    match &node.content {
        Content::Scalar(scalar) => Some(scalar),
        Content::Broken => None,
        Content::Null | Content::List(_) | Content::Map(_) => {
            report.add(&node.place, format!("{expected} is expected here, not {}", node.quoted()));
            None
        }
    }
}
