//! The cap on reasoning (`filters.thinking_budget`) under the existing product's name.
//!
//! Here a cap lowers what clients ask for, and that is all: `passthrough` is no cap, `custom` is one. A
//! reasoning that the gateway chooses itself (`auto`, `adaptive`) there is none.

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

const NAME: &str = "filters.thinking_budget";

/// Largest cap, in tokens, as the existing product has it.
const MAX_TOKENS: u64 = 131_072;

/// The cap in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingBudget {
    /// `passthrough` (no cap) or `custom`.
    mode: &'static str,
    /// Most tokens that a request may ask to think with; 0: any.
    custom_budget: u64,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ThinkingBudgetChanges)]
pub(super) struct Wanted {
    /// `passthrough` or `custom`.
    mode: Option<String>,
    custom_budget: Option<u64>,
    effort_level: Option<String>,
}

/// Shows the cap on the reasoning that requests may ask for.
#[utoipa::path(get, path = "/api/settings/thinking-budget", responses((status = 200, body = ThinkingBudget)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<ThinkingBudget> {
    Json(now(&parts))
}

fn now(parts: &Parts) -> ThinkingBudget {
    let settings = value_of(NAME, parts, &parts.live.basis());
    let cap = settings.get("max_tokens").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let cap = if is_active(parts, "thinking_budget") { cap } else { 0 };
    let mode = if cap == 0 { "passthrough" } else { "custom" };
    ThinkingBudget { mode, custom_budget: cap }
}

/// Sets the cap on the reasoning that requests may ask for.
#[utoipa::path(
    put,
    path = "/api/settings/thinking-budget",
    request_body = Wanted,
    responses((status = 200, body = ThinkingBudget))
)]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<ThinkingBudget>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    let before = now(&parts);
    let cap = wanted.cap(&before)?;
    if cap != before.custom_budget {
        let cap = (cap > 0).then_some(cap);
        let value = json!({ "max_tokens": cap });
        changed(&parts, &by, |basis| edit_of(NAME, value.clone(), basis, &by)).await?;
    }
    Ok(Json(now(&parts)))
}

impl Wanted {
    /// Returns the cap that is to be in force; 0: none.
    ///
    /// # Errors
    ///
    /// What a cap cannot say.
    fn cap(&self, before: &ThinkingBudget) -> Result<u64, Problem> {
        if self.effort_level.is_some() {
            let what =
                "efforts are lowered to what the budget stands for; set `customBudget` alone";
            return Err(Problem::field("effortLevel", what));
        }
        match self.mode.as_deref().unwrap_or(before.mode) {
            "passthrough" if self.custom_budget.is_some_and(|budget| budget > 0) => {
                let what =
                    "without a cap none is kept; send `mode`: `custom` with it, or leave it out";
                Err(Problem::field("customBudget", what))
            }
            "passthrough" => Ok(0),
            "custom" => match self.custom_budget.unwrap_or(before.custom_budget) {
                0 => {
                    let what = "0 is no cap here: send `mode`: `passthrough` for that, or the most tokens \
                                to think with";
                    Err(Problem::field("customBudget", what))
                }
                1..=MAX_TOKENS => Ok(self.custom_budget.unwrap_or(before.custom_budget)),
                _ => Err(Problem::field("customBudget", format!("at most {MAX_TOKENS} tokens"))),
            },
            "auto" | "adaptive" => {
                let what = "the gateway adds no reasoning of its own: clients say how much they want, and \
                            `custom` with a `customBudget` caps it";
                Err(Problem::field("mode", what))
            }
            _ => Err(Problem::field("mode", "there are: passthrough, custom")),
        }
    }
}
