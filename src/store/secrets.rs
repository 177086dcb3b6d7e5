//! Secrets that are made once and live as long as the data: keys for one purpose each.
//!
//! They are sealed in the store rather than derived from the master key, because what was made with
//! them (hashes of client keys, envelopes in clients' conversations) must outlive its rotation.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::RngExt;
use zeroize::Zeroizing;

use super::{ReadTx, Store, StoreError, Table, WriteTx};

/// By purpose; base64.
const SECRETS: Table<String, SecretText> = Table::sealed("sealed/secrets");

#[derive(serde::Serialize, serde::Deserialize)]
struct SecretText(String);

impl super::Record for SecretText {}

impl Store {
    /// Returns the 32 random bytes of a purpose, and makes them the first time. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn secret(&self, purpose: &'static str) -> Result<Arc<[u8; 32]>, StoreError> {
        let key = purpose.to_owned();
        // A commit costs a wait for the disk, and almost always the secret is there.
        let kept = self.read(|tx| tx.table(&SECRETS)?.get(&key))?;
        let text = match kept {
            Some(kept) => Zeroizing::new(kept.0),
            None => self.write_blocking(move |tx| made(tx, &key))?,
        };
        bytes(&text).map(Arc::new)
    }
}

/// Returns the secret of a purpose, if it was made.
pub(super) fn known(tx: &ReadTx<'_>, purpose: &str) -> Result<Option<[u8; 32]>, StoreError> {
    let kept = tx.table(&SECRETS)?.get(&purpose.to_owned())?;
    kept.map(|kept| bytes(&Zeroizing::new(kept.0))).transpose()
}

fn bytes(text: &str) -> Result<[u8; 32], StoreError> {
    let bytes = BASE64_STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or(StoreError::Row { table: SECRETS.name(), detail: "it is not 32 bytes".to_owned() })
}

/// Makes a secret, unless somebody was faster.
fn made(tx: &WriteTx<'_>, key: &String) -> Result<Zeroizing<String>, StoreError> {
    let mut secrets = tx.table(&SECRETS)?;
    if let Some(kept) = secrets.get(key)? {
        return Ok(Zeroizing::new(kept.0));
    }
    let made = Zeroizing::new(rand::rng().random::<[u8; 32]>());
    let text = Zeroizing::new(BASE64_STANDARD.encode(*made));
    secrets.put(key, &SecretText(text.to_string()))?;
    Ok(text)
}
