//! Opens a file of SQLite that nobody vouches for.

use std::io::Write;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::NamedTempFile;

use crate::backup::BackupError;

/// Tables without which it is no database of the product.
const REQUIRED: [&str; 4] = ["provider_connections", "provider_nodes", "combos", "api_keys"];

/// Longest text of a field, in bytes.
const MAX_FIELD_BYTES: i32 = 4 * 1024 * 1024;

/// Longest statement of the schema, in bytes.
const MAX_SQL_BYTES: i32 = 256 * 1024;

/// Instructions of SQLite's machine between two looks, and how many looks: some seconds.
const STEPS: i32 = 10_000;
const MOST_LOOKS: u32 = 50_000;

/// Opens a database and checks that it is whole and the product's.
///
/// # Errors
///
/// Why it cannot be imported.
pub fn open(bytes: &[u8], data_dir: Option<&Path>) -> Result<Connection, BackupError> {
    // Mode 0600, and without a name as soon as SQLite has it open.
    let mut file = match data_dir {
        Some(folder) => NamedTempFile::new_in(folder)?,
        None => NamedTempFile::new()?,
    };
    file.write_all(bytes)?;
    let path = file.path().to_string_lossy().into_owned();
    let path = utf8_percent_encode(&path, NON_ALPHANUMERIC);
    // Immutable: no journal of the file is looked for, and none is made.
    let uri = format!("file:{path}?immutable=1&mode=ro");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let mut database = Connection::open_with_flags(uri, flags).map_err(broken)?;
    distrust(&mut database).map_err(broken)?;
    // The first look opens the file.
    let tables = tables(&database).map_err(broken)?;
    drop(file);
    for required in REQUIRED {
        if !tables.iter().any(|table| table == required) {
            return Err(BackupError::File(format!(
                "the file is a database of SQLite, but not of OmniRoute: it has no table `{required}`"
            )));
        }
    }
    check(&database)?;
    Ok(database)
}

fn distrust(database: &mut Connection) -> rusqlite::Result<()> {
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_FIELD_BYTES)?;
    database.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES)?;
    database.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    for (what, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        database.set_db_config(what, is_on)?;
    }
    database.pragma_update(None, "cell_size_check", true)?;
    let mut looks = 0;
    database.progress_handler(
        STEPS,
        Some(move || {
            looks += 1;
            looks > MOST_LOOKS
        }),
    )
}

/// Returns the names of plain tables; views and tables of modules are none.
fn tables(database: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0";
    let mut statement = database.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

fn check(database: &Connection) -> Result<(), BackupError> {
    let found: String =
        database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(broken)?;
    if found == "ok" {
        return Ok(());
    }
    let found: String = found.chars().take(200).collect();
    Err(BackupError::File(format!("the database is damaged: {found}")))
}

/// Says what SQLite found.
pub fn broken(error: rusqlite::Error) -> BackupError {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            "reading it takes more work than any export needs".to_owned()
        }
        Some(ErrorCode::TooBig) => format!("a field is larger than {MAX_FIELD_BYTES} bytes"),
        _ => error.to_string(),
    };
    BackupError::File(format!("the database of SQLite cannot be read: {what}"))
}
