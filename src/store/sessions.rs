//! Sessions of administrators, so that a restart logs nobody out.

use omniroute_core::hex;

use super::{Record, Store, StoreError, Table};
use crate::login::{Session, SessionHash};

/// By the hash of the id.
const SESSIONS: Table<String, Session> = Table::sealed("sealed/sessions");

impl Record for Session {}

impl Store {
    /// Returns all sessions. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn sessions(&self) -> Result<Vec<(SessionHash, Session)>, StoreError> {
        self.read(|tx| {
            let table = tx.table(&SESSIONS)?;
            let mut sessions = Vec::new();
            for row in table.range(..)? {
                let (key, session) = row?;
                sessions.extend(hex::decode(&key).map(|hash| (hash, session)));
            }
            Ok(sessions)
        })
    }

    /// Writes a session down.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub async fn keep_session(
        &self,
        hash: SessionHash,
        session: Session,
    ) -> Result<(), StoreError> {
        self.write(move |tx| tx.table(&SESSIONS)?.put(&hex::encode(&hash), &session)).await
    }

    /// Forgets sessions.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub async fn forget_sessions(&self, hashes: Vec<SessionHash>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut sessions = tx.table(&SESSIONS)?;
            hashes.iter().try_for_each(|hash| sessions.remove(&hex::encode(hash)).map(drop))
        })
        .await
    }
}
