//! Surveys a whole reply: one whose blocks are text, thoughts and calls.

use super::words::finish;
use super::{block, usage};
use crate::cursor::Cursor;
use crate::survey::Survey;

/// Surveys a reply; see [`crate::Codec::survey_reply`].
pub(super) fn reply(body: &[u8]) -> Option<Survey> {
    let (mut has_calls, mut counted, mut stop_reason) = (None, None, None);
    Cursor::object_of::<24>(body, |json, name| {
        match name {
            "content" => {
                let mut any = false;
                json.list(|json| {
                    any |= block::skim(json)?;
                    Some(())
                })?;
                has_calls = Some(any);
            }
            "usage" => counted = json.unless_null(usage::skim)?,
            "stop_reason" => {
                stop_reason = json.unless_null(|json| json.string()?.plain())?;
            }
            "id" | "model" | "stop_sequence" => drop(json.text()?),
            "stop_details" => drop(json.unless_null(details)?),
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(Survey { usage: counted.unwrap_or_default(), finish: finish(stop_reason, has_calls?) })
}

/// Takes `stop_details`.
fn details(json: &mut Cursor<'_>) -> Option<()> {
    json.object::<12>(|json, name| match name {
        "explanation" | "category" => json.text().map(drop),
        _ => json.pass(),
    })
}
