//! Surveys a whole reply: one answer to a prompt that was not blocked, in camelCase.

use super::finish;
use super::usage::{self, Counts, pass_camel};
use crate::cursor::Cursor;
use crate::survey::Survey;

/// The answer of a reply.
#[derive(Default)]
struct Answer<'a> {
    calls_seen: bool,
    finish_reason: Option<&'a str>,
}

/// Surveys a reply; see [`crate::Codec::survey_reply`].
pub(super) fn reply(body: &[u8]) -> Option<Survey> {
    let (mut answer, mut counts) = (None, None);
    Cursor::object_of::<16>(body, |json, name| {
        match name {
            "candidates" => json.list(|json| {
                let is_only = answer.is_none();
                answer = Some(candidate(json)?);
                is_only.then_some(())
            })?,
            "usageMetadata" => counts = json.unless_null(usage::skim)?,
            "modelVersion" | "responseId" | "createTime" => drop(json.text()?),
            "promptFeedback" => drop(json.unless_null(feedback)?),
            "error" => json.null()?,
            _ => pass_camel(json, name)?,
        }
        Some(())
    })?;
    let Answer { calls_seen, finish_reason } = answer?;
    let usage = counts.as_ref().map(Counts::read).unwrap_or_default();
    Some(Survey { usage, finish: finish::read(finish_reason.unwrap_or_default(), calls_seen) })
}

fn candidate<'a>(json: &mut Cursor<'a>) -> Option<Answer<'a>> {
    let mut answer = Answer::default();
    json.object::<24>(|json, name| {
        match name {
            "content" => {
                answer.calls_seen = json.unless_null(content)?.unwrap_or_default();
            }
            "finishReason" => {
                let word = json.unless_null(|json| json.string()?.plain())?;
                answer.finish_reason = word.filter(|word| *word != finish::UNSPECIFIED);
            }
            "finishMessage" => drop(json.text()?),
            "index" => is_index(json.count()?)?,
            _ => pass_camel(json, name)?,
        }
        Some(())
    })?;
    Some(answer)
}

fn is_index(index: Option<u64>) -> Option<()> {
    (index.unwrap_or_default() <= u16::MAX.into()).then_some(())
}

/// Tells whether a content has calls.
fn content(json: &mut Cursor<'_>) -> Option<bool> {
    let mut calls_seen = false;
    json.object::<12>(|json, name| {
        match name {
            "parts" => {
                json.unless_null(|json| {
                    json.list(|json| {
                        calls_seen |= part(json)?;
                        Some(())
                    })
                })?;
            }
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(calls_seen)
}

/// Tells whether a part is a call.
fn part(json: &mut Cursor<'_>) -> Option<bool> {
    let mut is_call = false;
    json.object::<12>(|json, name| {
        match name {
            "text" | "thoughtSignature" => drop(json.text()?),
            "thought" => json.unless_null(Cursor::pass_bool).map(drop)?,
            "functionCall" => is_call = json.unless_null(call)?.unwrap_or_default(),
            "inlineData" => drop(json.unless_null(media)?),
            _ => pass_camel(json, name)?,
        }
        Some(())
    })?;
    Some(is_call)
}

/// Tells whether a call has a name: one without goes on with what is not there.
fn call(json: &mut Cursor<'_>) -> Option<bool> {
    let mut is_named = false;
    json.object::<12>(|json, name| {
        match name {
            "name" => is_named = json.text()?.is_some_and(|name| !name.is_empty()),
            "id" => drop(json.text()?),
            "args" => json.pass()?,
            "partialArgs" | "willContinue" => json.null()?,
            _ => pass_camel(json, name)?,
        }
        Some(())
    })?;
    Some(is_named)
}

/// Takes `inlineData`.
fn media(json: &mut Cursor<'_>) -> Option<()> {
    json.object::<12>(|json, name| match name {
        "mimeType" | "data" => json.text().map(drop),
        _ => pass_camel(json, name),
    })
}

/// Takes the feedback to a prompt that was not blocked.
fn feedback(json: &mut Cursor<'_>) -> Option<()> {
    json.object::<12>(|json, name| match name {
        "blockReason" => json.null(),
        "blockReasonMessage" => json.text().map(drop),
        _ => pass_camel(json, name),
    })
}
