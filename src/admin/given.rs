//! What a request gives: JSON, whatever its content type says. The guide's own curl lines send none.

use http::StatusCode;
use serde::de::DeserializeOwned;

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
