//! `If-Match`: a change is made only if the object is still what the request knows of it.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts as Head;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::problem::Problem;

/// The revision that an object must have; `None` if any will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct IfMatch(pub(super) Option<u64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let Some(tag) = head.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let tag = tag.to_str().unwrap_or_default().trim();
        if tag == "*" {
            return Ok(Self(None));
        }
        let number = tag.trim_start_matches("W/").trim_matches('"').parse();
        number.map(|number| Self(Some(number))).map_err(|_| {
            Problem::invalid("`If-Match` holds no revision; send the `ETag` of what you read")
        })
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let what = "The `ETag`, or the `revision`, of what was read: 412 if it has changed since.";
        let parameter = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(what))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        vec![parameter.build()]
    }
}
