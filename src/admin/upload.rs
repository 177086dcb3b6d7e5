//! The body of an import: a form with a `file`, or the file itself; with it what opens the file, and wishes.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::backups::MAX_FORM_BYTES;
use super::openapi::Binary;
use super::problem::Problem;
use crate::backup::{BackupError, Keys, MAX_FILE_BYTES};

/// Longest key or passphrase in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// What is wished, in the query or as fields of the form.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wishes {
    /// Only say what would come over.
    pub(super) dry_run: bool,
    /// Providers on one's own network may come over from the existing product.
    pub(super) allow_private: bool,
}

/// The form as the OpenAPI document has it.
#[derive(ToSchema)]
#[schema(as = ImportForm, rename_all = "camelCase")]
#[expect(dead_code, reason = "forms are read field by field; this only describes them")]
pub(super) struct Form {
    #[schema(inline)]
    file: Binary,
    master_key: Option<String>,
    storage_key: Option<String>,
    passphrase: Option<String>,
    dry_run: Option<bool>,
    allow_private: Option<bool>,
}

/// The headers that open a file, as the OpenAPI document has them.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "headers are read one by one; this only describes them")]
pub(super) struct Opening {
    /// The master key of the gateway that the file comes from.
    #[param(rename = "x-omniroute-master-key")]
    master: Option<String>,
    /// The existing product's key of stored fields.
    #[param(rename = "x-omniroute-storage-key")]
    storage: Option<String>,
    /// What sealed the credentials of an archive.
    #[param(rename = "x-omniroute-passphrase")]
    passphrase: Option<String>,
}

/// What was sent.
pub(super) struct Upload {
    pub(super) file: Bytes,
    pub(super) keys: Keys,
    pub(super) wishes: Wishes,
}

impl Upload {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// That there is no file, or too large a one.
    pub(super) async fn read(
        request: Request,
        wishes: Wishes,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let keys = Keys {
            master: secret(headers, "x-omniroute-master-key")?,
            storage: secret(headers, "x-omniroute-storage-key")?,
            passphrase: secret(headers, "x-omniroute-passphrase")?,
            allow_private: wishes.allow_private,
        };
        let kind =
            headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
        let is_form = kind.is_some_and(|kind| kind.starts_with(b"multipart/form-data"));
        let upload = Self { file: Bytes::new(), keys, wishes };
        let upload = if is_form {
            upload.form(request).await?
        } else {
            let file = to_bytes(request.into_body(), MAX_FORM_BYTES).await;
            Self { file: file.map_err(|_| BackupError::TooLarge)?, ..upload }
        };
        if upload.file.is_empty() {
            let what = "send the file as `file` of a form (`curl -F file=@backup`), or as the body";
            return Err(Problem::field("file", what));
        }
        if upload.file.len() > MAX_FILE_BYTES {
            return Err(BackupError::TooLarge.into());
        }
        Ok(upload)
    }

    async fn form(mut self, request: Request) -> Result<Self, Problem> {
        let broken = |what: String| Problem::invalid(format!("the form cannot be read: {what}"));
        let form = Multipart::from_request(request, &()).await;
        let mut form = form.map_err(|error| broken(error.body_text()))?;
        while let Some(field) = form.next_field().await.map_err(|e| broken(e.body_text()))? {
            let name = field.name().unwrap_or_default().to_owned();
            let content = field.bytes().await.map_err(|error| broken(error.body_text()))?;
            match name.as_str() {
                "file" => self.file = content,
                "masterKey" => self.keys.master = Some(text(&name, &content)?),
                "storageKey" => self.keys.storage = Some(text(&name, &content)?),
                "passphrase" => self.keys.passphrase = Some(text(&name, &content)?),
                "dryRun" => self.wishes.dry_run = flag(&name, &content)?,
                "allowPrivate" => self.keys.allow_private = flag(&name, &content)?,
                other => {
                    let what = "there is no such field; there are: file, masterKey, storageKey, passphrase, dryRun, \
                                allowPrivate";
                    return Err(Problem::field(other, what));
                }
            }
        }
        Ok(self)
    }
}

/// Reads a secret from a header.
pub(super) fn secret(
    headers: &HeaderMap,
    name: &str,
) -> Result<Option<Zeroizing<String>>, Problem> {
    headers.get(name).map(|value| text(name, value.as_bytes())).transpose()
}

fn text(name: &str, bytes: &[u8]) -> Result<Zeroizing<String>, Problem> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_KEY_BYTES);
    let text = text.ok_or_else(|| {
        Problem::field(name, format!("a text of {MAX_KEY_BYTES} bytes at most is expected"))
    })?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn flag(name: &str, bytes: &[u8]) -> Result<bool, Problem> {
    match bytes {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(Problem::field(name, "`true` or `false` is expected")),
    }
}
