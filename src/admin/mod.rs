//! The administration's API under `/api`: JSON for scripts and the dashboard.
//!
//! An axum router without a listener: the proxy hands requests on whole. Every route wants a client
//! key with the scope `admin`, sent in a header; a key that may only call models opens nothing here.

mod access;
mod actor;
mod audit;
mod backups;
mod blocking;
mod budgets;
mod cache;
mod catalog;
mod change;
mod config;
mod connections;
mod custom_models;
mod explain;
mod given;
mod health;
mod import;
mod keys;
mod lockouts;
mod login;
mod merge;
mod objects;
mod page;
mod pricing;
mod problem;
mod profiles;
mod proxy_settings;
mod requests;
mod resilience;
mod same_origin;
mod settings;
mod time;
mod translator;
mod trials;
mod tunnels;
mod upload;
mod usage;
mod usd;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{Request, Response, StatusCode};
use omniroute_core::clock::Clock;
use omniroute_core::state::SharedState;
use omniroute_core::written::Kind;
use tower_service::Service;

pub use self::access::is_admin;
use self::change::audited;
use self::objects::COLLECTIONS;
use self::problem::Problem;
use crate::explained::Explained;
use crate::live::LiveConfig;
use crate::login::Login;
use crate::proxy::{Administration, AnswerBody};
use crate::store::Store;
use crate::upstream::Fetch;

/// Largest body of a request, but of an import.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Largest answer that is made in memory. They are made here, so this is only a bound.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// What the administration works on.
#[derive(Clone)]
pub struct Parts {
    /// The configuration in force.
    pub live: Arc<LiveConfig>,
    /// How accounts, providers and clients are.
    pub state: Arc<SharedState>,
    /// What is remembered; `None` where nothing can be.
    pub store: Option<Store>,
    /// Who is logged in.
    pub login: Arc<Login>,
    /// Makes requests of the gateway's own.
    pub fetch: Arc<Fetch>,
    /// Why the latest requests went where they went.
    pub explained: Arc<Explained>,
    /// When the process began to serve.
    pub started: Instant,
    /// The time.
    pub clock: Clock,
}

impl Parts {
    /// Returns what is remembered.
    ///
    /// # Errors
    ///
    /// That nothing can be.
    fn store(&self) -> Result<&Store, Problem> {
        self.store.as_ref().ok_or_else(Problem::no_store)
    }
}

/// Makes what answers requests to the administration.
pub fn administration(parts: Parts) -> Administration {
    let router = router(parts.clone());
    Administration {
        admit: Box::new(move |head| {
            let parts = parts.clone();
            Box::pin(async move {
                match admit(&parts, head).await {
                    Ok(limit) => Ok(limit),
                    Err(problem) => Err(whole(problem.into_response()).await),
                }
            })
        }),
        answer: Box::new(move |request| {
            let mut router = router.clone();
            Box::pin(async move {
                let answer = match router.call(request.map(Body::from)).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                if answer.extensions().get::<InPieces>().is_none() {
                    return whole(answer).await.map(AnswerBody::Whole);
                }
                let pieces = |body: Body| body.into_data_stream().map_err(std::io::Error::other);
                answer.map(|body| AnswerBody::Pieces(Box::pin(pieces(body))))
            })
        }),
    }
}

/// Marks an answer that is not collected in memory.
#[derive(Clone, Copy)]
struct InPieces;

/// Says how large a request's body may be. Only an import may be large, and whoever sends it is known before it is read.
async fn admit(parts: &Parts, head: Request<()>) -> Result<usize, Problem> {
    if !backups::is_import(&head) {
        return Ok(MAX_BODY_BYTES);
    }
    let (head, ()) = head.into_parts();
    access::allowed(parts, &head).await?.is_known()?;
    Ok(backups::MAX_FORM_BYTES)
}

