//! Backups: the database as a file, safety copies, and imports, under the paths of the existing product.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::actor::{Actor, Author};
use super::blocking::blocking;
use super::change::audited;
use super::given::{self, FromPath, FromQuery};
use super::import::{Report, Way, import};
use super::openapi::Binary;
use super::problem::Problem;
use super::upload::{Form, Opening, Upload, Wishes, secret};
use super::{InPieces, Parts, time};
use crate::backup::{self, Contents, KeptCopy, SafetyCopies};
use crate::keeping::Keeps;
use crate::store::Store;
use crate::store::backup::Manifest;

/// Where files are imported.
const IMPORT: &str = "/api/db-backups/import";

/// Largest body of an import: the file and what a form puts round it.
pub(super) const MAX_FORM_BYTES: usize = backup::MAX_FILE_BYTES + 64 * 1024;

/// Bytes of a file that are sent at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Makes the routes.
pub(super) fn routes() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(upload).layer(DefaultBodyLimit::disable()))
        .routes(routes!(list, make, restore_named))
        .routes(routes!(export))
        .routes(routes!(export_all, export_sealed))
        .routes(routes!(remove))
        .routes(routes!(restore_one))
}

/// Tells whether a request brings a file.
pub(super) fn is_import(head: &http::Request<()>) -> bool {
    *head.method() == Method::POST && head.uri().path() == IMPORT
}

/// Returns the data directory; `None` where everything ends with the process.
pub(super) fn folder(parts: &Parts) -> Option<PathBuf> {
    let is_kept = parts.live.source().keeps == Keeps::InDataDir;
    is_kept.then(|| parts.live.load().server.data_dir.clone())
}

/// Sends the database of this moment as a file.
#[utoipa::path(get, path = "/api/db-backups/export", responses((status = 200, description = "The file.", content_type = "application/octet-stream", body = inline(Binary))))]
async fn export(State(parts): State<Parts>, actor: Actor, by: Author) -> Result<Response, Problem> {
    actor.is_known()?;
    let store = parts.store()?.clone();
    let (folder, at) = (folder(&parts), parts.clock.wall());
    let (file, manifest) = blocking(move || {
        store.flush()?;
        let file = backup::scratch(folder.as_deref()).map_err(backup::BackupError::from)?;
        let copied = file.try_clone().map_err(backup::BackupError::from)?;
        let manifest = store.copy(copied, "export", at)?;
        Ok((file, manifest))
    })
    .await?;
    audited(&parts, &by, "backup.export", "database").await?;
    let mut answer = download(file, &file_name("omniroute-backup", "redb", &parts))?;
    let about = format!(
        "format={}; version={}; generation={}; sealed=master-key",
        manifest.format, manifest.version, manifest.generation
    );
    let about = HeaderValue::from_str(&about).map_err(|_| Problem::internal())?;
    answer.headers_mut().insert("x-omniroute-backup", about);
    Ok(answer)
}

/// What may seal the credentials of an archive.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Sealing {
    #[schema(value_type = Option<String>)]
    passphrase: Option<Zeroizing<String>>,
}

/// Sends everything that people share as an archive; with a passphrase in a header also the credentials, sealed.
#[utoipa::path(
    get,
    path = "/api/db-backups/exportAll",
    params(("x-omniroute-passphrase" = Option<String>, Header)),
    responses(
        (status = 200, description = "The file.", content_type = "application/gzip", body = inline(Binary)),
        (status = 422),
    )
)]
async fn export_all(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    archive(parts, (actor, by), &headers, &[]).await
}

/// Sends everything that people share as an archive; with a passphrase in the body also the credentials, sealed.
#[utoipa::path(
    post,
    path = "/api/db-backups/exportAll",
    params(("x-omniroute-passphrase" = Option<String>, Header)),
    request_body(content = Option<Sealing>),
    responses((status = 200, description = "The file.", content_type = "application/gzip", body = inline(Binary)))
)]
async fn export_sealed(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    archive(parts, (actor, by), &headers, &body).await
}

