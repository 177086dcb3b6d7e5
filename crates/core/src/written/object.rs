//! What the dashboard keeps: objects in the shape that the file has for them.

use std::fmt;

use serde_json::Value;

use crate::config::report::DASHBOARD;
use crate::snapshot::Problem;

/// One object that the dashboard owns. Its value has the shape of the same object in the file, without
/// its name. May hold secrets, so `Debug` leaves the value out.
#[derive(Clone, PartialEq)]
pub struct StoredObject {
    /// What it is.
    pub kind: Kind,
    /// Its name among its kind.
    pub name: Box<str>,
    /// Its settings.
    pub value: Value,
    /// The generation in which it was last changed.
    pub since: u64,
}

impl StoredObject {
    /// Tells whether it is the one of this kind and name.
    pub fn is(&self, kind: Kind, name: &str) -> bool {
        self.kind == kind && *self.name == *name
    }

    /// Tells whether a problem of the configuration is about this object of the dashboard.
    pub fn is_at(&self, problem: &Problem) -> bool {
        if problem.file != DASHBOARD {
            return false;
        }
        let place = super::lay::place(self.kind, &self.name).path;
        let rest = problem.path.strip_prefix(&place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// Puts objects in the order in which they are laid into the tree: models go into providers that are
    /// there.
    pub fn put_in_order(objects: &mut [Self]) {
        objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    }
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredObject({} `{}`)", self.kind.word(), self.name)
    }
}

/// The kinds of objects that have an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A provider, or what is changed of one of the catalogue.
    Provider,
    /// A model that is added to a provider; named `provider/model`.
    Model,
    /// An account.
    Account,
    /// A combo.
    Combo,
    /// An alias.
    Alias,
    /// A fallback chain.
    FallbackChain,
    /// A client key.
    ClientKey,
    /// The price of a model; named `prefix/model`.
    Price,
    /// A resilience profile.
    Profile,
    /// A single setting, named by its path in the file: `routing.account_strategy`, or with slashes where
    /// a name has dots, `/providers/a.b/tunnel`.
    Setting,
}

impl Kind {
    /// All kinds, in the order in which they are laid into the tree: models need their providers.
    pub const ALL: [Self; 10] = [
        Self::Provider,
        Self::Model,
        Self::Account,
        Self::Combo,
        Self::Alias,
        Self::FallbackChain,
        Self::ClientKey,
        Self::Price,
        Self::Profile,
        Self::Setting,
    ];

    /// The kind in words, for messages and as a key of stored records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Account => "account",
            Self::Combo => "combo",
            Self::Alias => "alias",
            Self::FallbackChain => "fallback chain",
            Self::ClientKey => "client key",
            Self::Price => "price",
            Self::Profile => "profile",
            Self::Setting => "setting",
        }
    }

    /// Finds a kind by its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Splits the name of a setting into the steps of its path.
    pub(super) fn steps(name: &str) -> Vec<&str> {
        match name.strip_prefix('/') {
            Some(steps) => steps.split('/').collect(),
            None => name.split('.').collect(),
        }
    }

    /// Where the file keeps objects of this kind.
    pub const fn section(self) -> &'static [&'static str] {
        match self {
            Self::Provider | Self::Model => &["providers"],
            Self::Account => &["accounts"],
            Self::Combo => &["combos"],
            Self::Alias => &["aliases"],
            Self::FallbackChain => &["fallback_chains"],
            Self::ClientKey => &["client_keys"],
            Self::Price => &["pricing"],
            Self::Profile => &["resilience", "profiles"],
            Self::Setting => &[],
        }
    }

    /// The field that holds the name where the file keeps a list.
    pub(super) const fn name_field(self) -> Option<&'static str> {
        match self {
            Self::Account | Self::Model => Some("id"),
            Self::ClientKey => Some("name"),
            _ => None,
        }
    }
}
