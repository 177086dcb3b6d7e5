//! Writes the conversation: neighbours of one role joined, results first and in the order of calls.

use std::borrow::Cow;

use super::body::{Content, Made, Part as Out};
use super::names;
use super::results::{self, Answer, Calls, Outcome};
use super::{Writing, media, part};
use crate::WireFormat;
use crate::chat::{Part, PartKind, Role, Turn};
use crate::codec::WireError;
use crate::field_names::Field;
use crate::model_facts::ThinkingControl;
use crate::server_text::server_text;

/// Stands in for a signature that got lost; Google documents it for calls that came from elsewhere.
const SENTINEL: &str = "skip_thought_signature_validator";

/// A message under way.
struct Draft<'a> {
    role: &'static str,
    answers: Vec<Answer<'a>>,
    rest: Vec<Out<'a>>,
    /// Whether the turn that is being written has data that Google reads back.
    is_signed: bool,
}

/// Writes the parts of the system instruction and the contents.
///
/// # Errors
///
/// [`WireError::Malformed`] if a result answers no call.
pub(super) fn write<'a>(
    writing: &mut Writing<'a, '_>,
) -> Result<(Vec<Out<'a>>, Vec<Content<'a>>), WireError> {
    let turns = &writing.request.turns;
    let is_system = |turn: &&Turn| turn.role.is_instructions();
    let leading = turns.iter().take_while(is_system).count();
    // A model that is given instructions only answers the last of them.
    let is_asking = leading == turns.len();
    let mut system = Vec::new();
    for turn in &turns[..leading] {
        note_name(writing, turn);
        for text in system_texts(writing, turn) {
            system.push(Out::text(text));
        }
    }

    let mut drafts = Vec::new();
    if is_asking && let Some(last) = system.pop() {
        let why = "there are instructions only; the last are sent as the user's message";
        writing.approximate(Field::MESSAGES, why);
        drafts.push(Draft { rest: vec![last], ..Draft::new("user") });
    }
    let mut calls = Calls::default();
    for turn in &turns[leading..] {
        note_name(writing, turn);
        let role = if turn.role == Role::Assistant { "model" } else { "user" };
        let mut draft = match drafts.pop() {
            Some(last) => last,
            None => Draft::new(role),
        };
        if draft.role != role {
            drafts.push(draft);
            draft = Draft::new(role);
        }
        turn_into(writing, &mut calls, turn, &mut draft)?;
        if !draft.is_empty() {
            drafts.push(draft);
        }
    }
    if drafts.is_empty() && writing.refused.is_empty() {
        let field = Field::MESSAGES.name(writing.request);
        writing.refused.add(field, "nothing is left to send: there is no text in it");
    }
    if drafts.last().is_some_and(|last| last.role == "model") {
        let why = "Gemini cannot continue an answer that was begun; end with a user message";
        writing.refused.add(Field::MESSAGES.name(writing.request), why);
    }
    add_sentinels(writing, &mut drafts);
    Ok((system, drafts.into_iter().map(Draft::finish).collect()))
}

impl<'a> Draft<'a> {
    fn new(role: &'static str) -> Self {
        Self { role, answers: Vec::new(), rest: Vec::new(), is_signed: false }
    }

    fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.rest.is_empty()
    }

    fn finish(mut self) -> Content<'a> {
        self.answers.sort_by_key(|answer| answer.order);
        let mut parts = Vec::with_capacity(self.answers.len() + self.rest.len());
        let mut media = Vec::new();
        for answer in self.answers {
            parts.push(Out::made(answer.response));
            media.extend(answer.media.into_iter().map(Out::made));
        }
        parts.append(&mut media);
        parts.append(&mut self.rest);
        Content { role: self.role, parts }
    }
}

fn turn_into<'a>(
    writing: &mut Writing<'a, '_>,
    calls: &mut Calls<'a>,
    turn: &'a Turn,
    draft: &mut Draft<'a>,
) -> Result<(), WireError> {
    if turn.role.is_instructions() {
        for text in system_texts(writing, turn) {
            writing.approximate(names::SYSTEM, "sent in its place as text of the user");
            draft.rest.push(Out::text(format!("<system>\n{text}\n</system>")));
        }
        return Ok(());
    }
    let mut carried = None;
    draft.is_signed = turn.parts.iter().any(|part| part::signature(writing, part).is_some());
    for part in &turn.parts {
        if part.cache.is_some() {
            writing.notes.drop("cache_control", "Gemini caches by itself");
        }
        if let PartKind::ToolResult { call, name, parts, is_error } = &part.kind {
            let outcome =
                Outcome { call, name: name.as_deref(), parts, is_error: *is_error == Some(true) };
            draft.answers.push(results::answer(writing, calls, outcome)?);
            continue;
        }
        if let PartKind::ToolCall { id, name, .. } = &part.kind {
            calls.add(id, name);
        }
        part_into(writing, part, &mut carried, draft);
    }
    if let Some(signature) = carried {
        // Google itself puts a signature that has no part to sit on onto an empty one.
        draft.rest.push(signed_nothing(signature));
    }
    Ok(())
}

