//! The master key: 32 random bytes under which everything secret in the store is sealed.
//!
//! The first source that is there counts: the systemd credential `master.key`, the file that
//! `OMNIROUTE_MASTER_KEY_FILE` names, the variable `OMNIROUTE_MASTER_KEY`, the file `master.key` in the
//! data directory. If none is there, that last one is made, once.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD,
};
use hkdf::Hkdf;
use rand::RngExt;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{FILE, StoreError};
use crate::data_dir;

/// Bytes of the key.
pub const KEY_BYTES: usize = 32;

/// The file of a key that the program made.
pub(super) const KEY_FILE: &str = "master.key";

/// The key that comes after a rotation, until it has taken its place.
pub(super) const NEXT_KEY_FILE: &str = "master.key.next";

/// Longest file that is read as a key.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// The variables that name a key.
const VARIABLE: &str = "OMNIROUTE_MASTER_KEY";
const FILE_VARIABLE: &str = "OMNIROUTE_MASTER_KEY_FILE";
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The master key and where it came from. Not printable; wiped when dropped.
#[derive(Clone)]
pub struct MasterKey {
    key: Bytes,
    origin: Origin,
}

type Bytes = Zeroizing<[u8; KEY_BYTES]>;

/// Where a master key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file that the operator gave, or systemd.
    Given(PathBuf),
    /// The environment.
    Environment,
    /// The file in the data directory that the program made.
    Kept(PathBuf),
    /// Nowhere: it ends with the process.
    Passing,
}

impl MasterKey {
    /// Finds the key, or makes it. `variable` reads the environment.
    ///
    /// # Errors
    ///
    /// [`StoreError::MasterKey`] if the first source that is there holds no key, or others may read it;
    /// [`StoreError::Folder`] if a key has to be made and cannot be kept.
    pub fn find(
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, StoreError> {
        let given = |name| variable(name).filter(|value| !value.trim().is_empty());
        let credential = given(CREDENTIALS).map(|folder| Path::new(&folder).join(KEY_FILE));
        if let Some(path) = credential.filter(|path| path.exists()) {
            return Self::of_file(&path).map(|key| key.from(Origin::Given(path)));
        }
        if let Some(path) = given(FILE_VARIABLE).map(PathBuf::from) {
            return Self::of_file(&path).map(|key| key.from(Origin::Given(path)));
        }
        if let Some(text) = given(VARIABLE).map(Zeroizing::new) {
            tracing::warn!(
                "the master key stands in the environment, where other programs of this user and root can read it; \
                 a file named by {FILE_VARIABLE} is safer"
            );
            let key = parsed(text.as_bytes()).ok_or_else(|| no_key(VARIABLE))?;
            return Ok(Self { key, origin: Origin::Environment });
        }
        Self::kept(folder)
    }

    /// Reads a key from a file.
    ///
    /// # Errors
    ///
    /// [`StoreError::MasterKey`] if it cannot be read, holds no key, or others may read it.
    pub fn of_file(path: &Path) -> Result<Self, StoreError> {
        let key = read(path)?;
        Ok(Self { key, origin: Origin::Given(path.to_owned()) })
    }

    /// Reads a key that somebody sent: 64 hexadecimal digits, or 32 bytes in base64.
    ///
    /// # Errors
    ///
    /// [`StoreError::MasterKey`] if it is none.
    pub fn parsed(text: &str) -> Result<Self, StoreError> {
        let key = parsed(text.as_bytes()).ok_or_else(|| no_key("the given key"))?;
        Ok(Self { key, origin: Origin::Passing })
    }

    /// Makes a key that lives as long as the process.
    pub fn passing() -> Self {
        Self { key: Zeroizing::new(rand::rng().random()), origin: Origin::Passing }
    }

    /// Makes the key of given bytes.
    pub fn of_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self { key: Zeroizing::new(bytes), origin: Origin::Passing }
    }

    /// Returns where the key came from.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Derives a key for one purpose (HKDF-SHA256). Keys of different purposes say nothing of each other.
    pub(super) fn derive(&self, purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        let expanded =
            Hkdf::<Sha256>::new(None, &*self.key).expand(purpose.as_bytes(), &mut *derived);
        debug_assert!(expanded.is_ok(), "32 bytes are fewer than HKDF's limit of 8,160");
        derived
    }

    /// Writes the key that is to come after a rotation beside the one that is kept.
    pub(super) fn keep_next(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(NEXT_KEY_FILE);
        let folder_fails = |error| StoreError::Folder { folder: folder.to_owned(), error };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(folder_fails(error));
            }
            _ => {}
        }
        let key = data_dir::secret(folder, NEXT_KEY_FILE).map_err(folder_fails)?;
        Ok(Self { key: Zeroizing::new(key), origin: Origin::Kept(path) })
    }

    /// Reads the key that was to come after a rotation, if one is there.
    pub(super) fn next_of(folder: &Path) -> Option<Self> {
        let path = folder.join(NEXT_KEY_FILE);
        let key = path.exists().then(|| read(&path))?.ok()?;
        Some(Self { key, origin: Origin::Kept(path) })
    }

    fn kept(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(KEY_FILE);
        if path.exists() {
            let key = read(&path)?;
            return Ok(Self { key, origin: Origin::Kept(path) });
        }
        if folder.join(FILE).exists() {
            return Err(StoreError::MasterKey(format!(
                "the master key {} is missing, and the database beside it cannot be read without; put the file \
                 back, or give the key with {FILE_VARIABLE}",
                path.display()
            )));
        }
        let key = data_dir::secret(folder, KEY_FILE)
            .map_err(|error| StoreError::Folder { folder: folder.to_owned(), error })?;
        Ok(Self { key: Zeroizing::new(key), origin: Origin::Kept(path) })
    }

    fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(path) | Self::Kept(path) => path.display().fmt(f),
            Self::Environment => f.write_str(VARIABLE),
            Self::Passing => f.write_str("of this process"),
        }
    }
}

