//! Credentials in an archive: sealed with XChaCha20-Poly1305 under a key that Argon2id makes of a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngExt;
use zeroize::Zeroizing;

use crate::backup::BackupError;

/// What sealed credentials begin with; authenticated with them.
const MAGIC: &[u8; 16] = b"omniroute-seal/1";

/// Bytes of salt and nonce.
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;

/// Memory in KiB, passes and lanes (design/reliability.md, section 6).
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);

/// Shortest passphrase in characters: whoever has the archive may try without end.
const MIN_CHARS: usize = 12;

/// Seals for a passphrase. Takes about a tenth of a second and 64 MiB.
///
/// # Errors
///
/// [`BackupError::Locked`] if the passphrase is too short.
pub fn seal(passphrase: &str, text: &[u8]) -> Result<Vec<u8>, BackupError> {
    let chars = passphrase.chars().count();
    if chars < MIN_CHARS {
        return Err(BackupError::Locked(format!(
            "the passphrase has {chars} characters; it needs {MIN_CHARS} at least"
        )));
    }
    let (salt, nonce): ([u8; SALT_BYTES], [u8; NONCE_BYTES]) =
        (rand::rng().random(), rand::rng().random());
    let payload = Payload { msg: text, aad: MAGIC };
    let sealed = cipher(passphrase, &salt)?.encrypt(&XNonce::from(nonce), payload);
    let sealed =
        sealed.map_err(|_| BackupError::File("it is too large to be sealed".to_owned()))?;
    Ok([MAGIC.as_slice(), &salt, &nonce, &sealed].concat())
}

/// Opens what [`seal`] made.
///
/// # Errors
///
/// [`BackupError::Locked`] if the passphrase is another or the file was changed.
pub fn open(passphrase: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let unknown = || BackupError::File("the credentials are not sealed in a known way".to_owned());
    let rest = sealed.strip_prefix(MAGIC).ok_or_else(unknown)?;
    let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or_else(unknown)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(unknown)?;
    let payload = Payload { msg: text, aad: MAGIC };
    let opened = cipher(passphrase, salt)?.decrypt(&XNonce::from(*nonce), payload);
    opened.map(Zeroizing::new).map_err(|_| {
        let what = "the passphrase is not the one that the credentials were sealed with, or the file was changed";
        BackupError::Locked(what.to_owned())
    })
}

fn cipher(passphrase: &str, salt: &[u8]) -> Result<XChaCha20Poly1305, BackupError> {
    let (memory, passes, lanes) = COST;
    let failed = |error: argon2::Error| BackupError::Locked(format!("no key can be made: {error}"));
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(failed)?;
    Ok(XChaCha20Poly1305::new(&(*key).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_it_and_only_unchanged() {
        let sealed = seal("correct horse battery", b"canary").unwrap();

        assert_eq!(open("correct horse battery", &sealed).unwrap().as_slice(), b"canary");
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert!(matches!(open("correct horse batterz", &sealed), Err(BackupError::Locked(_))));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(matches!(open("correct horse battery", &changed), Err(BackupError::Locked(_))));
        assert!(matches!(open("correct horse battery", &sealed[..30]), Err(BackupError::File(_))));
        assert!(matches!(seal("too short", b"canary"), Err(BackupError::Locked(_))));
    }
}
