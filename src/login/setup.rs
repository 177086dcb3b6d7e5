//! The token that sets the first password: made while there is none, printed once, of no use after.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use sha2::{Digest, Sha256};

/// The file that holds the token while it is of use.
const FILE: &str = "setup.token";

/// The token, or that there is none.
pub struct SetupToken {
    path: PathBuf,
    /// The token's hash; comparing hashes says nothing of the token.
    hash: Mutex<Option<[u8; 32]>>,
}

impl SetupToken {
    /// Makes a token if one is needed, and writes it to a file that only this user can read.
    pub(super) fn of(folder: &Path, is_needed: bool) -> Self {
        let path = folder.join(FILE);
        let none = Self { path: path.clone(), hash: Mutex::new(None) };
        if !is_needed {
            none.forget();
            return none;
        }
        let random: [u8; 18] = rand::rng().random();
        let token = URL_SAFE_NO_PAD.encode(random);
        if let Err(error) = write(&path, &token) {
            tracing::debug!(%error, "no setup token can be kept, so there is no login");
            return none;
        }
        tracing::info!(
            token_file = %path.display(),
            "no password is set for the administration; set one with the token of that file, or start with INITIAL_PASSWORD"
        );
        Self { path, hash: Mutex::new(Some(Sha256::digest(&token).into())) }
    }

    /// Tells whether this is the token.
    pub fn is(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        *self.hash.lock().unwrap_or_else(PoisonError::into_inner) == Some(given)
    }

    /// Makes the token useless: a password is set.
    pub fn forget(&self) {
        *self.hash.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _none_there = std::fs::remove_file(&self.path);
    }
}

fn write(path: &Path, token: &str) -> io::Result<()> {
    let _none_there = std::fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_of_use_until_a_password_is_set() {
        let home = tempfile::tempdir().unwrap();
        let setup = SetupToken::of(home.path(), true);
        let path = home.path().join(FILE);
        let token = std::fs::read_to_string(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(setup.is(token.trim()) && !setup.is("") && !setup.is("guess"));

        setup.forget();

        assert!(!setup.is(token.trim()) && !path.exists());
        assert!(!SetupToken::of(home.path(), false).is(token.trim()));
    }
}
