//! Surveys a whole reply: one without an error and without a refusal.

use super::finish::{self, Left};
use super::usage;
use crate::cursor::Cursor;
use crate::survey::Survey;

/// What a reply says.
#[derive(Default)]
struct Said<'a> {
    status: &'a str,
    reason: &'a str,
    has_calls: Option<bool>,
    usage: crate::Usage,
    searches: Option<u64>,
}

/// Surveys a reply; see [`crate::Codec::survey_reply`].
pub(super) fn reply(body: &[u8]) -> Option<Survey> {
    let mut said = Said::default();
    Cursor::object_of::<64>(body, |json, name| {
        match name {
            "output" => said.has_calls = Some(output(json)?),
            "status" => said.status = plain(json)?,
            "incomplete_details" => said.reason = json.unless_null(reason)?.unwrap_or_default(),
            "usage" => said.usage = json.unless_null(usage::skim)?.unwrap_or_default(),
            "tool_usage" => said.searches = json.unless_null(searches)?.flatten(),
            "error" | "detail" => json.null()?,
            // What only events have.
            "type" | "item_id" | "output_index" | "content_index" | "summary_index" => {
                json.null()?
            }
            _ => json.pass()?,
        }
        Some(())
    })?;
    let left = if said.has_calls? { Left::Calls } else { Left::Nothing };
    let finish = finish::read(said.status, said.reason, left)?;
    let web_searches = said.usage.web_searches.or(said.searches);
    Some(Survey { usage: crate::Usage { web_searches, ..said.usage }, finish })
}

/// Takes a string without escapes.
fn plain<'a>(json: &mut Cursor<'a>) -> Option<&'a str> {
    json.string()?.plain()
}

/// Takes `incomplete_details` and returns its reason.
fn reason<'a>(json: &mut Cursor<'a>) -> Option<&'a str> {
    let mut reason = "";
    json.object::<12>(|json, name| {
        match name {
            "reason" => reason = json.unless_null(plain)?.unwrap_or_default(),
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(reason)
}

/// Takes `tool_usage` and returns how often the web was searched.
fn searches(json: &mut Cursor<'_>) -> Option<Option<u64>> {
    let mut searches = None;
    json.object::<24>(|json, name| {
        match name {
            "web_search" => searches = usage::skim_number(json, "num_requests")?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(searches)
}

/// Takes the output. Returns whether it has calls for the client.
fn output(json: &mut Cursor<'_>) -> Option<bool> {
    let mut has_calls = false;
    json.list(|json| {
        json.object::<24>(|json, name| {
            match name {
                "type" => {
                    has_calls |= matches!(plain(json)?, "function_call" | "custom_tool_call");
                }
                "content" | "summary" => entries(json)?,
                _ => json.pass()?,
            }
            Some(())
        })
    })?;
    Some(has_calls)
}

/// Takes the content of an item, none of it a refusal.
fn entries(json: &mut Cursor<'_>) -> Option<()> {
    json.unless_null(|json| {
        json.list(|json| {
            json.object::<12>(|json, name| match name {
                "type" => (plain(json)? != "refusal").then_some(()),
                _ => json.pass(),
            })
        })
    })?;
    Some(())
}
