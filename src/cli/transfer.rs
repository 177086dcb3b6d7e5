//! `omniroute export` and `omniroute import`: the data directory of a gateway that is not running.

use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::reach::Which;
use super::{EXIT_GIVEN, EXIT_SYSTEM, complain, say};
use crate::admin;
use crate::app::{App, StartError};
use crate::backup::{self, BackupError, Contents, Keys, MAX_FILE_BYTES};
use crate::live::Source;
use crate::store::{MasterKey, Store, StoreError};

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

/// Why a command did not do it: its words, and whose fault it is.
struct Failed {
    words: String,
    code: u8,
}

impl Failed {
    fn given(words: impl Into<String>) -> Self {
        Self { words: words.into(), code: EXIT_GIVEN }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let running = match &error {
            StoreError::InUse { .. } => {
                "\nwhile it runs, ask it: /api/db-backups has export and import"
            }
            _ => "",
        };
        Self { words: format!("{error}{running}"), code: EXIT_SYSTEM }
    }
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Config(_) => EXIT_GIVEN,
            StartError::Refused(_) => EXIT_SYSTEM,
        };
        Self { words: error.to_string(), code }
    }
}

impl From<BackupError> for Failed {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::Disk(error) => Self { words: error.to_string(), code: EXIT_SYSTEM },
            given => Self::given(given.to_string()),
        }
    }
}

/// Does what `omniroute export` says.
pub(super) fn export(args: ExportArgs) -> ExitCode {
    ended(exported(args))
}

/// Does what `omniroute import` says.
pub(super) fn import(args: ImportArgs) -> ExitCode {
    ended(imported(args))
}

fn ended(done: Result<String, Failed>) -> ExitCode {
    match done {
        Ok(words) => {
            say(&words);
            ExitCode::SUCCESS
        }
        Err(Failed { words, code }) => {
            complain(&format!("omniroute: {words}"));
            ExitCode::from(code)
        }
    }
}

fn exported(args: ExportArgs) -> Result<String, Failed> {
    let to = args.file.or(args.out).unwrap_or_default();
    let name = to.to_string_lossy();
    let is_archive = name.ends_with(".tar.gz") || name.ends_with(".tgz");
    if args.passphrase_file.is_some() && !is_archive {
        let what = "a passphrase seals archives; name the file `….tar.gz`, or leave the passphrase out (a database \
                    is sealed with the master key)";
        return Err(Failed::given(what));
    }
    let passphrase = args.passphrase_file.as_deref().map(secret).transpose()?;
    let source = args.which.source();
    let at = source.clock.wall();
    if is_archive {
        let (app, store) = opened(source)?;
        let live = &app.shared().live;
        let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_str());
        let contents = Contents { basis: &live.basis(), store: &store, passphrase, at };
        let data_dir = live.load().server.data_dir.clone();
        let made = keep(&to, |draft| {
            let mut archive = backup::to_archive(&contents, Some(&data_dir))?;
            archive.seek(SeekFrom::Start(0))?;
            io::copy(&mut archive, &mut draft.as_file())?;
            Ok(())
        });
        store.close();
        return made.map(|()| format!("{} is made", to.display()));
    }
    let folder = source.server_settings().map_err(StartError::from)?.data_dir;
    if !Store::is_in(&folder) {
        return Err(Failed::given(format!("there is no database in {}", folder.display())));
    }
    let master = MasterKey::find(&folder, &|name| source.variable(name))?;
    let store = Store::open(&folder, &master)?;
    let made = keep(&to, |draft| {
        store.copy(draft.as_file().try_clone()?, "export", at)?;
        Ok(())
    });
    store.close();
    made.map(|()| format!("{} is made; it opens with the master key only", to.display()))
}

/// Makes a file, mode 0600, that is whole when it is there. One that is there stays.
fn keep(
    to: &Path,
    write: impl FnOnce(&NamedTempFile) -> Result<(), BackupError>,
) -> Result<(), Failed> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let cannot = |error: io::Error| Failed {
        words: format!("{} cannot be made: {error}", to.display()),
        code: EXIT_SYSTEM,
    };
    let draft = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(cannot)?;
    write(&draft)?;
    draft.as_file().sync_all().map_err(cannot)?;
    draft.persist_noclobber(to).map(drop).map_err(|error| cannot(error.error))
}

fn imported(args: ImportArgs) -> Result<String, Failed> {
    let unreadable = |error: io::Error| {
        Failed::given(format!("{} cannot be read: {error}", args.file.display()))
    };
    if fs::metadata(&args.file).map_err(unreadable)?.len() > MAX_FILE_BYTES as u64 {
        return Err(BackupError::TooLarge.into());
    }
    let bytes = fs::read(&args.file).map_err(unreadable)?;
    let keys = Keys {
        master: args.master_key_file.as_deref().map(master_key).transpose()?,
        storage: args.storage_key_file.as_deref().map(secret).transpose()?,
        passphrase: args.passphrase_file.as_deref().map(secret).transpose()?,
        allow_private: args.allow_private,
    };
    let (app, store) = opened(args.which.source())?;
    let report = admin::import_file(app.administration(), &bytes, &keys, args.dry_run);
    store.close();
    report.map(|report| words(&report)).map_err(Failed::given)
}

/// Builds a gateway that does not listen.
fn opened(source: Source) -> Result<(App, Store), Failed> {
    let app = App::build(source, None)?;
    let store = app.store().cloned();
    let store = store.ok_or_else(|| Failed {
        words: "the data directory cannot be used".to_owned(),
        code: EXIT_SYSTEM,
    })?;
    Ok((app, store))
}

fn secret(path: &Path) -> Result<Zeroizing<String>, Failed> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text =
        text.map_err(|e| Failed::given(format!("{} cannot be read: {e}", path.display())))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// Reads a master key as the program itself keeps it: 32 bytes, or digits.
fn master_key(path: &Path) -> Result<Zeroizing<String>, Failed> {
    let bytes = fs::read(path).map(Zeroizing::new);
    let bytes =
        bytes.map_err(|e| Failed::given(format!("{} cannot be read: {e}", path.display())))?;
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
