//! The instructions of the operator's (`filters.system_prompt`) under the existing product's name.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{changed, edit_of, is_active, value_of};
use crate::admin::Parts;
use crate::admin::actor::Author;
use crate::admin::given;
use crate::admin::problem::Problem;
use crate::live::Basis;

const NAME: &str = "filters.system_prompt";

/// Longest text, in characters, as the existing product has it.
const MAX_CHARS: usize = 50_000;

/// The text that every chat request gets.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SystemPrompt {
    /// Whether there is a text, and the filter that adds it.
    enabled: bool,
    prompt: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SystemPromptChanges)]
pub(super) struct Wanted {
    enabled: Option<bool>,
    prompt: Option<String>,
}

/// Shows the instructions that every chat request gets.
#[utoipa::path(get, path = "/api/settings/system-prompt", responses((status = 200, body = SystemPrompt)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<SystemPrompt> {
    Json(now(&parts))
}

fn now(parts: &Parts) -> SystemPrompt {
    let prompt = text(parts, &parts.live.basis());
    let enabled = !prompt.is_empty() && is_active(parts, "system_prompt");
    SystemPrompt { enabled, prompt }
}

fn text(parts: &Parts, basis: &Basis) -> String {
    let settings = value_of(NAME, parts, basis);
    settings.get("text").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}

/// Sets the instructions that every chat request gets; an empty text takes them away.
#[utoipa::path(
    put,
    path = "/api/settings/system-prompt",
    request_body = Wanted,
    responses((status = 200, body = SystemPrompt))
)]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<SystemPrompt>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    changed(&parts, &by, |basis| {
        let before = text(&parts, basis);
        let after = wanted.over(&before)?;
        if after == before {
            return Ok(None);
        }
        let text = (!after.is_empty()).then_some(after);
        edit_of(NAME, json!({ "text": text }), basis, &by)
    })
    .await?;
    Ok(Json(now(&parts)))
}

impl Wanted {
    /// Returns the text that is to be in force.
    ///
    /// # Errors
    ///
    /// A text that is to be kept without being in force, or none that is to be.
    fn over(&self, before: &str) -> Result<String, Problem> {
        let after = self.prompt.as_deref().unwrap_or(before);
        if after.chars().count() > MAX_CHARS {
            let what = format!("it is longer than {MAX_CHARS} characters");
            return Err(Problem::field("prompt", what));
        }
        let enabled = self.enabled.unwrap_or(!before.is_empty());
        match (enabled, after.is_empty()) {
            (true, true) if self.enabled.is_some() => {
                Err(Problem::field("prompt", "there is none to enable; give one"))
            }
            (false, false) => {
                let what = "a prompt is in force here or it is not kept: send `true` with a prompt, or \
                            `false` with an empty `prompt`";
                Err(Problem::field("enabled", what))
            }
            _ => Ok(after.to_owned()),
        }
    }
}
