//! Usage (`/api/usage`): the calls, their sums, exports and the self-check; and the same under the existing
//! product's names.
//!
//! Everything here is a view of the store's one ledger. Money is dollars as a text with all its digits and
//! whole nanodollars; in the old fields it is a number, with all its digits too.

mod analytics;
mod asked;
mod call_logs;
mod calls;
mod folded;
mod history;
mod sums;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::asked::{Asked, ms};
pub(super) use self::call_logs::find;
pub(super) use self::calls::{Call, limit};
use super::Parts;
use super::blocking::blocking;
use super::openapi::also_at;
use super::problem::Problem;
use crate::store::usage::{Answer, By, Filter, Question, Span, Step, ask};
use crate::store::{ReadTx, Store, StoreError};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(calls::list))
        .routes(routes!(analytics::show))
        .routes(routes!(call_logs::list))
        .routes(routes!(call_logs::one))
        .routes(routes!(sums::check))
        .routes(routes!(calls::export))
        .routes(routes!(history::show))
        .routes(routes!(call_logs::lines))
        .routes(also_at("/api/usage/request-logs", routes!(call_logs::lines)))
        .routes(routes!(sums::show))
}

/// All parts that sums are kept for, in the order of [`Question::by`] where all are asked for.
const EVERYTHING: [By; 5] = [By::Provider, By::Account, By::Model, By::ClientKey, By::Combo];

/// Reads from the store after what waits was written, so that the newest calls are seen.
pub(super) async fn view<R: Send + 'static>(
    parts: &Parts,
    look: impl FnOnce(&ReadTx<'_>) -> Result<R, StoreError> + Send + 'static,
) -> Result<R, Problem> {
    let store = parts.store()?.clone();
    blocking(move || {
        write_what_waits(&store);
        Ok(store.read(look)?)
    })
    .await
}

/// Writes the records that wait. If that fails, what is in the database is shown.
pub(super) fn write_what_waits(store: &Store) {
    if let Err(error) = store.flush() {
        tracing::debug!(%error, "records wait; what is in the database is shown");
    }
}

/// Asks for sums that tell everything apart.
async fn everything(
    parts: &Parts,
    (span, filter): (Span, Filter),
    (step, offset_minutes): (Option<Step>, i32),
) -> Result<Answer, Problem> {
    let question = Question { span, filter, by: EVERYTHING.to_vec(), step, offset_minutes };
    view(parts, move |tx| ask(tx, &question)).await
}
