//! Fields that the existing product sealed: `enc:v1:<iv>:<text>:<tag>` in hexadecimal digits.
//!
//! AES-256-GCM with an IV of 16 bytes; the key is scrypt (N = 16384, r = 8, p = 1) of
//! `STORAGE_ENCRYPTION_KEY` and a fixed salt, as the product's version 2.1 has them.

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use scrypt::Params;
use zeroize::Zeroizing;

use crate::backup::BackupError;

const START: &str = "enc:v1:";
const SALT: &[u8] = b"omniroute-field-encryption-v1";

/// Logarithm of N, and r and p.
const COST: (u8, u32, u32) = (14, 8, 1);

/// Bytes of an IV.
const IV_BYTES: usize = 16;

/// Opens sealed fields.
pub struct FieldCipher(AesGcm<Aes256, U16>);

impl FieldCipher {
    /// Makes the cipher of a key. Takes some hundredths of a second.
    ///
    /// # Errors
    ///
    /// [`BackupError::Locked`] if no key can be made of it.
    pub fn new(key: &str) -> Result<Self, BackupError> {
        let (log_n, r, p) = COST;
        let failed = |error: String| BackupError::Locked(format!("no key can be made: {error}"));
        let params = Params::new(log_n, r, p).map_err(|error| failed(error.to_string()))?;
        let mut derived = Zeroizing::new([0; 32]);
        scrypt::scrypt(key.as_bytes(), SALT, &params, &mut *derived)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self(AesGcm::new(&(*derived).into())))
    }

    fn open(&self, sealed: &str) -> Option<Zeroizing<String>> {
        let mut parts = sealed.splitn(3, ':').map(bytes);
        let (iv, mut text, tag) = (parts.next()??, parts.next()??, parts.next()??);
        let iv: [u8; IV_BYTES] = iv.try_into().ok()?;
        text.extend(tag);
        let opened = self.0.decrypt(&Nonce::from(iv), text.as_slice()).ok()?;
        String::from_utf8(opened).ok().map(Zeroizing::new)
    }
}

/// Returns a field in clear: as it is, or opened.
///
/// # Errors
///
/// That there is no key for it, or the wrong one.
pub fn clear(cipher: Option<&FieldCipher>, field: &str) -> Result<Zeroizing<String>, String> {
    let Some(sealed) = field.strip_prefix(START) else {
        return Ok(Zeroizing::new(field.to_owned()));
    };
    let Some(cipher) = cipher else {
        return Err("its credential is sealed; send the STORAGE_ENCRYPTION_KEY of that gateway as `storageKey`".to_owned());
    };
    cipher
        .open(sealed)
        .ok_or_else(|| "its credential does not open with the given `storageKey`".to_owned())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}