async fn archive(
    parts: Parts,
    (actor, by): (Actor, Author),
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Problem> {
    actor.is_known()?;
    let sealing: Option<Sealing> = given::json_if_any(body)?;
    let passphrase = match sealing.and_then(|sealing| sealing.passphrase) {
        Some(passphrase) => Some(passphrase),
        None => secret(headers, "x-omniroute-passphrase")?,
    };
    let store = parts.store()?.clone();
    let (folder, at, basis) = (folder(&parts), parts.clock.wall(), parts.live.basis());
    let what = if passphrase.is_some() { "archive with credentials" } else { "archive" };
    let file = blocking(move || {
        store.flush()?;
        let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_str());
        let contents = Contents { basis: &basis, store: &store, passphrase, at };
        Ok(backup::to_archive(&contents, folder.as_deref())?)
    })
    .await?;
    audited(&parts, &by, "backup.export", what).await?;
    download(file, &file_name("omniroute-full-backup", "tar.gz", &parts))
}

/// Names a file by the time it was made.
pub(super) fn file_name(start: &str, end: &str, parts: &Parts) -> String {
    let at = time::iso(parts.clock.wall());
    let at = at.split('.').next().unwrap_or_default().trim_end_matches('Z').replace(':', "-");
    format!("{start}-{at}Z.{end}")
}

/// Sends a file, a piece at a time, whatever its size.
pub(super) fn download(mut file: File, name: &str) -> Result<Response, Problem> {
    let mut measured = || {
        file.seek(SeekFrom::Start(0))?;
        Ok(file.metadata()?.len())
    };
    let bytes = measured().map_err(backup::BackupError::Disk)?;
    let file = tokio::fs::File::from_std(file);
    let pieces = stream::try_unfold(file, async |mut file| {
        let mut piece = bytes::BytesMut::with_capacity(PIECE_BYTES);
        let read = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (piece.freeze(), file)))
    });
    let mut answer = Body::from_stream(pieces).into_response();
    answer.extensions_mut().insert(InPieces);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .map_err(|_| Problem::internal())?;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let kind = if name.ends_with(".gz") { "application/gzip" } else { "application/octet-stream" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(answer)
}

fn copies(parts: &Parts) -> Result<(Store, SafetyCopies), Problem> {
    let store = parts.store()?.clone();
    let folder = folder(parts).ok_or_else(Problem::no_store)?;
    Ok((store, SafetyCopies::of(&folder)))
}

/// Lists the safety copies, the newest first.
#[utoipa::path(get, path = "/api/db-backups")]
async fn list(State(parts): State<Parts>) -> Result<Json<Value>, Problem> {
    let (store, copies) = copies(&parts)?;
    let shown = blocking(move || {
        let shown = copies.list()?.into_iter().map(|copy| {
            let manifest = store.manifest_of(&copy.path).ok().flatten();
            shown(&copy, manifest.as_ref())
        });
        Ok(shown.collect::<Vec<_>>())
    });
    Ok(Json(json!({ "backups": shown.await? })))
}

fn shown(copy: &KeptCopy, manifest: Option<&Manifest>) -> Value {
    let made = manifest.map(|manifest| {
        let at = std::time::Duration::from_millis(manifest.made_at_ms);
        time::iso(std::time::UNIX_EPOCH + at)
    });
    let mut shown = json!({
        "id": copy.name,
        "filename": copy.name,
        "createdAt": made,
        "size": copy.bytes,
        "reason": manifest.map(|manifest| &manifest.reason),
        "generation": manifest.map(|manifest| manifest.generation),
        "version": manifest.map(|manifest| &manifest.version),
    });
    let counts = manifest.map(|manifest| json!(manifest.counts));
    if let (Value::Object(shown), Some(Value::Object(counts))) = (&mut shown, counts) {
        shown.extend(counts);
    }
    shown
}