fn read(path: &Path) -> Result<Bytes, StoreError> {
    let cannot = |error: io::Error| {
        StoreError::MasterKey(format!("the master key {} cannot be read: {error}", path.display()))
    };
    let file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(StoreError::MasterKey(format!(
            "the master key {path} may be read by others (mode {:o}); run `chmod 600 {path}`",
            mode & 0o777,
            path = path.display(),
        )));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(MAX_KEY_FILE_BYTES).read_to_end(&mut text).map_err(cannot)?;
    parsed(&text).ok_or_else(|| no_key(&path.display().to_string()))
}

fn no_key(place: &str) -> StoreError {
    StoreError::MasterKey(format!(
        "{place} holds no master key; it must be 32 random bytes as they are, in hex or in base64, \
         for example of `openssl rand -hex 32`"
    ))
}

/// Reads a key: 32 bytes, or their hex or base64 with white space round it.
fn parsed(text: &[u8]) -> Option<Bytes> {
    if let Ok(bytes) = text.try_into() {
        return Some(Zeroizing::new(bytes));
    }
    let text = std::str::from_utf8(text).ok()?.trim();
    let decoded = if text.len() == 2 * KEY_BYTES {
        hex(text)
    } else {
        let forms =
            [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD];
        forms.iter().find_map(|form| form.decode(text).ok())
    };
    let decoded = Zeroizing::new(decoded?);
    decoded.as_slice().try_into().ok().map(Zeroizing::new)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    text.as_bytes().chunks_exact(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    fn with(name: &'static str, value: &Path) -> impl Fn(&str) -> Option<String> {
        let value = value.display().to_string();
        move |asked| (asked == name).then(|| value.clone())
    }

    fn private(path: &Path, content: &[u8]) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_key_is_made_once_and_only_the_owner_may_read_it() {
        let home = tempfile::tempdir().unwrap();

        let (first, second) = (
            MasterKey::find(home.path(), &none).unwrap(),
            MasterKey::find(home.path(), &none).unwrap(),
        );

        assert_eq!(first.key, second.key);
        let mode = fs::metadata(home.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(second.origin(), Origin::Kept(_)));
    }

    #[test]
    fn sources_go_in_order_and_every_form_of_a_key_is_read() {
        let home = tempfile::tempdir().unwrap();
        let credentials = tempfile::tempdir().unwrap();
        let bytes = [0xabu8; KEY_BYTES];
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let forms = [
            bytes.to_vec(),
            format!("{hex}\n").into_bytes(),
            BASE64_STANDARD.encode(bytes).into_bytes(),
            BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        ];
        for form in forms {
            private(&credentials.path().join(KEY_FILE), &form);
            let key = MasterKey::find(home.path(), &with(CREDENTIALS, credentials.path())).unwrap();
            assert_eq!(*key.key, bytes);
        }

        let from_variable = MasterKey::find(home.path(), &with(VARIABLE, Path::new(&hex))).unwrap();
        assert_eq!((*from_variable.key, from_variable.origin()), (bytes, &Origin::Environment));
        let file = credentials.path().join("other");
        private(&file, &[1; KEY_BYTES]);
        let both = |name: &str| match name {
            FILE_VARIABLE => Some(file.display().to_string()),
            VARIABLE => Some(hex.clone()),
            _ => None,
        };
        assert_eq!(MasterKey::find(home.path(), &both).unwrap().key.as_slice(), [1; KEY_BYTES]);
        assert!(!home.path().join(KEY_FILE).exists(), "a given key is not written down");
    }

    #[test]
    fn keys_that_others_may_read_and_what_is_no_key_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("open");
        private(&file, &[1; KEY_BYTES]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let refusal =
            |path: &Path| MasterKey::find(home.path(), &with(FILE_VARIABLE, path)).unwrap_err();

        let open = refusal(&file).to_string();
        assert!(open.contains("mode 640") && open.contains("chmod 600"), "{open}");
        private(&file, b"secret-but-too-short");
        let short = refusal(&file).to_string();
        assert!(short.contains("openssl rand -hex 32") && !short.contains("secret-but"), "{short}");
        assert!(refusal(&home.path().join("none")).to_string().contains("cannot be read"));
    }

    #[test]
    fn purposes_have_keys_of_their_own_and_nothing_is_printed() {
        let key = MasterKey::of_bytes([5; KEY_BYTES]);

        assert_ne!(*key.derive("a"), *key.derive("b"));
        assert_eq!(*key.derive("a"), *key.derive("a"));
        assert!(!format!("{key:?}").contains('5'), "{key:?}");
    }
}
