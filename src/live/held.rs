//! A file that takes the place of the one on the disk after a rollback, until that one is saved again.

use omniroute_core::snapshot::ConfigFile;
use sha2::{Digest, Sha256};

/// A file in the place of the operator's.
#[derive(Clone)]
pub struct HeldFile {
    /// SHA-256 of the text on the disk that it replaces; zeros if there was none.
    pub replaces: [u8; 32],
    /// The file that counts.
    pub file: ConfigFile,
}

impl HeldFile {
    /// Puts a file in the place of the one on the disk.
    pub fn instead_of(on_disk: Option<&ConfigFile>, file: ConfigFile) -> Self {
        Self { replaces: digest(on_disk), file }
    }

    /// Tells whether the one on the disk is still the one that was replaced.
    pub(super) fn counts(&self, on_disk: Option<&ConfigFile>) -> bool {
        self.replaces == digest(on_disk)
    }
}

fn digest(file: Option<&ConfigFile>) -> [u8; 32] {
    file.map_or([0; 32], |file| Sha256::digest(&file.text).into())
}
