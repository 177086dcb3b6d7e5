//! Small changes to a request that leave every other byte as the client wrote it: instructions added,
//! reasoning held down. Also what must be known of a request to keep its answer.
//!
//! The places are found in the JSON as it stands and the new text is put between the old, so that a
//! provider of the same format sees the client's own bytes round it and prompt caches go on working.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use crate::chat::Effort;
use crate::codec::WireError;
use crate::raw_members::RawMembers;
use crate::splice;

/// What filters change in a request of one format, or ask of it, without reading it into canonical form.
pub trait Amend {
    /// Adds instructions to a chat request, where the format has its own.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if the client's own instructions are not what the format has, so that
    /// nobody escapes the added ones by a shape that only the provider understands.
    fn add_instructions(
        &self,
        body: &[u8],
        added: &Instructions<'_>,
        edits: &mut Edits,
    ) -> Result<(), WireError>;

    /// Lowers what a chat request says of the amount of reasoning to the cap. What it does not say stays
    /// unsaid: whether the model reasons at all is not known here.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if the body is no JSON object.
    fn cap_reasoning(&self, body: &[u8], cap: Cap, edits: &mut Edits) -> Result<(), WireError>;

    /// Tells whether asking again would give the same answer and do nothing else: the temperature is 0,
    /// said by the client, and no state at the provider is added to. It stands at the top unless the
    /// format says otherwise.
    fn is_repeatable(&self, body: &[u8]) -> bool {
        Object::of_body(body).is_ok_and(|request| request.says_zero("temperature"))
    }

    /// Returns a message of the gateway's own, a JSON object in `json`, to be put between two events of a
    /// stream: in a form that the format's client libraries pass over, a comment unless the format says
    /// otherwise.
    fn aside(&self, json: &str) -> Vec<u8> {
        format!(": progress {json}\n\n").into_bytes()
    }
}

/// Instructions to be added to the client's own.
#[derive(Clone, Copy, Debug)]
pub struct Instructions<'a> {
    /// What they say.
    pub text: &'a str,
    /// Where they stand.
    pub position: Position,
}

/// Where added instructions stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// Before the client's instructions.
    #[default]
    Prepend,
    /// Behind the client's instructions, before the conversation.
    Append,
}

/// Most reasoning that a request may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// In tokens.
    pub tokens: u64,
    /// As a level: the highest that stands for no more tokens, at least `low`, which is the least that
    /// every model with levels has.
    pub effort: Effort,
}

impl Cap {
    /// Least cap that every format can say: Anthropic's least budget, and what `low` stands for.
    pub const LEAST: u64 = 1024;

    /// Makes the cap of a number of tokens.
    pub fn of_tokens(tokens: u64) -> Self {
        let within = |effort: &Effort| u64::from(effort.tokens()) <= tokens;
        let effort = Effort::ALL.into_iter().rev().find(within).unwrap_or(Effort::Low);
        Self { tokens, effort: effort.max(Effort::Low) }
    }

    /// Lowers a level that is a JSON string above the cap.
    pub(crate) fn word(self, object: &Object<'_>, level: &RawValue, edits: &mut Edits) {
        let word = serde_json::from_str::<String>(level.get()).unwrap_or_default();
        if Effort::of_word(&word).is_some_and(|effort| effort > self.effort) {
            edits.replace(object.span(level), format!("\"{}\"", self.effort.word()));
        }
    }

    /// Lowers a budget that is a number above the cap.
    pub(crate) fn number(self, object: &Object<'_>, budget: &RawValue, edits: &mut Edits) {
        // Compared as JSON has it: `1e6` and `20000.0` are numbers too.
        #[expect(clippy::cast_precision_loss, reason = "caps are far below 2^53")]
        let is_above = budget.get().parse::<f64>().is_ok_and(|tokens| tokens > self.tokens as f64);
        if is_above {
            edits.replace(object.span(budget), self.tokens.to_string());
        }
    }
}

