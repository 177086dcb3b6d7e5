//! Writes results of tools, and finds the call that each of them answers.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use serde_json::value::RawValue;

use super::body::{self, FunctionResponse, Made, Raw};
use super::{Writing, media, part};
use crate::chat::{Part, PartKind};
use crate::codec::WireError;
use crate::model_facts::ThinkingControl;

/// Longest id that is repeated in an error, in characters.
const ID_EXCERPT: usize = 100;

/// The calls of the history so far.
#[derive(Default)]
pub(super) struct Calls<'a> {
    names: Vec<&'a str>,
    answered: Vec<bool>,
    by_id: HashMap<&'a str, VecDeque<usize>>,
    by_name: HashMap<&'a str, VecDeque<usize>>,
}

/// A result with the place of its call, by which results are put in order.
pub(super) struct Answer<'a> {
    pub(super) order: usize,
    pub(super) response: Made<'a>,
    /// Media that the model does not take inside a result; they follow all results.
    pub(super) media: Vec<Made<'a>>,
}

/// A result as the canonical form has it.
#[derive(Clone, Copy)]
pub(super) struct Outcome<'a> {
    pub(super) call: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) parts: &'a [Part],
    pub(super) is_error: bool,
}

impl<'a> Calls<'a> {
    /// Records a call.
    pub(super) fn add(&mut self, id: &'a str, name: &'a str) {
        let order = self.names.len();
        self.names.push(name);
        self.answered.push(false);
        if !id.is_empty() {
            self.by_id.entry(id).or_default().push_back(order);
        }
        self.by_name.entry(name).or_default().push_back(order);
    }

    /// Finds the call of a result: by its id, the first unanswered one if the id was used twice; else
    /// by its name. A result that names its tool may have no call; the upstream will say so.
    fn find(&mut self, outcome: Outcome<'a>) -> Result<(usize, &'a str), WireError> {
        if let Some(queue) = self.by_id.get_mut(outcome.call) {
            let last = queue.back().copied().unwrap_or_default();
            let order = first_open(queue, &self.answered).unwrap_or(last);
            self.answered[order] = true;
            return Ok((order, self.names[order]));
        }
        let Some(name) = outcome.name else {
            let id: String = outcome.call.chars().take(ID_EXCERPT).collect();
            let detail = format!("tool result for unknown call id `{id}`");
            return Err(WireError::malformed("", detail));
        };
        let queue = self.by_name.get_mut(name);
        let Some(order) = queue.and_then(|queue| first_open(queue, &self.answered)) else {
            return Ok((usize::MAX, name));
        };
        self.answered[order] = true;
        Ok((order, name))
    }
}

/// Writes a result.
pub(super) fn answer<'a>(
    writing: &mut Writing<'a, '_>,
    calls: &mut Calls<'a>,
    outcome: Outcome<'a>,
) -> Result<Answer<'a>, WireError> {
    let (order, name) = calls.find(outcome)?;
    let mut texts = Vec::new();
    let mut inside = Vec::new();
    for part in outcome.parts {
        match &part.kind {
            PartKind::Text(text) => texts.push(text.as_str()),
            kind => {
                let Some(made) = media::write(writing, kind) else { continue };
                match made.text {
                    Some(text) => inside.push(Made { text: Some(text), ..Made::default() }),
                    None => inside.push(made),
                }
            }
        }
    }
    // Newer models take media inside a result, older ones only beside it.
    let mut media = Vec::new();
    if writing.facts.thinking != ThinkingControl::Level && !inside.is_empty() {
        let detail = "media of a tool result are sent after it";
        writing.notes.approximate("tool results", detail);
        media = std::mem::take(&mut inside);
    }
    let response = FunctionResponse {
        id: part::own_id(writing, outcome.call),
        name: writing.tool_name(name),
        response: object(&texts, outcome.is_error),
        parts: inside,
    };
    let response = Made { function_response: Some(response), ..Made::default() };
    Ok(Answer { order, response, media })
}

/// Makes the object of a result: JSON objects as they are, other JSON and text as `output`, errors as
/// `error`.
fn object<'a>(texts: &[&'a str], is_error: bool) -> body::Outcome<'a> {
    let joined = match texts {
        [one] => Cow::Borrowed(*one),
        several => Cow::Owned(several.join("\n")),
    };
    if is_error {
        return body::Outcome::Said("error", joined);
    }
    let trimmed = joined.trim();
    // A number or a word would be JSON too, but a list or an object is meant to be.
    let structured =
        trimmed.starts_with(['{', '[']) && serde_json::from_str::<&RawValue>(trimmed).is_ok();
    if !structured && !is_scalar(trimmed) {
        return body::Outcome::Said("output", joined);
    }
    body::Outcome::Json(Raw::of(match &joined {
        Cow::Borrowed(text) if trimmed.starts_with('{') => Cow::Borrowed(text.trim()),
        Cow::Owned(_) if trimmed.starts_with('{') => Cow::Owned(trimmed.to_owned()),
        _ => Cow::Owned(format!("{{\"output\":{trimmed}}}")),
    }))
}

/// Tells whether a text is a number, a truth value or null.
fn is_scalar(text: &str) -> bool {
    !text.starts_with('"') && serde_json::from_str::<&RawValue>(text).is_ok()
}

fn first_open(queue: &mut VecDeque<usize>, answered: &[bool]) -> Option<usize> {
    while queue.front().is_some_and(|call| answered[*call]) && queue.len() > 1 {
        queue.pop_front();
    }
    queue.front().copied().filter(|call| !answered[*call])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_take_the_form_their_text_has() {
        let check = |texts: &[&str], is_error: bool, expected: &str| {
            let json = serde_json::to_string(&object(texts, is_error)).unwrap();
            assert_eq!(json, expected, "{texts:?}");
        };
        check(&["sunny"], false, r#"{"output":"sunny"}"#);
        check(&[], false, r#"{"output":""}"#);
        check(&["a", "b"], false, r#"{"output":"a\nb"}"#);
        check(&[r#" {"b":1.0,"a":2} "#], false, r#"{"b":1.0,"a":2}"#);
        check(&["[1, 2]"], false, r#"{"output":[1, 2]}"#);
        check(&["12345678901234567890"], false, r#"{"output":12345678901234567890}"#);
        check(&["{broken"], false, r#"{"output":"{broken"}"#);
        check(&["\"quoted\""], false, r#"{"output":"\"quoted\""}"#);
        check(&["no such city"], true, r#"{"error":"no such city"}"#);
        check(&["{\"a\":1}"], true, r#"{"error":"{\"a\":1}"}"#);
    }
}
