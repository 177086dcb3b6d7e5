//! Writes the results of tools.

use std::borrow::Cow;

use serde_json::Value;

use super::body::{Content, Part};
use super::{Writing, media};
use crate::breakpoint::Breakpoint;
use crate::chat;
use crate::field_names::Field;

/// Writes a call's `output`: a text, or a list where there are files in it.
pub(super) fn output<'a>(
    parts: &'a [chat::Part],
    cache: Option<&Value>,
    is_error: Option<bool>,
    writing: &mut Writing<'a, '_>,
) -> Content<'a> {
    let mut sent: Vec<Part<'a>> = Vec::new();
    for part in parts {
        match media::part(part, writing) {
            Some(Part::InputText { text, prompt_cache_breakpoint }) => {
                push_text(text, prompt_cache_breakpoint, &mut sent);
            }
            other => sent.extend(other),
        }
    }
    if is_error == Some(true) {
        writing.approximate(Field::RESULT_ERROR, "said in the text of the result");
        say_error(&mut sent);
    }
    if let (Some(mark), true) = (cache, writing.facts.cache_breakpoints)
        && let Some(Part::InputText { prompt_cache_breakpoint, .. }) = sent.last_mut()
    {
        *prompt_cache_breakpoint = Some(Breakpoint::of_mark(mark));
    }
    if sent.is_empty() { Content::Text(Cow::Borrowed("")) } else { Content::of(sent) }
}

/// Texts that follow each other are one, so that a result without files is a plain text.
fn push_text<'a>(text: Cow<'a, str>, mark: Option<Breakpoint>, sent: &mut Vec<Part<'a>>) {
    match sent.last_mut() {
        Some(Part::InputText { text: before, prompt_cache_breakpoint: known @ None }) => {
            let before = before.to_mut();
            before.push('\n');
            before.push_str(&text);
            *known = mark;
        }
        _ => sent.push(Part::InputText { text, prompt_cache_breakpoint: mark }),
    }
}

/// Says at the beginning that the tool failed, unless the text says so already.
fn say_error(sent: &mut Vec<Part<'_>>) {
    match sent.first_mut() {
        Some(Part::InputText { text, .. }) => {
            let says_so = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
            if !says_so {
                text.to_mut().insert_str(0, "Error: ");
            }
        }
        _ => sent.insert(0, Part::text("Error: ")),
    }
}