/// Changes to one body: spans that are replaced, none of which overlap.
#[derive(Debug, Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Replaces what stands in a span.
    pub(crate) fn replace(&mut self, span: Range<usize>, text: String) {
        self.0.push((span, text));
    }

    /// Inserts before the byte at a place.
    pub(crate) fn insert(&mut self, place: usize, text: String) {
        self.replace(place..place, text);
    }

    /// Tells whether nothing is changed.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the body with the changes made.
    pub fn apply(mut self, body: &Bytes) -> Bytes {
        if self.is_empty() {
            return body.clone();
        }
        self.0.sort_by_key(|(span, _)| span.start);
        let added: usize = self.0.iter().map(|(_, text)| text.len()).sum();
        let mut changed = BytesMut::with_capacity(body.len() + added);
        let mut done = 0;
        for (span, text) in self.0 {
            changed.extend_from_slice(&body[done..span.start]);
            changed.extend_from_slice(text.as_bytes());
            done = span.end;
        }
        changed.extend_from_slice(&body[done..]);
        changed.freeze()
    }

    /// Returns where a span stands after the changes, none of which is inside it.
    pub(crate) fn moved(&self, span: &Range<usize>) -> Range<usize> {
        let before = self.0.iter().filter(|(changed, _)| changed.end <= span.start);
        let (gone, added) = before.fold((0, 0), |(gone, added), (changed, text)| {
            (gone + changed.len(), added + text.len())
        });
        span.start + added - gone..span.end + added - gone
    }
}

/// A JSON object inside a body, with the places of its members.
pub(crate) struct Object<'a> {
    body: &'a [u8],
    /// Behind the opening brace.
    start: usize,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads the object that a body is.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if it is none.
    pub(crate) fn of_body(body: &'a [u8]) -> Result<Self, WireError> {
        let members = splice::parse::<RawMembers<'a>>(body)?.into_all();
        let start = memchr::memchr(b'{', body).map_or(0, |brace| brace + 1);
        Ok(Self { body, start, members })
    }

    /// Reads the object that a value in this object's body is; `None` if it is none.
    pub(crate) fn inner(&self, value: &'a RawValue) -> Option<Self> {
        let members = serde_json::from_str::<RawMembers<'a>>(value.get()).ok()?.into_all();
        value.get().starts_with('{').then(|| Self {
            body: self.body,
            start: self.span(value).start + 1,
            members,
        })
    }

    /// Iterates over the values of all members of a name: who reads the object may take any of them.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a RawValue> {
        self.members.iter().filter(move |(known, _)| known == name).map(|(_, value)| *value)
    }

    /// Iterates over the objects that members of a name are.
    pub(crate) fn objects(&self, name: &str) -> impl Iterator<Item = Self> {
        self.all(name).filter_map(|value| self.inner(value))
    }

    /// Returns the only member of the first name, which may also be written as any of the others.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if there are several: which of them counts is anybody's guess.
    pub(crate) fn only(&self, names: &[&str]) -> Result<Option<&'a RawValue>, WireError> {
        let mut found = self.members.iter().filter(|(known, _)| names.contains(&&**known));
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|(_, value)| *value)),
            _ => Err(WireError::malformed(names[0], "is given twice")),
        }
    }

    /// Puts a member first.
    pub(crate) fn add(&self, name: &str, value: &str, edits: &mut Edits) {
        let comma = if self.members.is_empty() { "" } else { "," };
        edits.insert(self.start, format!("\"{name}\":{value}{comma}"));
    }

    /// Returns where a value stands in the body.
    pub(crate) fn span(&self, value: &RawValue) -> Range<usize> {
        splice::span(self.body, value.get())
    }

    /// Tells whether a member says the number 0.
    pub(crate) fn says_zero(&self, name: &str) -> bool {
        let mut values = self.all(name).peekable();
        values.peek().is_some()
            && values.all(|value| value.get().parse::<f64>().is_ok_and(|number| number == 0.0))
    }
}

