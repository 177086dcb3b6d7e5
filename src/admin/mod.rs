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
mod if_match;
mod import;
mod keys;
mod lockouts;
mod login;
mod merge;
mod objects;
mod old;
mod openapi;
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
mod tunnel_fields;
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
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{Request, Response, StatusCode};
use omniroute_core::clock::Clock;
use omniroute_core::state::SharedState;
use omniroute_core::written::Kind;
use tower_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::access::is_admin;
use self::change::audited;
use self::objects::COLLECTIONS;
use self::openapi::also_at;
use self::problem::Problem;
use crate::explained::Explained;
use crate::listen::Certificates;
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
    /// The listeners' certificate.
    pub certificates: Arc<Certificates>,
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

/// Everything that answers under `/api`.
fn router(parts: Parts) -> Router {
    let (open, _) = open().split_for_parts();
    let (guarded, _) = guarded().split_for_parts();
    let no_path = async || Problem::missing("there is no such path under /api");
    let other_method = async || {
        let what = "this path is for other methods; see the allow header";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", what)
    };
    let guarded = guarded
        .fallback(no_path)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(parts.clone(), access::admin_only));
    open.method_not_allowed_fallback(other_method).merge(guarded).with_state(parts)
}

/// The route table, one line per resource: what needs no login.
fn open() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::setup))
        .routes(routes!(login::status))
}

/// What is for administrators.
fn guarded() -> OpenApiRouter<Parts> {
    objects()
        .merge(configured())
        .merge(backups::routes())
        .merge(running())
        .merge(old::routes())
        .merge(requests::routes())
        .merge(usage::routes())
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(login::change))
        .routes(routes!(login::sessions, login::revoke_all))
        .routes(routes!(login::revoke))
        .routes(routes!(openapi::show))
}

/// The collections of objects.
fn objects() -> OpenApiRouter<Parts> {
    COLLECTIONS.into_iter().fold(OpenApiRouter::default(), |router, of| {
        let router = router.routes(openapi::documented_all(of, objects::all(of)));
        let router = router.routes(openapi::documented_one(of, objects::one(of)));
        if of.kind != Kind::Account {
            return router;
        }
        router.routes(also_at("/api/accounts/{*name}", routes!(trials::account)))
    })
}

/// What is configured: as a whole, by tab, and the objects under the guide's names.
fn configured() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(config::show))
        .routes(routes!(config::apply_all))
        .routes(routes!(config::generations))
        .routes(routes!(config::plan))
        .routes(routes!(config::reload))
        .routes(routes!(config::rollback))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::show, keys::change, keys::revoke))
        .routes(routes!(catalog::show))
        .routes(routes!(pricing::show, pricing::change, pricing::reset))
        .routes(routes!(pricing::defaults))
        .routes(routes!(pricing::models))
        .routes(routes!(custom_models::list, custom_models::add, custom_models::remove))
        .routes(routes!(connections::list, connections::add))
        .routes(routes!(connections::show, connections::change, connections::remove))
        .routes(routes!(trials::account))
        .routes(routes!(settings::show, settings::change))
        .routes(routes!(settings::show_tab, settings::change_tab))
        .routes(routes!(proxy_settings::show, proxy_settings::change, proxy_settings::remove))
        .routes(routes!(tunnels::test))
        .routes(routes!(budgets::show, budgets::set, budgets::remove))
}

/// How what is configured does.
fn running() -> OpenApiRouter<Parts> {
    cache::routes()
        .routes(routes!(explain::ask))
        .routes(routes!(health::show))
        .routes(routes!(lockouts::list, lockouts::unlock_all))
        .routes(routes!(lockouts::unlock))
        .routes(also_at("/api/monitoring/health", routes!(health::show)))
        .routes(routes!(resilience::reset_health))
        .routes(routes!(translator::detect))
        .routes(routes!(translator::translate))
        .routes(routes!(resilience::show, profiles::change))
        .routes(routes!(resilience::reset))
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
