//! Sessions of people who logged in: random ids, known here only by their hash.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::password::Fingerprint;

/// How long a session lives without a request.
const IDLE: Duration = Duration::from_secs(12 * 3600);

/// How long a session lives at most; what a browser is told too.
pub const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A use is written down when the last one that was is older.
const NOTED: Duration = Duration::from_secs(60);

/// Sessions at once; the one that was used longest ago makes room.
const MAX_SESSIONS: usize = 1000;

/// What a session is known by: the SHA-256 of the id in the cookie.
pub type SessionHash = [u8; 32];

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When it began.
    pub begun: SystemTime,
    /// When it was used last, to a minute.
    pub used: SystemTime,
    /// From where it was begun.
    pub address: Option<IpAddr>,
    /// What the browser called itself.
    pub agent: String,
    /// The password it was opened with.
    pub password: Fingerprint,
}

impl Session {
    fn is_over(&self, password: Option<Fingerprint>, now: SystemTime) -> bool {
        let older = |than: Duration, time: SystemTime| {
            now.duration_since(time).is_ok_and(|passed| passed >= than)
        };
        older(LIFE, self.begun) || older(IDLE, self.used) || password != Some(self.password)
    }
}

/// All sessions.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<SessionHash, Session>>);

/// What a session's use left to be written down.
#[derive(Debug, PartialEq, Eq)]
pub enum Used {
    /// Nothing.
    Known,
    /// That it was used.
    Noted(Session),
}

impl Sessions {
    /// Takes sessions of before a restart.
    pub fn of(kept: impl IntoIterator<Item = (SessionHash, Session)>) -> Self {
        Self(Mutex::new(kept.into_iter().collect()))
    }

    /// Begins a session. Returns its id, which only the browser keeps, and what is to be kept here.
    pub fn begin(&self, session: Session) -> (String, SessionHash) {
        let random: [u8; 32] = rand::rng().random();
        let id = URL_SAFE_NO_PAD.encode(random);
        let hash = hash(&id);
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.used);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                sessions.remove(&oldest);
            }
        }
        sessions.insert(hash, session);
        (id, hash)
    }

    /// Finds the session of a cookie, unless it is over, and takes note that it is used.
    pub fn find(
        &self,
        id: &str,
        password: Option<Fingerprint>,
        now: SystemTime,
    ) -> Option<(SessionHash, Used)> {
        let hash = hash(id);
        let mut sessions = self.lock();
        let session = sessions.get_mut(&hash)?;
        if session.is_over(password, now) {
            sessions.remove(&hash);
            return None;
        }
        if now.duration_since(session.used).is_ok_and(|passed| passed >= NOTED) {
            session.used = now;
            return Some((hash, Used::Noted(session.clone())));
        }
        Some((hash, Used::Known))
    }

    /// Ends a session; tells whether it was there.
    pub fn end(&self, hash: &SessionHash) -> bool {
        self.lock().remove(hash).is_some()
    }

    /// Lists the sessions that are not over, the one used last first.
    pub fn list(
        &self,
        password: Option<Fingerprint>,
        now: SystemTime,
    ) -> Vec<(SessionHash, Session)> {
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(password, now));
        let mut list: Vec<_> =
            sessions.iter().map(|(hash, session)| (*hash, session.clone())).collect();
        list.sort_by_key(|(_, session)| std::cmp::Reverse(session.used));
        list
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionHash, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &str) -> SessionHash {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: Fingerprint = [1; 8];
    const HOUR: Duration = Duration::from_secs(3600);

    fn session(at: SystemTime) -> Session {
        Session { begun: at, used: at, address: None, agent: String::new(), password: PASSWORD }
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_when_it_is_old_and_when_the_password_changes() {
        let (sessions, start) = (Sessions::default(), SystemTime::UNIX_EPOCH);
        let found = |id: &str, at| sessions.find(id, Some(PASSWORD), at).is_some();
        let (id, _) = sessions.begin(session(start));
        assert!(found(&id, start + HOUR));
        assert!(found(&id, start + HOUR * 12), "used in between");
        assert!(!found(&id, start + HOUR * 24));
        assert!(!found("guess", start));

        let (id, _) = sessions.begin(session(start));
        for hour in (6..7 * 24).step_by(6) {
            assert!(found(&id, start + HOUR * hour));
        }
        assert!(!found(&id, start + LIFE), "a week is the end");

        let (id, _) = sessions.begin(session(start));
        assert_eq!(sessions.find(&id, Some([2; 8]), start), None);
        assert!(!found(&id, start), "and it is gone");
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let (sessions, start) = (Sessions::default(), SystemTime::UNIX_EPOCH);
        let (id, hash) = sessions.begin(session(start));
        let used = |at| sessions.find(&id, Some(PASSWORD), at).unwrap();
        assert_eq!(used(start), (hash, Used::Known));
        let at = start + NOTED;
        assert_eq!(used(at), (hash, Used::Noted(Session { used: at, ..session(start) })));
        assert_eq!(used(at).1, Used::Known);
        assert!(sessions.end(&hash) && !sessions.end(&hash));
    }
}
