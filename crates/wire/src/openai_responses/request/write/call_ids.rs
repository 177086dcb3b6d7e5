//! Ids of calls, which every call here must have.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::chat::CallKind;
use crate::ids;

/// Longest call id this format takes, in bytes.
const MAX_BYTES: usize = 64;

/// The calls of the conversation so far.
#[derive(Default)]
pub(super) struct CallIds {
    count: usize,
    /// Made ids of calls that have no result yet, by name: formats without ids pair by order.
    open: HashMap<String, VecDeque<String>>,
    /// Calls of custom tools, whose results have a type of their own.
    custom: HashSet<String>,
}

impl CallIds {
    /// Returns the id to send for a call.
    pub(super) fn asked(&mut self, id: &str, name: &str, kind: CallKind) -> String {
        let position = self.count;
        self.count += 1;
        let sent = if id.is_empty() { ids::made("call_", name, position) } else { fitted(id) };
        if id.is_empty() {
            self.open.entry(name.to_owned()).or_default().push_back(sent.clone());
        }
        if kind == CallKind::Custom {
            self.custom.insert(sent.clone());
        }
        sent
    }

    /// Returns the id to send for the call that a result answers, and what that call was.
    pub(super) fn answered(&mut self, id: &str, name: Option<&str>) -> (String, CallKind) {
        let sent = if id.is_empty() {
            let name = name.unwrap_or_default();
            let waiting = self.open.get_mut(name).and_then(VecDeque::pop_front);
            waiting.unwrap_or_else(|| ids::made("call_", name, self.count))
        } else {
            fitted(id)
        };
        let is_custom = self.custom.contains(&sent);
        let kind = if is_custom { CallKind::Custom } else { CallKind::Function };
        (sent, kind)
    }
}

/// Returns the id itself if it is short enough, else one made of it. Pure, so calls and results agree.
fn fitted(id: &str) -> String {
    if id.len() <= MAX_BYTES { id.to_owned() } else { ids::legal("call_", id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_results_agree_on_ids() {
        let mut calls = CallIds::default();
        let long = "x".repeat(65);

        let first = calls.asked(&long, "f", CallKind::Custom);
        let second = calls.asked("functions.f:0", "f", CallKind::Function);
        let third = calls.asked("", "f", CallKind::Function);
        let fourth = calls.asked("", "f", CallKind::Function);

        assert!(first.len() <= MAX_BYTES && first.starts_with("call_"), "{first}");
        assert_eq!(second, "functions.f:0", "any text that is short enough");
        assert_ne!(third, fourth);
        assert_eq!(calls.answered(&long, None), (first, CallKind::Custom));
        assert_eq!(calls.answered("", Some("f")), (third, CallKind::Function));
        assert_eq!(calls.answered("", Some("f")), (fourth, CallKind::Function));
    }
}
