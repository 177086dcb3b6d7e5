//! Purging the request log at once.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::admin::actor::Author;
use crate::admin::change::audited;
use crate::admin::given::FromQuery;
use crate::admin::problem::Problem;
use crate::admin::usage::{ms, write_what_waits};
use crate::admin::{Parts, blocking::blocking};
use crate::store::requests::{self, Extent, MOST_AT_ONCE, Purged};
use crate::store::{Store, StoreError};

/// What is to go.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `bodies`: only those.
    only: Option<String>,
}

/// What went.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Gone {
    /// Calls whose log went; their rows of usage stay.
    requests: usize,
    /// Calls whose bodies went.
    bodies: usize,
}

/// Takes out what is kept of all calls until now besides their rows of usage, which budgets and sums rest
/// on.
#[utoipa::path(delete, path = "/api/requests", params(Asked), responses((status = 200, body = Gone)))]
pub(super) async fn purge(
    State(parts): State<Parts>,
    by: Author,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Gone>, Problem> {
    let (extent, object) = match asked.only.as_deref() {
        None => (Extent::Everything, "request log"),
        Some("bodies") => (Extent::Bodies, "bodies of requests"),
        Some(_) => return Err(Problem::field("only", "there is: bodies")),
    };
    let store = parts.store()?.clone();
    // First, so that whoever purges and is cut off stands in the audit log too.
    audited(&parts, &by, "requests.purge", object).await?;
    let until = ms(parts.clock.timestamp()).saturating_add(1);
    let gone = blocking(move || {
        write_what_waits(&store);
        Ok(all(&store, extent, until)?)
    });
    let Purged { logs, bodies } = gone.await?;
    tracing::info!(
        requests = logs,
        bodies,
        "the request log was purged through the administration"
    );
    Ok(Json(Gone { requests: logs, bodies }))
}

/// Purges piece by piece, so that nothing else waits long for the writer.
fn all(store: &Store, extent: Extent, until: u64) -> Result<Purged, StoreError> {
    let mut gone = Purged::default();
    loop {
        let piece = store.write_blocking(move |tx| requests::purge(tx, extent, until))?;
        gone.logs += piece.logs;
        gone.bodies += piece.bodies;
        if piece.logs.max(piece.bodies) < MOST_AT_ONCE {
            return Ok(gone);
        }
    }
}
