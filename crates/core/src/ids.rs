//! Names of things, as types that cannot be mixed up.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

/// A name of one kind of thing. Cheap to clone.
pub struct Id<Kind> {
    name: Arc<str>,
    kind: PhantomData<fn() -> Kind>,
}

/// Marks ids of providers.
pub enum OfProvider {}
/// Marks ids of accounts.
pub enum OfAccount {}
/// Marks names of client keys.
pub enum OfClientKey {}

/// A provider's id, e.g. `deepseek`.
pub type ProviderId = Id<OfProvider>;
/// An account's id, unique over all providers, e.g. `openai-main`.
pub type AccountId = Id<OfAccount>;
/// A client key's name, e.g. `ci`. Never the key itself.
pub type ClientKeyName = Id<OfClientKey>;

impl<Kind> Id<Kind> {
    /// Makes an id.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), kind: PhantomData }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the name as it is shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}

impl<Kind> Clone for Id<Kind> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), kind: PhantomData }
    }
}

impl<Kind> PartialEq for Id<Kind> {
    fn eq(&self, other: &Self) -> bool {
        // Most that are compared were cloned from one another.
        Arc::ptr_eq(&self.name, &other.name) || self.name == other.name
    }
}

impl<Kind> Eq for Id<Kind> {}

impl<Kind> PartialOrd for Id<Kind> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<Kind> Ord for Id<Kind> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

impl<Kind> Hash for Id<Kind> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<Kind> Borrow<str> for Id<Kind> {
    fn borrow(&self) -> &str {
        &self.name
    }
}

impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, f)
    }
}
