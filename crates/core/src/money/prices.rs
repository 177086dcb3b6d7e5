//! The price table.

use std::collections::HashMap;
use std::sync::Arc;

use super::Price;
use crate::ids::ProviderId;
use crate::snapshot::Target;

/// The price table: what is known of the models of each provider.
#[derive(Debug, Default)]
pub struct Prices {
    providers: HashMap<ProviderId, OfProvider>,
}

#[derive(Debug, Default)]
struct OfProvider {
    models: HashMap<Arc<str>, Price>,
    /// Of models that have no price of their own.
    any: Option<Price>,
}

impl Prices {
    /// Sets the price of a target.
    pub fn set(&mut self, target: &Target, price: Price) {
        let provider = self.providers.entry(target.provider.id.clone()).or_default();
        provider.models.insert(Arc::clone(&target.model), price);
    }

    /// Sets the price of a provider's models that have none of their own.
    pub fn set_any(&mut self, provider: &ProviderId, price: Price) {
        self.providers.entry(provider.clone()).or_default().any = Some(price);
    }

    /// Iterates over all prices, in no order; `*` stands for a provider's models that have none of their own.
    pub fn iter(&self) -> impl Iterator<Item = (&ProviderId, &str, &Price)> {
        self.providers.iter().flat_map(|(id, of_provider)| {
            let models = of_provider.models.iter().map(|(model, price)| (&**model, price));
            let any = of_provider.any.as_ref().map(|price| ("*", price));
            models.chain(any).map(move |(model, price)| (id, model, price))
        })
    }

    /// Returns the price of a target; `None`: nobody knows.
    pub fn of(&self, target: &Target) -> Option<&Price> {
        self.find(&target.provider.id, &target.model)
    }

    /// Returns the price of a model by its provider's name for it; `None`: nobody knows.
    pub fn find(&self, provider: &ProviderId, model: &str) -> Option<&Price> {
        let provider = self.providers.get(provider)?;
        provider.models.get(model).or(provider.any.as_ref())
    }
}
