//! The audit log: who changed what, each entry chained to the one before.
//!
//! The chain is an HMAC under a secret of this store, so that whoever can write the file but has no
//! master key cannot make another chain that fits; how long the chain is stands in a sealed table, so
//! that its end cannot be cut off unseen.

use hmac::{Hmac, KeyInit, Mac};
use omniroute_core::hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use super::{ReadTx, Record, Store, StoreError, Table, WriteTx};

/// By number, from 1.
const AUDIT: Table<u64, AuditEntry> = Table::open("audit");

/// The end of the chain, under [`END_KEY`].
const END: Table<String, End> = Table::sealed("sealed/audit_end");

const END_KEY: &str = "end";

/// The key's purpose.
const PURPOSE: &str = "audit chain";

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who: a key's name, a session, the command line.
    pub by: String,
    /// From which address, if over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was done, e.g. `account.create`.
    pub action: String,
    /// To what.
    pub object: String,
    /// How it was, without secrets.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// How it is, without secrets.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
    /// Chains it to the entry before: hexadecimal; given when it is written.
    #[serde(default)]
    pub chain: String,
}

impl Record for AuditEntry {}

#[derive(Clone, Default, Serialize, Deserialize)]
struct End {
    entries: u64,
    chain: String,
}

impl Record for End {}

/// What a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries that are there.
    pub entries: u64,
    /// The first fault; `None` if there is none.
    pub fault: Option<String>,
}

/// Appends an entry in the transaction of what it is about. `chain_key` comes from
/// [`Store::audit_key`].
///
/// # Errors
///
/// As for any table.
pub fn append(tx: &WriteTx<'_>, chain_key: &[u8; 32], entry: AuditEntry) -> Result<(), StoreError> {
    let (mut log, mut ends) = (tx.table(&AUDIT)?, tx.table(&END)?);
    let end = ends.get(&END_KEY.to_owned())?.unwrap_or_default();
    let number = end.entries + 1;
    let chain = chained(chain_key, &end.chain, number, &entry)?;
    log.put(&number, &AuditEntry { chain: chain.clone(), ..entry })?;
    ends.put(&END_KEY.to_owned(), &End { entries: number, chain })
}

impl Store {
    /// Returns the key of the chain. Blocks the first time.
    ///
    /// # Errors
    ///
    /// As [`Store::secret`].
    pub fn audit_key(&self) -> Result<std::sync::Arc<[u8; 32]>, StoreError> {
        self.secret(PURPOSE)
    }

    /// Returns a page of the log, newest first: entries with numbers under `before`, if that is given.
    ///
    /// # Errors
    ///
    /// As [`Store::view`].
    pub async fn audit(
        &self,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        self.view(move |tx| {
            let log = tx.table(&AUDIT)?;
            let rows = log.range(..before.unwrap_or(u64::MAX))?;
            rows.rev().take(most).collect()
        })
        .await
    }

    /// Checks the whole chain. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn verify_audit(&self) -> Result<Verified, StoreError> {
        let key = self.audit_key()?;
        self.read(|tx| verify(tx, &key))
    }
}

fn verify(tx: &ReadTx<'_>, key: &[u8; 32]) -> Result<Verified, StoreError> {
    let log = tx.table(&AUDIT)?;
    let end = tx.table(&END)?.get(&END_KEY.to_owned())?.unwrap_or_default();
    let (mut entries, mut chain) = (0, String::new());
    for row in log.range(..)? {
        let (number, entry) = row?;
        entries += 1;
        if number != entries {
            let fault = Some(format!("entry {entries} is missing"));
            return Ok(Verified { entries, fault });
        }
        let expected = chained(key, &chain, number, &entry)?;
        if entry.chain != expected {
            let fault = Some(format!("entry {number} is not what was written"));
            return Ok(Verified { entries, fault });
        }
        chain = expected;
    }
    let fault = (entries != end.entries || chain != end.chain)
        .then(|| format!("the log ends with entry {entries}, but {} were written", end.entries));
    Ok(Verified { entries, fault })
}

fn chained(
    key: &[u8; 32],
    previous: &str,
    number: u64,
    entry: &AuditEntry,
) -> Result<String, StoreError> {
    let bare = AuditEntry { chain: String::new(), ..entry.clone() };
    let row = |error: serde_json::Error| StoreError::Row {
        table: AUDIT.name(),
        detail: error.to_string(),
    };
    let json = serde_json::to_vec(&bare).map_err(row)?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .map_err(|error| StoreError::Row { table: AUDIT.name(), detail: error.to_string() })?;
    mac.update(&number.to_be_bytes());
    mac.update(previous.as_bytes());
    mac.update(&json);
    Ok(hex::encode(&mac.finalize().into_bytes()))
}
