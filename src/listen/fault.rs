//! Why a certificate cannot be used.

use std::io;
use std::path::Path;

use thiserror::Error;

/// Why a certificate cannot be used: which file, what is wrong with it, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlsFault {
    /// What was given is no certificate, no key, or not its key.
    #[error("{0}")]
    Given(String),
    /// The system does not let this user have a file.
    #[error("{0}")]
    System(String),
}

impl TlsFault {
    /// Says that a file of `server.tls` could not be read.
    #[cfg_attr(not(feature = "openssl"), expect(dead_code, reason = "nothing is read then"))]
    pub(super) fn unreadable(setting: &str, path: &Path, error: &io::Error) -> Self {
        let file = path.display();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Given(format!(
                "server.tls.{setting}: {file} does not exist; correct the path"
            )),
            io::ErrorKind::PermissionDenied => Self::System(format!(
                "server.tls.{setting}: {file} may not be read by this user; change its owner or mode"
            )),
            _ => Self::System(format!("server.tls.{setting}: {file} cannot be read: {error}")),
        }
    }
}
