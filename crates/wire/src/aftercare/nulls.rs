//! Takes members out of JSON text while it streams whose null only says that they are missing: a strict
//! schema had to require them of the provider, and the client does not know the null.
//!
//! All other characters stay as they came. A member is held back from its comma to the first character of
//! its value. Text that is no JSON goes on as it is.

use std::sync::Arc;

use super::optional::{OptionalMembers, Shapes};

/// One JSON text on its way to the client.
#[derive(Debug)]
pub(super) struct Nulls {
    optional: Arc<OptionalMembers>,
    state: State,
    /// The objects and lists that are open, outermost first.
    open: Vec<Open>,
    /// A member without its value, its comma first.
    held: String,
    /// Where its name stands in `held`, quotes included.
    name: (usize, usize),
}

/// An object or a list that has not ended.
#[derive(Debug)]
struct Open {
    is_object: bool,
    shapes: Shapes,
    members: Members,
}

/// What the client has of the members of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Members {
    /// None came.
    None,
    /// None; the first that came are gone.
    Gone,
    /// Some.
    Some,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a value.
    Value,
    /// Inside a string that is a value.
    Text { escaped: bool },
    /// Inside a number or a word.
    Word,
    /// Inside what seems to be a null that is to go.
    Null,
    /// Behind a value.
    Behind,
    /// Before the name of a member, or the end of its object.
    Name,
    /// Inside a name.
    InName { escaped: bool },
    /// Before the colon.
    Colon,
    /// All that comes goes on as it is.
    Through,
}

impl Nulls {
    pub(super) const fn new(optional: Arc<OptionalMembers>) -> Self {
        Self { optional, state: State::Value, open: Vec::new(), held: String::new(), name: (0, 0) }
    }

    /// Takes more of the text and returns what may go on.
    pub(super) fn push(&mut self, delta: &str) -> String {
        let mut out = String::with_capacity(delta.len());
        for character in delta.chars() {
            self.take(character, &mut out);
        }
        out
    }

    /// Says that the text has ended, and returns what was held back.
    pub(super) fn finish(mut self) -> String {
        let mut out = String::new();
        self.let_go(&mut out);
        out
    }

    fn take(&mut self, character: char, out: &mut String) {
        match self.state {
            State::Through => out.push(character),
            State::Text { escaped } => {
                out.push(character);
                self.state = match in_string(character, escaped) {
                    Some(escaped) => State::Text { escaped },
                    None => State::Behind,
                };
            }
            State::InName { escaped } => {
                self.held.push(character);
                self.state = match in_string(character, escaped) {
                    Some(escaped) => State::InName { escaped },
                    None => {
                        self.name.1 = self.held.len();
                        State::Colon
                    }
                };
            }
            State::Null => self.null(character, out),
            State::Word if !is_end_of_word(character) => out.push(character),
            State::Word | State::Behind => self.behind(character, out),
            State::Value | State::Name | State::Colon if character.is_ascii_whitespace() => {
                self.hold_or_pass(character, out);
            }
            State::Value => self.value(character, out),
            State::Name => self.name(character, out),
            State::Colon => {
                self.held.push(character);
                if character == ':' {
                    self.state = State::Value;
                } else {
                    self.give_up(out);
                }
            }
        }
    }

    /// Takes the first character of a value.
    fn value(&mut self, character: char, out: &mut String) {
        if character == 'n' && self.is_missing_if_null() {
            self.held.push(character);
            self.state = State::Null;
            return;
        }
        let shapes = if matches!(character, '{' | '[') { self.shapes() } else { Shapes::new() };
        self.let_go(out);
        out.push(character);
        let begin = |is_object| self.open.push(Open { is_object, shapes, members: Members::None });
        self.state = match character {
            '"' => State::Text { escaped: false },
            '{' => {
                begin(true);
                State::Name
            }
            '[' => {
                begin(false);
                State::Value
            }
            // An empty list.
            ']' => return self.close(false),
            _ => State::Word,
        };
    }

