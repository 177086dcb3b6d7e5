//! Seals what must not be read from the file: XChaCha20-Poly1305 under a key derived from the master key.
//!
//! A sealed value is bound to its place: table, row, field and version are authenticated with it, so one
//! that was moved to another row does not open.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{Aead, AeadInOut, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::RngExt;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::master::{MasterKey, Origin};

/// Bytes of a nonce: random ones never come twice (192 bits).
const NONCE_BYTES: usize = 24;

/// The purposes of derived keys.
const FIELDS: &str = "gw/field/v1";
const CHECK: &str = "gw/check/v1";

/// The one field of a row that is sealed whole.
const WHOLE: &str = "row";

/// Where a sealed value stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The key of the row.
    pub row: &'a [u8],
    /// The field of the row.
    pub field: &'a str,
    /// The version of the record.
    pub version: u8,
}

/// Seals and opens under one master key.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    check: [u8; 32],
    origin: Origin,
}

/// The value is not what was sealed at this place under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was sealed with another key, for another place, or is damaged")]
pub struct NotOurs;

impl Sealer {
    /// Makes the sealer of a master key.
    pub fn new(master: &MasterKey) -> Self {
        let cipher = XChaCha20Poly1305::new(&(*master.derive(FIELDS)).into());
        // HMAC takes a key of one block; a shorter one is padded with zeros (RFC 2104).
        let mut key = Zeroizing::new([0; 64]);
        key[..32].copy_from_slice(&*master.derive(CHECK));
        let check = <Hmac<Sha256> as hmac::KeyInit>::new(&(*key).into());
        let check = check.chain_update(b"omniroute").finalize().into_bytes().into();
        Self { cipher, check, origin: master.origin().clone() }
    }

    /// Returns a value that tells whether a master key is the same, and nothing else of it.
    pub const fn check_value(&self) -> [u8; 32] {
        self.check
    }

    /// Returns where the master key came from.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Appends a value sealed for a place: `write` appends the value, which is sealed where it stands.
    ///
    /// # Errors
    ///
    /// What `write` returns.
    pub fn seal<E>(
        &self,
        place: Place<'_>,
        sealed: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        sealed.extend_from_slice(&nonce);
        let start = sealed.len();
        write(sealed)?;
        let value = InOutBuf::from(&mut sealed[start..]);
        let aad = place.authenticated();
        match self.cipher.encrypt_inout_detached(&XNonce::from(nonce), &aad, value) {
            Ok(tag) => sealed.extend_from_slice(&tag),
            // Only values beyond 256 GiB cannot be sealed; what is nothing but a nonce does not open.
            Err(_) => sealed.truncate(start),
        }
        Ok(())
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    ///
    /// [`NotOurs`] if anything of key, place or bytes is another.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOurs> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(NotOurs)?;
        let aad = place.authenticated();
        let payload = Payload { msg: text, aad: &aad };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| NotOurs)
    }
}

/// Appends a whole row that `write` encodes, sealed; its version stays readable in front.
pub(super) fn seal_whole<E>(
    sealer: &Sealer,
    (table, row, version): (&str, &[u8], u8),
    value: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    value.push(version);
    sealer.seal(Place { table, row, field: WHOLE, version }, value, write)
}

/// Opens what [`seal_whole`] made.
pub(super) fn open_whole(
    sealer: &Sealer,
    table: &str,
    row: &[u8],
    value: &[u8],
) -> Result<Zeroizing<Vec<u8>>, String> {
    let (version, sealed) = value.split_first().ok_or("it is empty")?;
    let place = Place { table, row, field: WHOLE, version: *version };
    sealer.open(place, sealed).map_err(|error| error.to_string())
}

impl Place<'_> {
    /// Every part with its length before it, so that no two places read the same.
    fn authenticated(&self) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(self.table.len() + self.row.len() + self.field.len() + 32);
        for part in [self.table.as_bytes(), self.row, self.field.as_bytes(), &[self.version]] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place { table: "t", row: b"r", field: "f", version: 1 };

    fn seal(sealer: &Sealer, value: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        let write = |sealed: &mut Vec<u8>| {
            sealed.extend_from_slice(value);
            Ok::<_, ()>(())
        };
        sealer.seal(HERE, &mut sealed, write).unwrap();
        sealed
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_and_nowhere_else() {
        let sealer = Sealer::new(&MasterKey::of_bytes([1; 32]));

        let sealed = seal(&sealer, b"canary");

        assert_eq!(sealer.open(HERE, &sealed).unwrap().as_slice(), b"canary");
        assert_eq!(sealed.len(), b"canary".len() + NONCE_BYTES + 16);
        assert!(!sealed.windows(6).any(|piece| piece == b"canary"));
        let elsewhere = [
            Place { table: "tr", row: b"", ..HERE },
            Place { row: b"q", ..HERE },
            Place { field: "g", ..HERE },
            Place { version: 2, ..HERE },
        ];
        for place in elsewhere {
            assert_eq!(sealer.open(place, &sealed), Err(NotOurs), "{place:?}");
        }
        let other = Sealer::new(&MasterKey::of_bytes([2; 32]));
        assert_eq!(other.open(HERE, &sealed), Err(NotOurs));
        assert_ne!(other.check_value(), sealer.check_value());
        assert_ne!(seal(&sealer, b"canary"), sealed, "every nonce is another");
    }

    #[test]
    fn any_changed_bit_and_any_cut_are_found() {
        let sealer = Sealer::new(&MasterKey::of_bytes([1; 32]));
        let sealed = seal(&sealer, b"x");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sealer.open(HERE, &changed), Err(NotOurs), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert_eq!(sealer.open(HERE, &sealed[..end]), Err(NotOurs), "cut at {end}");
        }
    }
}
