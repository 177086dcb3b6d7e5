//! The administrator's password: its Argon2id hash in a file of its own, so that it
//! can be replaced while the gateway runs.

use std::path::{Path, PathBuf};
use std::{fs, io};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::data_dir;

/// The file in the data directory.
const FILE: &str = "password.hash";

/// Memory of one hash in KiB, passes and lanes (design/reliability.md, section 6).
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);

/// Hashes computed at once: each takes 64 MiB.
const AT_ONCE: usize = 2;

/// Shortest password in characters.
const MIN_CHARS: usize = 8;

/// Longest password in bytes; more is no password but a file.
const MAX_BYTES: usize = 1024;

/// Passwords that everybody tries first, or that manuals print.
const WELL_KNOWN: [&str; 10] = [
    "12345678",
    "123456789",
    "1234567890",
    "changeme",
    "change-me",
    "password",
    "password1",
    "passw0rd",
    "omniroute",
    "adminadmin",
];

/// The password of a data directory.
pub struct Password {
    path: PathBuf,
    hashing: Semaphore,
}

/// Why a password was not set.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// It is too easy to guess.
    #[error("{0}")]
    Weak(String),
    /// The file cannot be written.
    #[error("the password cannot be kept in {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The hash cannot be made.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// Which password is in force, without saying which: sessions end when it changes.
pub type Fingerprint = [u8; 8];

impl Password {
    /// Takes the password of a data directory.
    pub fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(FILE), hashing: Semaphore::new(AT_ONCE) }
    }

    /// Tells which password is in force; `None` if none is set.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        let hash = Sha256::digest(fs::read(&self.path).ok()?);
        hash.first_chunk().copied()
    }

    /// Tells whether this is the password. Takes about a tenth of a second of a thread that may block.
    pub async fn is(&self, given: String) -> bool {
        let Ok(_turn) = self.hashing.acquire().await else { return false };
        let Ok(kept) = fs::read_to_string(&self.path) else { return false };
        let verified = tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::new(kept.trim()).ok()?;
            Argon2::default().verify_password(given.as_bytes(), &hash).ok()
        });
        verified.await.ok().flatten().is_some()
    }

    /// Sets the password. Blocks for about a tenth of a second.
    ///
    /// # Errors
    ///
    /// That it is too easy to guess, or cannot be kept.
    pub fn set(&self, password: &str) -> Result<(), PasswordError> {
        refuse_weak(password)?;
        let (memory, passes, lanes) = COST;
        let failed = |error: String| PasswordError::Hash(error);
        let params =
            Params::new(memory, passes, lanes, None).map_err(|error| failed(error.to_string()))?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(password.as_bytes())
            .map_err(|error| failed(error.to_string()))?;
        data_dir::replace(&self.path, hash.to_string().as_bytes())
            .map_err(|error| PasswordError::File { path: self.path.clone(), error })
    }
}

fn refuse_weak(password: &str) -> Result<(), PasswordError> {
    let chars = password.chars().count();
    let what = if chars < MIN_CHARS {
        format!("the password has {chars} characters; it needs {MIN_CHARS} at least")
    } else if password.len() > MAX_BYTES {
        format!("the password is longer than {MAX_BYTES} bytes")
    } else if WELL_KNOWN.contains(&password.to_lowercase().as_str()) {
        "the password is one that everybody tries first; take another".to_owned()
    } else if password.chars().all(|c| password.starts_with(c)) {
        "the password is one character over and over; take another".to_owned()
    } else {
        return Ok(());
    };
    Err(PasswordError::Weak(what))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn the_password_that_was_set_is_the_one_and_only_its_hash_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let password = Password::in_folder(&home.path().join("data"));
        assert!(!password.is("correct horse".to_owned()).await, "none is set");
        assert_eq!(password.fingerprint(), None);

        password.set("correct horse").unwrap();
        let first = password.fingerprint().unwrap();

        assert!(password.is("correct horse".to_owned()).await);
        assert!(!password.is("correct hors".to_owned()).await);
        let kept = fs::read_to_string(&password.path).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{kept}");
        let mode = fs::metadata(&password.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        password.set("another horse").unwrap();
        assert_ne!(password.fingerprint(), Some(first), "sessions of the old one end");
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let password = Password::in_folder(home.path());
        for weak in ["123456", "12345678", "CHANGEME", "Password", "aaaaaaaaaa", ""] {
            assert!(matches!(password.set(weak), Err(PasswordError::Weak(_))), "{weak}");
        }
        assert_eq!(password.fingerprint(), None);
    }
}
