//! Routes of the existing product whose resources have another name or form here.
//!
//! Each is a view of what the gateway has, and changes it as the routes of its own do: one owner, checked,
//! written down. What has no counterpart is refused in words that say what there is instead; nothing is
//! kept that has no effect.

mod aliases;
mod chains;
mod combo_defaults;
mod ip_filter;
mod policies;
mod quotas;
mod rate_limits;
mod reasoning;
mod require_login;
mod system_prompt;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Parts;
use super::actor::Author;
use super::change::{Edit, apply};
use super::objects::revision;
use super::openapi::also_at;
use super::problem::Problem;
use super::settings::{edit_of, value_of};
use crate::live::Basis;

/// How often a change is tried again that somebody else's came before.
const TRIES: usize = 4;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(ip_filter::show, ip_filter::change))
        .routes(routes!(system_prompt::show, system_prompt::change))
        .routes(routes!(reasoning::show, reasoning::change))
        .routes(routes!(combo_defaults::show, combo_defaults::change))
        .routes(routes!(require_login::show, require_login::change))
        .routes(routes!(aliases::show, aliases::replace, aliases::add, aliases::remove))
        .routes(routes!(aliases::of_models, aliases::name_model, aliases::forget))
        .routes(routes!(chains::show, chains::set, chains::remove))
        .routes(routes!(policies::show, policies::act))
        .routes(routes!(rate_limits::show))
        .routes(also_at("/api/rate-limit", routes!(rate_limits::show)))
        .routes(routes!(quotas::list))
        .routes(routes!(quotas::one))
}

/// Changes what was read, again if somebody else's change came between.
///
/// # Errors
///
/// What is wrong with the change: nothing has changed then.
async fn changed<Edits: IntoIterator<Item = Edit>>(
    parts: &Parts,
    by: &Author,
    plan: impl Fn(&Basis) -> Result<Edits, Problem>,
) -> Result<(), Problem> {
    for tries_left in (0..TRIES).rev() {
        let basis = parts.live.basis();
        let edits = plan(&basis)?
            .into_iter()
            .map(|edit| Edit { expected: revision(&basis, edit.kind, &edit.name), ..edit });
        let edits: Vec<Edit> = edits.collect();
        if edits.is_empty() {
            return Ok(());
        }
        match apply(parts, by.clone(), edits).await {
            Err(problem) if problem.is_stale() && tries_left > 0 => {}
            result => return result.map(drop),
        }
    }
    Ok(())
}

/// Tells whether a filter is in the list.
fn is_active(parts: &Parts, filter: &str) -> bool {
    parts.live.load().filters.names().contains(&filter)
}
