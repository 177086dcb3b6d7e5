//! Ids of the calls of a conversation, for OpenAI's formats: every call there must have one.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::chat::CallKind;
use crate::ids;

/// The calls of the conversation so far.
pub(crate) struct CallIds {
    /// Returns the id itself if the format takes it, else one made of it. Pure, so calls and results
    /// agree.
    fitted: fn(&str) -> String,
    count: usize,
    /// Made ids of calls that have no result yet, by name: formats without ids pair by order.
    open: HashMap<String, VecDeque<String>>,
    /// Calls of custom tools, whose results may have a type of their own.
    custom: HashSet<String>,
}

impl CallIds {
    /// Begins a conversation whose ids are made to fit so.
    pub(crate) fn new(fitted: fn(&str) -> String) -> Self {
        Self { fitted, count: 0, open: HashMap::new(), custom: HashSet::new() }
    }

    /// Returns the id to send for a call.
    pub(crate) fn asked(&mut self, id: &str, name: &str, kind: CallKind) -> String {
        let position = self.count;
        self.count += 1;
        let sent = if id.is_empty() {
            (self.fitted)(&ids::made("call_", name, position))
        } else {
            (self.fitted)(id)
        };
        if id.is_empty() {
            self.open.entry(name.to_owned()).or_default().push_back(sent.clone());
        }
        if kind == CallKind::Custom {
            self.custom.insert(sent.clone());
        }
        sent
    }

    /// Returns the id to send for the call that a result answers, and what that call was.
    pub(crate) fn answered(&mut self, id: &str, name: Option<&str>) -> (String, CallKind) {
        let sent = if id.is_empty() {
            let name = name.unwrap_or_default();
            let waiting = self.open.get_mut(name).and_then(VecDeque::pop_front);
            waiting.unwrap_or_else(|| (self.fitted)(&ids::made("call_", name, self.count)))
        } else {
            (self.fitted)(id)
        };
        let is_custom = self.custom.contains(&sent);
        let kind = if is_custom { CallKind::Custom } else { CallKind::Function };
        (sent, kind)
    }
}
