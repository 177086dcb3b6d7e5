//! Keys of the contract that limit or redirect traffic and have no effect yet.
//!
//! Each reader checks the form and tells whether the value asks for an effect; the caller refuses
//! it then. A limit that is silently not kept would be worse than none.

use std::time::Duration;

use url::Url;

use super::node::{Content, Node};
use super::report::Report;
use super::scalars;
use super::section::{Section, each};

/// Longest wait for a free slot that the contract gives by default.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(2);

/// Reads `limits` of an account.
pub(crate) fn account(node: &Node, report: &Report) -> Option<bool> {
    any(node, report, &["rpm", "tpm", "min_gap", "concurrent"])
}

/// Reads `limits` of a client key.
pub(crate) fn client_key(node: &Node, report: &Report) -> Option<bool> {
    any(node, report, &["rpm", "tpm", "concurrent"])
}

/// Reads `resilience.account_limits`.
pub(crate) fn every_account(node: &Node, report: &Report) -> Option<bool> {
    any(node, report, &["rpm", "min_gap", "concurrent", "max_wait"])
}

/// Reads counts and durations; zero means unlimited.
fn any(node: &Node, report: &Report, known: &[&str]) -> Option<bool> {
    let section = Section::open(node, known, report)?;
    let mut has_effect = false;
    for &name in known {
        has_effect |= match name {
            "min_gap" => section.read(name, scalars::duration).is_some_and(|gap| !gap.is_zero()),
            "max_wait" => {
                section.read(name, scalars::duration).is_some_and(|wait| wait != DEFAULT_MAX_WAIT)
            }
            _ => section.read(name, scalars::count).is_some_and(|limit| limit != 0),
        };
    }
    Some(has_effect)
}

/// Reads `budget` of a client key: one or a list of them.
pub(crate) fn budget(node: &Node, report: &Report) -> Option<bool> {
    if matches!(node.content, Content::List(_)) {
        return Some(!each(node, report, one_budget)?.is_empty());
    }
    one_budget(node, report).map(|()| true)
}

fn one_budget(node: &Node, report: &Report) -> Option<()> {
    let periods = [("daily", ()), ("weekly", ()), ("monthly", ())];
    let section = Section::open(node, &["limit", "period"], report)?;
    section.require("limit", scalars::money)?;
    section.require("period", |node, report| scalars::word(node, report, &periods))
}

/// Reads a `tunnel`. The value may hold a password, so no message repeats it.
pub(crate) fn tunnel(node: &Node, report: &Report) -> Option<bool> {
    let Content::Scalar(scalar) = &node.content else {
        report.add(&node.place, "a URL is expected here");
        return None;
    };
    let url = Url::parse(&scalar.text).ok();
    let is_good = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "socks5") && url.host_str().is_some_and(|h| !h.is_empty())
    });
    if !is_good {
        let form = "write `http://host:port` or `socks5://user:password@host:port`";
        report.add_with(&node.place, "this is not the URL of a tunnel", form);
        return None;
    }
    Some(true)
}
