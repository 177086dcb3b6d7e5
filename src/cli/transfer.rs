//! `omniroute export` and `omniroute import`: what is kept as a file, whether or not the gateway serves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::reach::{Reach, Which};
use super::{EXIT_GIVEN, EXIT_SYSTEM, complain, say};
use crate::backup::{BackupError, MAX_FILE_BYTES};
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    which: Which,
    /// The file to make: the database, or with a name that ends in `.tar.gz` an archive to share.
    #[arg(required_unless_present = "out")]
    file: Option<PathBuf>,
    /// The same.
    #[arg(long, conflicts_with = "file")]
    out: Option<PathBuf>,
    /// Seal the credentials in the archive under the passphrase in this file. Without it there are none.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    which: Which,
    /// An export, or an OmniRoute `storage.sqlite`.
    file: PathBuf,
    /// Only say what would come over.
    #[arg(long)]
    dry_run: bool,
    /// The file of the passphrase of an archive.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// The file of the master key of the gateway that a database is of.
    #[arg(long)]
    master_key_file: Option<PathBuf>,
    /// The file of the `STORAGE_ENCRYPTION_KEY` of an OmniRoute database.
    #[arg(long)]
    storage_key_file: Option<PathBuf>,
    /// Take over providers on one's own network from an OmniRoute database.
    #[arg(long)]
    allow_private: bool,
}

/// Does what `omniroute export` says.
pub(super) fn export(args: ExportArgs) -> ExitCode {
    done(exported(args))
}

/// Does what `omniroute import` says.
pub(super) fn import(args: ImportArgs) -> ExitCode {
    done(imported(&args))
}

fn done(words: Result<String, ExitCode>) -> ExitCode {
    match words {
        Ok(words) => {
            say(&words);
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

/// Says what is wrong with what was given.
fn given(words: &str) -> ExitCode {
    complain(&format!("omniroute: {words}"));
    ExitCode::from(EXIT_GIVEN)
}

fn exported(args: ExportArgs) -> Result<String, ExitCode> {
    let to = args.file.or(args.out).unwrap_or_default();
    let name = to.to_string_lossy();
    let is_archive = name.ends_with(".tar.gz") || name.ends_with(".tgz");
    if args.passphrase_file.is_some() && !is_archive {
        return Err(given(
            "a passphrase seals archives; name the file `….tar.gz`, or leave the passphrase out (a database is \
             sealed with the master key)",
        ));
    }
    let passphrase = args.passphrase_file.as_deref().map(secret).transpose()?;
    let secrets: Vec<_> = passphrase.iter().map(|p| ("x-omniroute-passphrase", p)).collect();
    let folder = args.which.folder()?;
    if !Store::is_in(&folder) {
        return Err(given(&format!("there is no database in {}", folder.display())));
    }
    let reach = Reach::open(&args.which)?;
    let (target, note) = match is_archive {
        true => ("/api/db-backups/exportAll", ""),
        false => ("/api/db-backups/export", "; it opens with the master key only"),
    };
    keep(&to, |draft| reach.download(target, &secrets, draft.as_file_mut()))?;
    Ok(format!("{} is made{note}", to.display()))
}

/// Makes a file, mode 0600, that is whole when it is there. One that is there stays.
fn keep(
    to: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> Result<(), ExitCode>,
) -> Result<(), ExitCode> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let cannot = |error: io::Error| {
        complain(&format!("omniroute: {} cannot be made: {error}", to.display()));
        ExitCode::from(EXIT_SYSTEM)
    };
    if to.exists() {
        return Err(cannot(io::ErrorKind::AlreadyExists.into()));
    }
    let mut draft = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(cannot)?;
    write(&mut draft)?;
    draft.as_file().sync_all().map_err(cannot)?;
    draft.persist_noclobber(to).map(drop).map_err(|error| cannot(error.error))
}

fn imported(args: &ImportArgs) -> Result<String, ExitCode> {
    let unreadable =
        |error: io::Error| given(&format!("{} cannot be read: {error}", args.file.display()));
    if fs::metadata(&args.file).map_err(unreadable)?.len() > MAX_FILE_BYTES as u64 {
        return Err(given(&BackupError::TooLarge.to_string()));
    }
    let bytes = fs::read(&args.file).map_err(unreadable)?;
    let master = args.master_key_file.as_deref().map(master_key).transpose()?;
    let storage = args.storage_key_file.as_deref().map(secret).transpose()?;
    let passphrase = args.passphrase_file.as_deref().map(secret).transpose()?;
    let secrets: Vec<_> = [
        ("x-omniroute-master-key", master.as_ref()),
        ("x-omniroute-storage-key", storage.as_ref()),
        ("x-omniroute-passphrase", passphrase.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, secret)| Some((name, secret?)))
    .collect();
    let target = format!(
        "/api/db-backups/import?dryRun={}&allowPrivate={}",
        args.dry_run, args.allow_private
    );
    let report = Reach::open(&args.which)?.upload(&target, &secrets, bytes.into())?;
    Ok(words(&report))
}

fn secret(path: &Path) -> Result<Zeroizing<String>, ExitCode> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|e| given(&format!("{} cannot be read: {e}", path.display())))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// Reads a master key as the program itself keeps it: 32 bytes, or digits.
fn master_key(path: &Path) -> Result<Zeroizing<String>, ExitCode> {
    let bytes = fs::read(path).map(Zeroizing::new);
    let bytes = bytes.map_err(|e| given(&format!("{} cannot be read: {e}", path.display())))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if bytes.len() != 32 => Ok(Zeroizing::new(text.trim().to_owned())),
        _ => Ok(Zeroizing::new(omniroute_core::hex::encode(&bytes))),
    }
}

fn words(report: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines = Vec::new();
    for line in report["report"].as_array().into_iter().flatten() {
        let (kind, name, outcome) =
            (text(&line["kind"]), text(&line["name"]), text(&line["outcome"]));
        let note = line["note"].as_str().map(|note| format!(": {note}")).unwrap_or_default();
        lines.push(format!("{outcome:8} {kind} {name}{note}"));
    }
    let of = |outcome: &str| report["summary"][outcome].to_string();
    lines.push(format!(
        "{} taken, {} renamed, {} skipped, {} kept; {} records of calls",
        of("taken"),
        of("renamed"),
        of("skipped"),
        of("kept"),
        report["usageRecords"]
    ));
    match report["safetyCopy"].as_str() {
        Some(copy) => lines.push(format!("the state before is kept in db_backups/{copy}")),
        None => lines.push("nothing was changed (--dry-run)".to_owned()),
    }
    lines.join("\n")
}