    /// Takes the first character of a name, or the end of an object.
    fn name(&mut self, character: char, out: &mut String) {
        match character {
            '"' => {
                self.name.0 = self.held.len();
                self.held.push(character);
                self.state = State::InName { escaped: false };
            }
            '}' => {
                self.let_go(out);
                out.push(character);
                self.close(true);
            }
            _ => {
                self.held.push(character);
                self.give_up(out);
            }
        }
    }

    /// Takes a character of a null that is to go, or the one behind it.
    fn null(&mut self, character: char, out: &mut String) {
        if !is_end_of_word(character) {
            self.held.push(character);
            return;
        }
        if self.word_held() == "null" {
            self.held.clear();
            if let Some(open) = self.open.last_mut().filter(|open| open.members == Members::None) {
                open.members = Members::Gone;
            }
        } else {
            self.let_go(out);
        }
        self.behind(character, out);
    }

    /// Takes a character behind a value.
    fn behind(&mut self, character: char, out: &mut String) {
        self.state = State::Behind;
        let is_object = self.open.last().map(|open| open.is_object);
        match (character, is_object) {
            (',', Some(true)) => {
                self.held.push(character);
                self.state = State::Name;
            }
            (',', Some(false)) => {
                out.push(character);
                self.state = State::Value;
            }
            ('}' | ']', _) => {
                out.push(character);
                self.close(character == '}');
            }
            _ => {
                out.push(character);
                if !character.is_ascii_whitespace() {
                    self.state = State::Through;
                }
            }
        }
    }

    /// Ends the innermost object or list.
    fn close(&mut self, is_object: bool) {
        let ended = self.open.pop();
        let fits = ended.is_some_and(|open| open.is_object == is_object);
        self.state = if fits && !self.open.is_empty() { State::Behind } else { State::Through };
    }

    /// Lets the rest through as it comes: this is no JSON.
    fn give_up(&mut self, out: &mut String) {
        self.let_go(out);
        self.state = State::Through;
    }

    /// Space inside a member is held with it.
    fn hold_or_pass(&mut self, character: char, out: &mut String) {
        if self.open.last().is_some_and(|open| open.is_object) {
            self.held.push(character);
        } else {
            out.push(character);
        }
    }

    /// Lets go of the member that is held; the first that the client gets has no comma before it.
    fn let_go(&mut self, out: &mut String) {
        let is_first = self.open.last().is_some_and(|open| open.members == Members::Gone);
        let held = self.held.strip_prefix(',').filter(|_| is_first).unwrap_or(&self.held);
        out.push_str(held);
        self.held.clear();
        if let Some(open) = self.open.last_mut() {
            open.members = Members::Some;
        }
    }

    /// Returns the word at the end of the member that is held.
    fn word_held(&self) -> &str {
        self.held[self.name.1..].trim_start_matches(|c: char| c == ':' || c.is_ascii_whitespace())
    }

    /// Returns the name of the member that is held.
    fn name_held(&self) -> Option<String> {
        serde_json::from_str(&self.held[self.name.0..self.name.1]).ok()
    }

    fn is_missing_if_null(&self) -> bool {
        let object = self.open.last().filter(|open| open.is_object);
        object.is_some_and(|object| {
            let name = self.name_held();
            name.is_some_and(|name| self.optional.is_missing_if_null(&object.shapes, &name))
        })
    }

    /// Returns what describes the value that begins.
    fn shapes(&self) -> Shapes {
        match self.open.last() {
            None => self.optional.whole(),
            Some(list) if !list.is_object => self.optional.entries(&list.shapes),
            Some(object) => self
                .name_held()
                .map_or_else(Shapes::new, |name| self.optional.member(&object.shapes, &name)),
        }
    }
}

/// Returns whether the next character is escaped; `None` if the string has ended.
const fn in_string(character: char, escaped: bool) -> Option<bool> {
    match character {
        _ if escaped => Some(false),
        '"' => None,
        _ => Some(character == '\\'),
    }
}

const fn is_end_of_word(character: char) -> bool {
    matches!(character, ',' | '}' | ']') || character.is_ascii_whitespace()
}

#[cfg(test)]
mod tests;