/// The route table, one line per resource.
fn router(parts: Parts) -> Router {
    let guarded = backups::routes(objects())
        .merge(configured())
        .merge(running())
        .merge(requests::routes())
        .merge(usage::routes())
        .route("/api/audit", get(audit::list))
        .route("/api/audit/verify", get(audit::verify))
        .route("/api/auth/password", post(login::change))
        .route("/api/auth/sessions", get(login::sessions).delete(login::revoke_all))
        .route("/api/auth/sessions/{id}", delete(login::revoke))
        .fallback(async || {
            Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such path under /api")
        })
        .method_not_allowed_fallback(async || {
            let what = "this path is for other methods; see the allow header";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", what)
        })
        .layer(from_fn_with_state(parts.clone(), access::admin_only));
    let open = Router::new()
        .route("/api/auth/login", post(login::login))
        .route("/api/auth/logout", post(login::logout))
        .route("/api/auth/setup", post(login::setup))
        .route("/api/auth/status", get(login::status));
    open.merge(guarded).with_state(parts)
}

/// The collections of objects.
fn objects() -> Router<Parts> {
    COLLECTIONS.into_iter().fold(Router::new(), |router, of| {
        let (all, one) = (format!("/api/{}", of.name), format!("/api/{}/{{*name}}", of.name));
        let one_of = objects::one(of);
        let one_of = if of.kind == Kind::Account { one_of.post(trials::account) } else { one_of };
        router.route(&all, objects::all(of)).route(&one, one_of)
    })
}

/// What is configured: as a whole, by tab, and the objects under the guide's names.
fn configured() -> Router<Parts> {
    let connection = get(connections::show)
        .put(connections::change)
        .patch(connections::change)
        .delete(connections::remove)
        .post(trials::account);
    let custom_models =
        get(custom_models::list).post(custom_models::add).delete(custom_models::remove);
    let tunnel =
        get(proxy_settings::show).put(proxy_settings::change).delete(proxy_settings::remove);
    Router::new()
        .route("/api/config", get(config::show))
        .route("/api/config/apply", post(config::apply_all))
        .route("/api/config/generations", get(config::generations))
        .route("/api/config/plan", post(config::plan))
        .route("/api/config/reload", post(config::reload))
        .route("/api/config/rollback/{generation}", post(config::rollback))
        .route("/api/keys", get(keys::list).post(keys::create))
        .route("/api/keys/{*name}", get(keys::show).patch(keys::change).delete(keys::revoke))
        .route("/api/models/catalog", get(catalog::show))
        .route("/api/pricing", get(pricing::show).patch(pricing::change).delete(pricing::reset))
        .route("/api/pricing/defaults", get(pricing::defaults))
        .route("/api/pricing/models", get(pricing::models))
        .route("/api/provider-models", custom_models)
        .route("/api/providers", get(connections::list).post(connections::add))
        .route("/api/providers/{*id}", connection)
        .route("/api/settings", get(settings::show).patch(settings::change))
        .route("/api/settings/{tab}", get(settings::show_tab).patch(settings::change_tab))
        .route("/api/settings/proxy", tunnel)
        .route("/api/settings/proxy/test", post(tunnels::test))
        .route("/api/usage/budget", get(budgets::show).post(budgets::set).delete(budgets::remove))
}

/// How what is configured does.
fn running() -> Router<Parts> {
    cache::routes()
        .route("/api/explain", post(explain::ask))
        .route("/api/health", get(health::show))
        .route("/api/lockouts", get(lockouts::list).delete(lockouts::unlock_all))
        .route("/api/lockouts/{address}", delete(lockouts::unlock))
        .route("/api/monitoring/health", get(health::show).delete(resilience::reset))
        .route("/api/translator/detect", post(translator::detect))
        .route("/api/translator/translate", post(translator::translate))
        .route("/api/resilience", get(resilience::show).patch(profiles::change))
        .route("/api/resilience/reset", post(resilience::reset))
}

async fn whole(answer: Response<Body>) -> Response<Bytes> {
    let (parts, body) = answer.into_parts();
    match to_bytes(body, MAX_ANSWER_BYTES).await {
        Ok(body) => Response::from_parts(parts, body),
        Err(error) => {
            tracing::error!(%error, "an answer of the administration could not be read");
            let mut failed = Response::new(Bytes::new());
            *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            failed
        }
    }
}
