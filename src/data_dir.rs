//! Files of the data directory that only this user may read: secrets that are made once, and what is
//! replaced as a whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::RngExt;

/// The file of the key that envelopes are made with.
const ENVELOPE_KEY: &str = "envelope.key";

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Returns the key that envelopes round vendors' opaque data are made with.
///
/// It is made at the first start and kept with mode 0600, so that conversations go on after a restart.
/// Where nothing can be kept the key lives as long as the process, and a warning says so.
pub fn envelope_key(folder: &Path) -> Arc<[u8]> {
    match secret(folder, ENVELOPE_KEY) {
        Ok(key) => key.into(),
        Err(error) => {
            tracing::warn!(
                %error,
                folder = %folder.display(),
                "the data directory keeps nothing; reasoning that clients carry for other vendors is \
                 forgotten at a restart"
            );
            let key: [u8; KEY_BYTES] = rand::rng().random();
            key.into()
        }
    }
}

/// Tells whether the data directory has a file of its own for the key of envelopes. New ones have not: the
/// store keeps the key.
pub fn has_envelope_key(folder: &Path) -> bool {
    folder.join(ENVELOPE_KEY).exists()
}

/// Returns 32 random bytes that are kept under this name, and makes folder and file if they are not there.
///
/// # Errors
///
/// The system's, if they can be neither read nor kept.
pub fn secret(folder: &Path, name: &str) -> io::Result<[u8; KEY_BYTES]> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(name);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
        found => found,
    }
}

fn read(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    fs::File::open(path)?.read_exact(&mut key)?;
    Ok(key)
}

/// Puts a file in place that only this user may read, and makes its folder if it is not there. It is
/// written under a name of its own first, so that nobody ever reads half of it.
///
/// # Errors
///
/// The system's; what was there before stays then.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let draft = draft(path);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

/// Where this process writes a file before it is put in place.
fn draft(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.new", std::process::id()))
}

/// Makes the key under a name of its own first, so that nobody ever reads half of one.
fn make(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let key: [u8; KEY_BYTES] = rand::rng().random();
    let draft = draft(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&key)?;
    file.sync_all()?;
    // Another process may have been faster; its key counts.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    // Without this a power cut could take the key and leave what was sealed with it.
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        other => other.map(|()| key),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_the_owner_may_read_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");

        let (first, second) = (envelope_key(&folder), envelope_key(&folder));

        assert_eq!(first, second);
        assert_ne!(*first, [0; KEY_BYTES]);
        let mode = fs::metadata(folder.join(ENVELOPE_KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn without_a_folder_every_key_is_another() {
        let file = tempfile::NamedTempFile::new().unwrap();

        assert_ne!(envelope_key(file.path()), envelope_key(file.path()));
    }
}
