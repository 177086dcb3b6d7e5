//! What the process keeps over restarts.
//!
//! A data directory that cannot be used ends the start, and so does a database that cannot be opened: to serve without
//! would be to forget what was configured, and with each restart what has been spent of a budget.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use omniroute_core::usage::{NoRecorder, Recorder};

use crate::data_dir;
use crate::live::{Archive, Remembered};
use crate::login::{Session, SessionHash};
use crate::store::{self, MasterKey, Store, StoreError, usage};

/// The purpose of the key that envelopes are made with.
const ENVELOPE: &str = "gw/envelope/v1";

/// The purpose of the secret under which client keys are hashed.
pub const CLIENT_KEYS: &str = "gw/apikey/v1";

/// The variable that says how many days rows of usage are kept, and what it may say.
const RETENTION: &str = "LOG_RETENTION_DAYS";
const RETENTION_DAYS: RangeInclusive<u32> = 1..=3650;

/// Where things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// In the data directory.
    InDataDir,
    /// In memory, until the process ends (demo, tests).
    InMemory,
}

/// Opens the store.
///
/// # Errors
///
/// Why the folder cannot be used, or the database cannot be opened.
pub fn store(
    keeps: Keeps,
    folder: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Store, StoreError> {
    if keeps == Keeps::InMemory {
        return Store::in_memory();
    }
    Store::open(folder, &MasterKey::find(folder, variable)?)
}

/// What was kept of before.
#[derive(Default)]
pub struct Kept {
    /// The dashboard's objects, and the generations of the configuration.
    pub remembered: Remembered,
    /// Who is logged in.
    pub sessions: Vec<(SessionHash, Session)>,
    /// The secret under which client keys are hashed.
    pub pepper: Option<Arc<[u8; 32]>>,
}

/// Reads what was kept.
///
/// # Errors
///
/// Why it cannot be read.
pub fn kept(store: Option<&Store>) -> Result<Kept, StoreError> {
    let Some(store) = store else { return Ok(Kept::default()) };
    Ok(Kept {
        remembered: store.remembered()?,
        sessions: store.sessions()?,
        pepper: Some(store.secret(CLIENT_KEYS)?),
    })
}

/// Reads what was kept without opening it for good and without changing anything, for commands that only look.
///
/// # Errors
///
/// Why it cannot be read; [`StoreError::InUse`] if a gateway has it.
pub fn seen(folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Kept, StoreError> {
    let is_there = folder.join(store::FILE).try_exists();
    if !is_there.map_err(|error| StoreError::Folder { folder: folder.to_owned(), error })? {
        return Ok(Kept::default());
    }
    let master = MasterKey::find(folder, variable)?;
    let (remembered, pepper) = Store::look_into(folder, &master, CLIENT_KEYS)?;
    Ok(Kept { remembered, sessions: Vec::new(), pepper: pepper.map(Arc::new) })
}

/// Returns where generations of the configuration are kept.
pub fn archive(store: Option<&Store>) -> Box<dyn Archive> {
    match store {
        Some(store) => Box::new(store.clone()),
        None => Box::new(()),
    }
}

/// Returns how many days rows of usage are kept: what `LOG_RETENTION_DAYS` says, else 90.
///
/// # Errors
///
/// What is wrong with the variable.
pub fn retention_days(variable: &dyn Fn(&str) -> Option<String>) -> Result<u32, String> {
    let Some(written) = variable(RETENTION).filter(|text| !text.trim().is_empty()) else {
        return Ok(usage::DEFAULT_DAYS);
    };
    let days = written.trim().parse().ok().filter(|days| RETENTION_DAYS.contains(days));
    days.ok_or_else(|| {
        let (least, most) = (RETENTION_DAYS.start(), RETENTION_DAYS.end());
        format!("{RETENTION}={written}: rows of usage are kept for {least} to {most} days; write `{RETENTION}=90`")
    })
}

/// Returns what takes the records of calls.
pub fn recorder(store: Option<&Store>) -> Arc<dyn Recorder> {
    match store {
        Some(store) => Arc::new(store.clone()),
        None => Arc::new(NoRecorder),
    }
}

/// Returns the key of envelopes: the file's that earlier versions kept, else the store's.
pub fn envelope_key(store: Option<&Store>, folder: &Path) -> Arc<[u8]> {
    let Some(store) = store.filter(|_| !data_dir::has_envelope_key(folder)) else {
        return data_dir::envelope_key(folder);
    };
    match store.secret(ENVELOPE) {
        Ok(key) => Arc::from(key.as_slice()),
        Err(error) => {
            tracing::warn!(%error, "the key of envelopes cannot be kept");
            data_dir::envelope_key(folder)
        }
    }
}
