//! The way in for whoever sits at the machine: who may read the data directory has the master key anyway,
//! and may administrate without a password.
//!
//! A gateway that serves writes its address and a random token to a file of its data directory, and takes
//! the file away when it ends. The command line sends the token back, over loopback only.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omniroute_core::secret::Secret;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data_dir;

/// The file in the data directory.
const FILE: &str = "console.json";

/// What tokens begin with.
const START: &str = "omni-console-";

/// The way in of one process.
pub struct Console {
    path: PathBuf,
    token: Secret,
    /// The token's hash; comparing hashes says nothing of the token.
    hash: [u8; 32],
}

/// A way in that another process left.
#[derive(Serialize, Deserialize)]
pub struct Entrance {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it takes as a client key.
    pub token: String,
    /// SHA-256 of the certificate it serves with, hexadecimal; `None`: it speaks no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl Console {
    /// Makes a way in that nobody knows of yet.
    pub fn of(folder: &Path) -> Self {
        let random: [u8; 24] = rand::rng().random();
        let token = format!("{START}{}", URL_SAFE_NO_PAD.encode(random));
        let hash = Sha256::digest(&token).into();
        Self { path: folder.join(FILE), token: Secret::new(token), hash }
    }

    /// Returns what opens it.
    pub const fn token(&self) -> &Secret {
        &self.token
    }

    /// Tells whether this is what opens it.
    pub fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        given == self.hash
    }

    /// Tells whoever may read the data directory of it, and of the certificate to expect there.
    ///
    /// # Errors
    ///
    /// The system's, if the file cannot be written.
    pub fn open(&self, address: SocketAddr, certificate: Option<String>) -> io::Result<()> {
        let entrance = Entrance { address, token: self.token.expose().to_owned(), certificate };
        data_dir::replace(&self.path, &serde_json::to_vec(&entrance)?)
    }

    /// Tells of another certificate, unless another process has written its own file by now.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn renew(&self, certificate: Option<String>) -> io::Result<()> {
        match read(&self.path).filter(|found| self.is(found.token.as_bytes())) {
            Some(found) => self.open(found.address, certificate),
            None => Ok(()),
        }
    }

    /// Takes the file away, unless another process has written its own by now.
    pub fn close(&self) {
        let is_own = read(&self.path).is_some_and(|found| self.is(found.token.as_bytes()));
        if is_own {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

impl Entrance {
    /// Finds the way in to the gateway that serves from this data directory. It may have ended without
    /// taking it away.
    pub fn find(folder: &Path) -> Option<Self> {
        read(&folder.join(FILE))
    }
}

fn read(path: &Path) -> Option<Entrance> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_opens_the_console_of_the_process_that_wrote_it_last() {
        let home = tempfile::tempdir().unwrap();
        let (old, new) = (Console::of(home.path()), Console::of(home.path()));
        let address = "127.0.0.1:20128".parse().unwrap();
        assert!(Entrance::find(home.path()).is_none());
        old.open(address, None).unwrap();
        new.open(address, None).unwrap();
        old.renew(Some("ab".to_owned())).unwrap();

        old.close();

        let found = Entrance::find(home.path()).unwrap();
        assert_eq!((found.address, found.certificate), (address, None));
        assert!(new.is(found.token.as_bytes()) && !old.is(found.token.as_bytes()));
        let mode = fs::metadata(home.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        new.renew(Some("cd".to_owned())).unwrap();
        let renewed = Entrance::find(home.path()).unwrap();
        assert_eq!((renewed.address, renewed.certificate), (address, Some("cd".to_owned())));
        new.close();
        assert!(Entrance::find(home.path()).is_none());
    }
}
