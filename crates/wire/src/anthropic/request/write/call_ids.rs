//! Ids of calls: legal, unique in the request, and the same for a call and its result.
//!
//! The API refuses a request that uses an id twice; some providers do. So the second call of an id gets
//! `_2`, and results are paired with calls in order. Formats without ids pair by the tool's name.
//! Everything follows from the conversation so far: a longer one gives the same ids at its beginning.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::ids;

/// The ids of one conversation.
#[derive(Debug, Default)]
pub(super) struct CallIds {
    used: HashSet<String>,
    calls: usize,
    /// Ids given to calls that have no result yet, by the client's id or, without one, by name.
    unanswered: HashMap<Key, VecDeque<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Id(String),
    Name(String),
}

impl Key {
    fn new(id: &str, name: &str) -> Self {
        if id.is_empty() { Self::Name(name.to_owned()) } else { Self::Id(id.to_owned()) }
    }
}

impl CallIds {
    /// Gives a call its id.
    pub(super) fn call(&mut self, id: &str, name: &str) -> String {
        let position = self.calls;
        self.calls += 1;
        let base = if id.is_empty() {
            ids::made("toolu_", name, position)
        } else {
            ids::legal("toolu_", id)
        };
        let mut given = base.clone();
        let mut occurrence = 1;
        while !self.used.insert(given.clone()) {
            occurrence += 1;
            given = format!("{base}_{occurrence}");
        }
        self.unanswered.entry(Key::new(id, name)).or_default().push_back(given.clone());
        given
    }

    /// Returns the id of the call that a result answers. One that answers no call keeps its own, and
    /// the provider says what is wrong.
    pub(super) fn result(&mut self, id: &str, name: Option<&str>) -> String {
        let key = Key::new(id, name.unwrap_or_default());
        let open = self.unanswered.get_mut(&key).and_then(VecDeque::pop_front);
        open.unwrap_or_else(|| {
            let seed = if id.is_empty() { name.unwrap_or_default() } else { id };
            ids::legal("toolu_", seed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_results_agree() {
        let mut ids = CallIds::default();
        let legal = ids.call("toolu_1", "f");
        let dotted = ids.call("a.b", "f");
        assert_eq!(legal, "toolu_1");
        assert!(dotted.starts_with("toolu_") && !dotted.contains('.'), "{dotted}");
        assert_eq!(ids.result("a.b", None), dotted);
        assert_eq!(ids.result("toolu_1", None), legal);
    }

    #[test]
    fn an_id_used_twice_is_told_apart() {
        let mut ids = CallIds::default();
        let calls = [ids.call("x", "f"), ids.call("x", "f"), ids.call("x_2", "f")];
        assert_eq!(calls, ["x", "x_2", "x_2_2"]);
        assert_eq!([ids.result("x", None), ids.result("x", None)], ["x", "x_2"]);
        assert_eq!(ids.result("x_2", None), "x_2_2");
    }

    #[test]
    fn calls_without_ids_are_paired_by_name_in_order() {
        let mut ids = CallIds::default();
        let calls = [ids.call("", "f"), ids.call("", "g"), ids.call("", "f")];
        assert_eq!(ids.result("", Some("f")), calls[0]);
        assert_eq!(ids.result("", Some("f")), calls[2]);
        assert_eq!(ids.result("", Some("g")), calls[1]);
        assert_eq!(calls.iter().collect::<HashSet<_>>().len(), 3);
    }
}
