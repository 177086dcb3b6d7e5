//! Errors of this format: bodies of every shape its many providers send, and ours to clients.

mod kind;
mod read;
mod retry;
#[cfg(test)]
mod tests;

pub(crate) use kind::{code_of, type_of};
pub(crate) use read::{body, in_band};

use serde_json::json;

use crate::api_error::{ApiError, UpstreamError};

/// Writes the error body for a client.
pub(crate) fn write(error: &ApiError) -> Vec<u8> {
    let code = Some(error.code).filter(|code| !code.is_empty());
    object(&error.message, type_of(error.kind), error.param.as_deref(), code)
}

/// Writes a provider's error in this format's words.
///
/// A code is kept if the provider gave one that looks like a word; other vendors' numbers say nothing
/// to a client of this format.
pub(crate) fn write_upstream(error: &UpstreamError) -> Vec<u8> {
    let words = |code: &&str| code.bytes().any(|byte| byte.is_ascii_lowercase());
    let code = Some(error.native_code.as_str()).filter(words).or(code_of(error.kind));
    object(&error.message, type_of(error.kind), error.param.as_deref(), code)
}

fn object(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Vec<u8> {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
        .to_string()
        .into_bytes()
}
