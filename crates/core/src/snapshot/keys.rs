//! Client keys: who may call, known only by a keyed hash.
//!
//! A key is looked up by HMAC-SHA256 over its SHA-256 under a secret of this gateway, so no comparison
//! depends on the secret, and the YAML may give a key or only its SHA-256.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wildmatch::WildMatch;

use super::Way;
use crate::budget::{Budget, Purse};
use crate::ids::ClientKeyName;
use crate::resilience::Limits;
use crate::state::ClientState;

/// One client key, without the key.
#[derive(Debug)]
pub struct ClientKey {
    /// Its name.
    pub name: ClientKeyName,
    /// How the key begins, if that is kept: so that people recognise it.
    pub prefix: Option<Box<str>>,
    /// Which model names it may ask for.
    pub models: Vec<WildMatch>,
    /// When it stops working.
    pub expires: Option<SystemTime>,
    /// Whether it may call models.
    pub inference: bool,
    /// Whether it may administrate.
    pub admin: bool,
    /// Whether a request of which a translation would drop anything is refused instead.
    pub strict_translation: bool,
    /// The system prompt of its calls in the place of the general one; empty: none at all.
    pub system_prompt: Option<Box<str>>,
    /// How its calls leave; `None`: it says nothing.
    pub tunnel: Option<Way>,
    /// What it may ask for at most.
    pub limits: Limits,
    /// What it uses of that.
    pub state: Arc<ClientState>,
    /// How much it may spend; empty: no limit.
    pub budgets: Arc<[Budget]>,
    /// What it has spent.
    pub purse: Arc<Purse>,
}

impl ClientKey {
    /// Tells whether the key may ask for this model, by the name the client wrote.
    pub fn allows(&self, model: &str) -> bool {
        self.models.iter().any(|pattern| pattern.matches(model))
    }

    /// Tells whether the key opens the administration.
    pub fn may_administrate(&self, now: SystemTime) -> bool {
        self.admin && !self.is_expired(now)
    }

    /// Tells whether the key has stopped working.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// All client keys of a snapshot.
pub struct ClientKeys {
    /// Keyed already, so that a look-up only clones it.
    keyed: Hmac<Sha256>,
    /// The same of other gateways, whose keys were imported with their secrets.
    elsewhere: Vec<([u8; 32], Hmac<Sha256>)>,
    by_hash: HashMap<[u8; 32], Arc<ClientKey>>,
}

impl ClientKeys {
    /// Makes an empty table. `pepper` is a secret of this gateway; keys it has made are known by their
    /// hash under it.
    pub fn new(pepper: [u8; 32]) -> Self {
        Self { keyed: keyed(&pepper), elsewhere: Vec::new(), by_hash: HashMap::new() }
    }

    /// Adds the secret of a gateway whose keys were imported: their hashes depend on it.
    pub fn know(&mut self, pepper: [u8; 32]) {
        if self.elsewhere.iter().all(|(known, _)| *known != pepper) {
            self.elsewhere.push((pepper, keyed(&pepper)));
        }
    }

    /// Adds a key by its hash.
    ///
    /// # Errors
    ///
    /// The key that was added before with the same secret.
    pub fn add(&mut self, hash: [u8; 32], key: ClientKey) -> Result<(), Arc<ClientKey>> {
        if let Some(other) = self.by_hash.get(&hash) {
            return Err(Arc::clone(other));
        }
        self.by_hash.insert(hash, Arc::new(key));
        Ok(())
    }

    /// Finds a key by its name.
    pub fn named(&self, name: &str) -> Option<&Arc<ClientKey>> {
        self.by_hash.values().find(|key| key.name.as_str() == name)
    }

    /// Finds the key a client presented.
    pub fn find(&self, presented: &[u8]) -> Option<&Arc<ClientKey>> {
        let digest = Sha256::digest(presented).into();
        let others = self.elsewhere.iter().map(|(_, keyed)| keyed);
        std::iter::once(&self.keyed)
            .chain(others)
            .find_map(|keyed| self.by_hash.get(&hashed(keyed, &digest)))
    }

    /// Returns the hash of what a client sends.
    pub fn hash_of(&self, key: &[u8]) -> [u8; 32] {
        self.hash_of_digest(&Sha256::digest(key).into())
    }

    /// Returns the hash of a key of which only the SHA-256 is known.
    pub fn hash_of_digest(&self, sha256: &[u8; 32]) -> [u8; 32] {
        hashed(&self.keyed, sha256)
    }

    /// Iterates over all keys, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ClientKey>> {
        self.by_hash.values()
    }

    /// Tells whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }
}

fn keyed(pepper: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC takes a key of one block; a shorter one is padded with zeros (RFC 2104).
    let mut key = [0; 64];
    key[..pepper.len()].copy_from_slice(pepper);
    <Hmac<Sha256> as KeyInit>::new(&key.into())
}

fn hashed(keyed: &Hmac<Sha256>, sha256: &[u8; 32]) -> [u8; 32] {
    let mut mac = keyed.clone();
    mac.update(sha256);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKeys({})", self.by_hash.len())
    }
}
