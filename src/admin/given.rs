//! What a request gives: JSON, whatever its content type says (the guide's own curl lines send none), names
//! in its path, and what stands behind the `?`. Faults are said in the administration's own form.

use axum::extract::{FromRequestParts, Path, Query};
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
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        match path.as_str() {
            "." => Problem::invalid(format!("the body is not as expected: {}", error.inner())),
            _ => Problem::invalid(format!(
                "the body is not as expected: `{path}`: {}",
                error.inner()
            ))
            .with_field(path, error.inner().to_string()),
        }
    })?;
    let rest = reader.end();
    rest.map_err(|error| Problem::invalid(format!("the body is not as expected: {error}")))?;
    Ok(value)
}

/// Reads a body that may be left out, or be `null`.
///
/// # Errors
///
/// As [`json`].
pub(super) fn json_if_any<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, Problem> {
    if body.is_empty() { Ok(None) } else { json(body) }
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

/// What stands behind the `?`.
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

/// What stands in the path.
pub(super) struct FromPath<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for FromPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(head, state).await {
            Ok(Path(read)) => Ok(Self(read)),
            Err(rejection) => Err(Problem::invalid(rejection.body_text())),
        }
    }
}
