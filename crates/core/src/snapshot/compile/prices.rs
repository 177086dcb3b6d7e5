//! The price table: each price belongs to a model of a known provider.

use super::providers::Providers;
use crate::config::nearest::did_you_mean;
use crate::config::pricing::PriceText;
use crate::config::report::Report;
use crate::snapshot::{Prices, Target};

/// Makes the price table.
pub(super) fn compile(written: &[PriceText], providers: &Providers, report: &Report) -> Prices {
    let mut prices = Prices::default();
    for text in written {
        let name = text.model.value.as_str();
        let Some((prefix, model)) = name.split_once('/').filter(|(_, model)| !model.is_empty())
        else {
            let what = format!("`{name}` is no `prefix/model`");
            report.add(&text.model.place, what);
            continue;
        };
        if let Some(provider) = providers.by_prefix.get(prefix) {
            prices.set(&Target::new(provider, model), text.price);
        } else if !providers.knows(prefix) {
            let what = format!("no provider has the prefix `{prefix}`");
            let hint = did_you_mean(prefix, providers.words());
            report.add_maybe(&text.model.place, what, hint);
        }
    }
    prices
}