/// Adds a text to a JSON string, with an empty line between.
pub(crate) fn join(
    object: &Object<'_>,
    string: &RawValue,
    added: &Instructions<'_>,
    edits: &mut Edits,
) {
    let span = object.span(string);
    let text = quoted(added.text);
    if span.len() == 2 {
        edits.replace(span, text);
        return;
    }
    let inside = &text[1..text.len() - 1];
    match added.position {
        Position::Prepend => edits.insert(span.start + 1, format!("{inside}\\n\\n")),
        Position::Append => edits.insert(span.end - 1, format!("\\n\\n{inside}")),
    }
}

/// Adds an element to a JSON list as its first or last.
///
/// # Errors
///
/// [`WireError::Malformed`] if `list` is none.
pub(crate) fn extend(
    object: &Object<'_>,
    list: &RawValue,
    (element, position): (&str, Position),
    edits: &mut Edits,
) -> Result<(), WireError> {
    let elements: Vec<&RawValue> = serde_json::from_str(list.get())
        .map_err(|_| WireError::malformed("", "a list is expected"))?;
    let span = object.span(list);
    let comma = if elements.is_empty() { "" } else { "," };
    match position {
        Position::Prepend => edits.insert(span.start + 1, format!("{element}{comma}")),
        Position::Append => edits.insert(span.end - 1, format!("{comma}{element}")),
    }
    Ok(())
}

/// Returns a text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What the tests of every format do with a body.
#[cfg(test)]
pub(crate) mod checks {
    use super::*;

    /// Returns a body with `be "kind"` added to its instructions.
    pub(crate) fn instructed_by(
        format: &dyn Amend,
        body: &[u8],
        position: Position,
    ) -> Result<String, WireError> {
        let added = Instructions { text: "be \"kind\"", position };
        let mut edits = Edits::default();
        format.add_instructions(body, &added, &mut edits)?;
        let changed = edits.apply(&Bytes::copy_from_slice(body));
        Ok(String::from_utf8(changed.into()).unwrap())
    }

    /// Returns a body with `be "kind"` added to its instructions, which must be possible.
    pub(crate) fn instructed(format: &dyn Amend, body: &str, position: Position) -> String {
        instructed_by(format, body.as_bytes(), position).unwrap()
    }

    /// Checks a body with instructions added before the client's own, and behind them.
    pub(crate) fn instructed_as(format: &dyn Amend, body: &str, first: &str, last: &str) {
        assert_eq!(instructed(format, body, Position::Prepend), first);
        assert_eq!(instructed(format, body, Position::Append), last);
    }

    /// Returns a body with its reasoning held down.
    pub(crate) fn capped(format: &dyn Amend, body: &str, tokens: u64) -> String {
        let mut edits = Edits::default();
        format.cap_reasoning(body.as_bytes(), Cap::of_tokens(tokens), &mut edits).unwrap();
        String::from_utf8(edits.apply(&Bytes::copy_from_slice(body.as_bytes())).into()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_the_highest_level_within_it_and_at_least_low() {
        let check = |tokens, effort| assert_eq!(Cap::of_tokens(tokens).effort, effort, "{tokens}");
        check(1, Effort::Low);
        check(Cap::LEAST, Effort::Low);
        check(8191, Effort::Low);
        check(8192, Effort::Medium);
        check(24_576, Effort::High);
        check(32_767, Effort::High);
        check(32_768, Effort::Max);
    }

    #[test]
    fn spans_move_with_what_is_changed_before_them() {
        let body = Bytes::from_static(b"0123456789");
        let mut edits = Edits::default();
        edits.insert(8, "y".to_owned());
        edits.replace(1..3, "abc".to_owned());

        let moved = edits.moved(&(4..6));
        let changed = edits.apply(&body);

        assert_eq!(changed, "0abc34567y89");
        assert_eq!(&changed[moved], b"45");
    }
}
