//! What a request gives: JSON, whatever its content type says (the guide's own curl lines send none), and
//! what stands behind the `?` of its address.

use axum::extract::{FromRequestParts, Query};
use http::StatusCode;
use http::request::Parts as Head;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::Problem;

/// Reads a body.
///
/// # Errors
///
/// What is wrong with it, with the path of the field.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { String::new() } else { format!("`{path}`: ") };
        format!("{at}{}", error.inner())
    });
    read.and_then(|value| reader.end().map(|()| value).map_err(|error| error.to_string())).map_err(
        |what| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                format!("the body is not as expected: {what}"),
            )
        },
    )
}

/// Reads an object as a script for the existing product may write it: fields that are only shown are taken
/// out, and others get their names of here.
///
/// # Errors
///
/// As [`json`].
pub(super) fn renamed(
    body: &[u8],
    shown_only: &[&str],
    other_names: &[(&str, &str)],
) -> Result<Map<String, Value>, Problem> {
    let mut value: Map<String, Value> = json(body)?;
    for field in shown_only {
        value.shift_remove(*field);
    }
    for (other, own) in other_names {
        if let Some(given) = value.shift_remove(*other) {
            value.insert((*own).to_owned(), given);
        }
    }
    Ok(value)
}

/// What stands behind the `?`; faults in it are said in the administration's own form.
pub(super) struct FromQuery<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for FromQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&head.uri) {
            Ok(Query(read)) => Ok(Self(read)),
            Err(rejection) => Err(Problem::invalid(rejection.body_text())),
        }
    }
}