/// Writes one part that is no result. `carried` is Google's signature from a reasoning block of another
/// format, which such formats place before the part that it signs.
fn part_into<'a>(
    writing: &mut Writing<'a, '_>,
    part: &'a Part,
    carried: &mut Option<Cow<'a, str>>,
    draft: &mut Draft<'a>,
) {
    let mut made = match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            if text.is_empty() && part::signature(writing, part).is_none() {
                return;
            }
            if matches!(part.kind, PartKind::Refusal(_)) {
                writing.approximate(Field::REFUSAL, "sent as plain text of the model");
            }
            Made { text: Some(Cow::Borrowed(text)), ..Made::default() }
        }
        PartKind::ToolCall { id, name, kind, arguments } => {
            part::call(writing, id, name, *kind, arguments)
        }
        PartKind::Reasoning(text) => {
            match reasoning(writing, part, text, draft.is_signed) {
                Thought::Sent(sent) => draft.rest.push(sent),
                Thought::Carried(signature) if follows(part) => sign_last(draft, signature),
                Thought::Carried(signature) => *carried = Some(signature),
                Thought::Dropped => {}
            }
            return;
        }
        PartKind::Server { format: WireFormat::Gemini, raw } => {
            draft.rest.push(Out::Kept(raw));
            return;
        }
        PartKind::Server { raw, .. } => {
            let Some(text) = server_text(raw.get(), writing) else { return };
            Made { text: Some(Cow::Owned(text)), ..Made::default() }
        }
        kind => {
            let Some(made) = media::write(writing, kind) else { return };
            made
        }
    };
    made.thought_signature = part::signature(writing, part).or_else(|| carried.take());
    draft.rest.push(Out::made(made));
}

/// Tells whether the vendor data of a reasoning part signs what stands before it.
fn follows(part: &Part) -> bool {
    part.opaque.as_ref().is_some_and(|data| data.follows)
}

/// Puts a signature on the part written last, or on an empty one where that has none of its own.
fn sign_last<'a>(draft: &mut Draft<'a>, signature: Cow<'a, str>) {
    if let Some(Out::Made(last)) = draft.rest.last_mut()
        && last.thought_signature.is_none()
    {
        last.thought_signature = Some(signature);
        return;
    }
    draft.rest.push(signed_nothing(signature));
}

fn signed_nothing(signature: Cow<'_, str>) -> Out<'_> {
    Out::made(Made {
        text: Some(Cow::Borrowed("")),
        thought_signature: Some(signature),
        ..Made::default()
    })
}

enum Thought<'a> {
    Sent(Out<'a>),
    Carried(Cow<'a, str>),
    Dropped,
}

/// Writes a thought of a turn that has data which Google reads back (`is_signed`), or none.
fn reasoning<'a>(
    writing: &mut Writing<'a, '_>,
    part: &'a Part,
    text: &'a str,
    is_signed: bool,
) -> Thought<'a> {
    let signature = part::signature(writing, part);
    if writing.request.origin == Some(WireFormat::Gemini) {
        return Thought::Sent(Out::made(Made {
            text: Some(Cow::Borrowed(text)),
            thought: true,
            thought_signature: signature,
            ..Made::default()
        }));
    }
    match signature {
        Some(signature) => Thought::Carried(signature),
        None => {
            // Google takes its own thoughts back by their signature alone.
            if part.opaque.is_some() || !is_signed {
                writing.drop(names::REASONING, "reasoning of another vendor is not sent");
            }
            Thought::Dropped
        }
    }
}

/// Gives the first call of each step of the current turn a signature, without which newer models refuse
/// the request. Earlier turns are not checked there and stay as they are.
fn add_sentinels(writing: &mut Writing<'_, '_>, drafts: &mut [Draft<'_>]) {
    if writing.facts.thinking != ThinkingControl::Level {
        return;
    }
    let begins_turn = |draft: &Draft<'_>| draft.role == "user" && draft.answers.is_empty();
    let current = drafts.iter().rposition(begins_turn).map_or(0, |last| last + 1);
    for draft in &mut drafts[current..] {
        let calls = draft.rest.iter_mut().filter_map(|part| match part {
            Out::Made(made) if made.function_call.is_some() => Some(made),
            _ => None,
        });
        let Some(first) = { calls }.next() else { continue };
        if first.thought_signature.is_none() {
            first.thought_signature = Some(Cow::Borrowed(SENTINEL));
            let field = Field::SIGNATURE.name(writing.request);
            writing
                .notes
                .approximate(field, "a call without signature is sent with Google's stand-in");
        }
    }
}

/// Returns the texts of a system turn that are not empty; other parts are noted.
fn system_texts<'a>(writing: &mut Writing<'a, '_>, turn: &'a Turn) -> Vec<&'a str> {
    let mut texts = Vec::new();
    for part in &turn.parts {
        if part.cache.is_some() {
            writing.notes.drop("cache_control", "Gemini caches by itself");
        }
        match &part.kind {
            PartKind::Text(text) if text.is_empty() => {}
            PartKind::Text(text) => texts.push(text.as_str()),
            _ => {
                writing.drop(names::SYSTEM, "only text can be an instruction");
            }
        }
    }
    texts
}

fn note_name(writing: &mut Writing<'_, '_>, turn: &Turn) {
    if turn.name.is_some() {
        writing.drop(Field::TURN_NAME, "this format has no names of participants");
    }
}
