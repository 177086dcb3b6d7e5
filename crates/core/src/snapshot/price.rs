//! What models cost.

use std::collections::HashMap;
use std::sync::Arc;

use super::Target;
use crate::ids::ProviderId;

/// Prices of a model in nanodollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Input that no cache had.
    pub input: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// Input read from a cache; as `input` if not given.
    pub cache_read: Option<u64>,
    /// Input written to a cache; as `input` if not given.
    pub cache_write: Option<u64>,
}

/// The price table.
#[derive(Debug, Default)]
pub struct Prices {
    models: HashMap<ProviderId, HashMap<Arc<str>, Price>>,
}

impl Prices {
    /// Sets the price of a target.
    pub fn set(&mut self, target: &Target, price: Price) {
        let of_provider = self.models.entry(target.provider.id.clone()).or_default();
        of_provider.insert(Arc::clone(&target.model), price);
    }

    /// Returns the price of a target, if it is known.
    pub fn of(&self, target: &Target) -> Option<&Price> {
        self.models.get(&target.provider.id)?.get(&target.model)
    }
}
