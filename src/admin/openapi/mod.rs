//! The OpenAPI document (`/api/openapi.json`). It is made of the same table as the routes, so that it
//! cannot name what is not there, or leave out what is.

mod collections;
mod failures;
mod whole;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

pub(super) use self::collections::{documented_all, documented_one};
use super::Parts;
use super::problem::Problem;

/// Bytes of a file, as the document has them.
pub(super) struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Binary {}

/// The document as it is sent; made when somebody asks for it first.
static DOCUMENT: LazyLock<serde_json::Result<String>> = LazyLock::new(|| {
    let routes: OpenApiRouter<Parts> = super::open().merge(super::guarded());
    whole::made_whole(routes.into_openapi()).to_json()
});

/// Describes this API as an OpenAPI document.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, body = Object)))]
pub(super) async fn show() -> Result<Response, Problem> {
    match &*DOCUMENT {
        Ok(text) => {
            Ok(([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response())
        }
        Err(error) => {
            tracing::error!(%error, "the description of the administration's API cannot be written");
            Err(Problem::internal())
        }
    }
}

/// Puts handlers on another path than the one they name: what the existing product calls otherwise.
pub(super) fn also_at(
    path: &str,
    (schemas, mut documented, methods): UtoipaMethodRouter<Parts>,
) -> UtoipaMethodRouter<Parts> {
    let items = std::mem::take(&mut documented.paths);
    documented.paths.extend(items.into_values().map(|item| (path.to_owned(), item)));
    (schemas, documented, methods)
}