/// Makes a safety copy.
#[utoipa::path(put, path = "/api/db-backups", responses((status = 201, body = Object)))]
async fn make(
    State(parts): State<Parts>,
    by: Author,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (store, copies) = copies(&parts)?;
    let at = parts.clock.wall();
    let made = blocking(move || {
        store.flush()?;
        let (copy, manifest) = copies.make(&store, "manual", at)?;
        Ok((shown(&copy, Some(&manifest)), copy.name))
    });
    let (mut made, name) = made.await?;
    made["created"] = json!(true);
    audited(&parts, &by, "backup.create", &name).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes a safety copy.
#[utoipa::path(delete, path = "/api/db-backups/{id}", responses((status = 204)))]
async fn remove(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromPath(id): FromPath<String>,
) -> Result<StatusCode, Problem> {
    actor.is_known()?;
    let (_, copies) = copies(&parts)?;
    let name = id.clone();
    blocking(move || {
        let copy = found(&copies, &name)?;
        std::fs::remove_file(copy.path).map_err(backup::BackupError::from)?;
        Ok(())
    })
    .await?;
    audited(&parts, &by, "backup.delete", &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn found(copies: &SafetyCopies, id: &str) -> Result<KeptCopy, Problem> {
    let copy = copies.find(id)?;
    copy.ok_or_else(|| Problem::missing(format!("there is no backup `{id}`")))
}

/// Which safety copy is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = SafetyCopy)]
struct Named {
    backup_id: String,
}

/// Goes back to a safety copy.
#[utoipa::path(post, path = "/api/db-backups", request_body = Named)]
async fn restore_named(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Named { backup_id } = given::json(&body)?;
    restore(&parts, actor, by, backup_id).await
}

/// Goes back to the safety copy that the path names.
#[utoipa::path(post, path = "/api/db-backups/{id}/restore")]
async fn restore_one(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromPath(id): FromPath<String>,
) -> Result<Json<Value>, Problem> {
    restore(&parts, actor, by, id).await
}

async fn restore(
    parts: &Parts,
    actor: Actor,
    by: Author,
    id: String,
) -> Result<Json<Value>, Problem> {
    actor.is_known()?;
    let (_, copies) = copies(parts)?;
    let folder = folder(parts);
    let name = id.clone();
    let read = move |store: &Store| {
        let copy = found(&copies, &name)?;
        let open = || -> std::io::Result<File> {
            // Opening a database may write to it, and the copy must stay what it is.
            let mut scratch = backup::scratch(folder.as_deref())?;
            std::io::copy(&mut File::open(&copy.path)?, &mut scratch)?;
            Ok(scratch)
        };
        let scratch = open().map_err(backup::BackupError::from)?;
        Ok(backup::from_copy(store, scratch, None)?)
    };
    let way = Way { is_dry: false, own_key: own_key(&actor), reason: "pre-restore" };
    let report = import(parts, by, way, read).await?;
    let mut report = json!(report);
    report["restored"] = json!(true);
    report["backupId"] = json!(id);
    Ok(Json(report))
}

fn own_key(actor: &Actor) -> Option<omniroute_core::ids::ClientKeyName> {
    match actor {
        Actor::Key(name) => Some(name.clone()),
        Actor::Session(_) | Actor::Console | Actor::Local => None,
    }
}

/// Takes over a file, sent as the `file` of a form or as it is.
#[utoipa::path(
    post,
    path = "/api/db-backups/import",
    params(Wishes, Opening),
    request_body(content((Form = "multipart/form-data"), (Binary = "application/octet-stream")))
)]
async fn upload(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromQuery(wishes): FromQuery<Wishes>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Report>, Problem> {
    actor.is_known()?;
    let upload = Upload::read(request, wishes, &headers).await?;
    let is_dry = upload.wishes.dry_run;
    let (folder, live) = (folder(&parts), std::sync::Arc::clone(&parts.live));
    let way = Way { is_dry, own_key: own_key(&actor), reason: "pre-import" };
    let read = move |store: &Store| {
        let places = (store, &*live.load());
        Ok(backup::read(places, folder.as_deref(), &upload.file, &upload.keys)?)
    };
    import(&parts, by, way, read).await.map(Json)
}
