//! Generations: every configuration that was in force, so that one can go back.

use std::ops::Range;
use std::time::SystemTime;

use omniroute_core::money::Nanodollars;
use omniroute_core::snapshot::ConfigFile;
use omniroute_core::written::StoredObject;

use super::Basis;

/// A configuration as it was published. Holds secrets.
#[derive(Clone)]
pub struct Generation {
    /// Its number; numbers only grow.
    pub number: u64,
    /// When it was published.
    pub at: SystemTime,
    /// The file as it was read.
    pub file: Option<ConfigFile>,
    /// What the dashboard kept.
    pub objects: Vec<StoredObject>,
    /// What it changed, in words and without secrets.
    pub changes: Vec<String>,
}

impl Generation {
    /// Makes the record of a publication.
    pub(super) fn of(basis: &Basis, at: SystemTime, changes: Vec<String>) -> Self {
        let (number, file, objects) = (basis.number, basis.file.clone(), basis.objects.to_vec());
        Self { number, at, file, objects, changes }
    }

    /// Tells whether it was made of the same.
    pub(super) fn is_of(&self, file: Option<&ConfigFile>, objects: &[StoredObject]) -> bool {
        self.has_file(file) && self.objects == objects
    }

    /// Tells whether its file said the same.
    pub fn has_file(&self, file: Option<&ConfigFile>) -> bool {
        self.file.as_ref().map(|file| &file.text) == file.map(|file| &file.text)
    }
}

/// Where generations are kept that nobody waits for: those of the file.
pub trait Archive: Send + Sync {
    /// Keeps one. Must not block for long; what goes wrong is logged.
    fn keep(&self, generation: &Generation);

    /// Returns what a client key spent in a span of time, in milliseconds since 1970, its end not in it;
    /// `None` if that cannot be known, which is logged.
    fn spent(&self, client_key: &str, span: Range<u64>) -> Option<Nanodollars>;
}

/// Keeps none: without a store there is nothing to go back to.
impl Archive for () {
    fn keep(&self, _: &Generation) {}

    fn spent(&self, _: &str, _: Range<u64>) -> Option<Nanodollars> {
        None
    }
}
