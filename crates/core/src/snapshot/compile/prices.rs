//! The price table: the built-in prices, and over them the operator's. Each belongs to a model of a known
//! provider.

use super::providers::Providers;
use crate::config::nearest::did_you_mean;
use crate::config::pricing::{PriceText, built_in};
use crate::config::report::Report;
use crate::money::{Price, Prices};
use crate::snapshot::{Problems, Target};

/// The model of `prefix/*`.
const ANY: &str = "*";

/// Returns the built-in prices by `provider/model`.
///
/// # Errors
///
/// As [`compile`].
pub fn built_in_prices() -> Result<impl Iterator<Item = (&'static str, &'static Price)>, Problems> {
    Ok(built_in()?.iter().map(|text| (text.model.value.as_str(), &text.price)))
}

/// Makes the price table.
///
/// # Errors
///
/// Problems of the built-in prices, of which a test says that there are none.
pub(super) fn compile(
    written: &[PriceText],
    providers: &Providers,
    report: &Report,
) -> Result<Prices, Problems> {
    let mut prices = Prices::default();
    for text in built_in()?.iter().chain(written) {
        set(&mut prices, text, providers, report);
    }
    Ok(prices)
}

fn set(prices: &mut Prices, text: &PriceText, providers: &Providers, report: &Report) {
    let name = text.model.value.as_str();
    let Some((prefix, model)) = name.split_once('/').filter(|(_, model)| !model.is_empty()) else {
        let what = format!("`{name}` is no `prefix/model`");
        report.add(&text.model.place, what);
        return;
    };
    match providers.by_prefix.get(prefix) {
        Some(provider) if model == ANY => prices.set_any(&provider.id, text.price.clone()),
        Some(provider) => prices.set(&Target::new(provider, model), text.price.clone()),
        None if providers.knows(prefix) => {}
        None => {
            let what = format!("no provider has the prefix `{prefix}`");
            let hint = did_you_mean(prefix, providers.words());
            report.add_maybe(&text.model.place, what, hint);
        }
    }
}
