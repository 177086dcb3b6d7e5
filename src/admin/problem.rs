//! The administration's errors: `{"error": {"code", "message", "details": [{"field", "message"}]}}`.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use omniroute_core::clock::seconds_to_wait;
use omniroute_core::snapshot::Problems;
use serde::Serialize;
use utoipa::ToSchema;

use crate::backup::BackupError;
use crate::store::StoreError;

/// What is wrong with a request, and how to fix it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<Detail>,
    retry_after: Option<Duration>,
}

/// Every failure's body.
#[derive(Serialize, ToSchema)]
pub(super) struct Failure<'p> {
    error: Fault<'p>,
}

/// What is wrong.
#[derive(Serialize, ToSchema)]
struct Fault<'p> {
    /// A word for programs.
    code: &'static str,
    /// For people: what is wrong, and how to fix it.
    message: &'p str,
    /// The fields that are not as they have to be.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'p [Detail],
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Detail {
    /// The field's path.
    pub(super) field: String,
    /// What is wrong with it, and how to fix it.
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, message, details: Vec::new(), retry_after: None }
    }

    /// A request that cannot be understood or carried out as it is.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// One field that is not as it has to be.
    pub(super) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let detail = Detail { field: field.into(), message: message.into() };
        let message = format!("`{}`: {}", detail.field, detail.message);
        Self { details: vec![detail], ..Self::invalid(message) }
    }

    /// Names the field that it is about.
    pub(super) fn with_field(mut self, field: String, message: String) -> Self {
        self.details.push(Detail { field, message });
        self
    }

    /// Something that is not there.
    pub(super) fn missing(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    /// Something that is there already, or stands in the way.
    pub(super) fn conflict(what: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", what)
    }

    /// Something that has changed since it was read.
    pub(super) fn stale(what: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "stale", what)
    }

    /// Tells whether something has changed since it was read.
    pub(super) fn is_stale(&self) -> bool {
        self.status == StatusCode::PRECONDITION_FAILED
    }

    /// Too many failures came from an address.
    pub(super) fn locked(what: &str, left: Duration) -> Self {
        let message = format!("{what}; try again in {} s", seconds_to_wait(left));
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "locked", message);
        Self { retry_after: Some(left), ..problem }
    }

    /// A fault of this program.
    pub(super) fn internal() -> Self {
        let what = "the gateway made a mistake; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", what)
    }

    /// Nothing is remembered here.
    pub(super) fn no_store() -> Self {
        let what = "this gateway keeps nothing: its data directory cannot be used (see its log)";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_store", what)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Problems> for Problem {
    fn from(problems: Problems) -> Self {
        let detail = |problem: &omniroute_core::snapshot::Problem| Detail {
            field: problem.path.clone(),
            message: match &problem.hint {
                Some(hint) => format!("{}; {hint}", problem.what),
                None => problem.what.clone(),
            },
        };
        let details = problems.as_slice().iter().map(detail).collect();
        let problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_configuration",
            problems.to_string(),
        );
        Self { details, ..problem }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::Question(what) = error {
            return Self::invalid(what);
        }
        let unavailable =
            |what| Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", what);
        if matches!(error, StoreError::Lent) {
            let retry_after = Some(Duration::from_secs(1));
            return Self { retry_after, ..unavailable(error.to_string()) };
        }
        tracing::error!(%error, "the administration could not use the store");
        let what = "what the gateway remembers cannot be used at the moment; its log says why";
        unavailable(what.to_owned())
    }
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        let what = error.to_string();
        match error {
            BackupError::File(_) => Self::new(StatusCode::BAD_REQUEST, "invalid_backup", what),
            BackupError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", what),
            BackupError::Locked(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "backup_locked", what)
            }
            BackupError::Store(error) => error.into(),
            BackupError::Disk(error) => {
                tracing::error!(%error, "a file of the administration cannot be written");
                let what = format!("no file can be written at the moment: {}", error.kind());
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", what)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = Fault { code: self.code, message: &self.message, details: &self.details };
        let mut response = (self.status, Json(Failure { error })).into_response();
        if let Some(left) = self.retry_after {
            let seconds = HeaderValue::from(seconds_to_wait(left));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
