//! Prices as they are shown: dollars per million tokens and per thousand, with all their digits.

use std::collections::{BTreeMap, HashMap};

use omniroute_core::ids::ProviderId;
use omniroute_core::money::{Nanodollars, Price};
use omniroute_core::snapshot::Snapshot;
use omniroute_core::written::{Kind, Origin, Written};
use serde::{Serialize, Serializer};

use crate::admin::usd::{Usd, number};

/// Nanodollars per million tokens of a dollar per thousand, and the decimals that this leaves.
const PER_THOUSAND: u64 = 1_000_000_000_000;
const DECIMALS: usize = 12;

/// Prices by prefix and model.
pub(in crate::admin) type Pricing = BTreeMap<String, BTreeMap<String, Entry>>;

/// One price.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Price)]
pub(in crate::admin) struct Entry {
    input: Usd,
    output: Usd,
    /// Input read from a cache.
    cached: Option<Usd>,
    reasoning: Option<Usd>,
    /// Input written to a cache.
    cache_creation: Option<Usd>,
    #[serde(rename = "per1K")]
    per_1k: PerThousand,
    /// Everything else that has a price of its own, in the file's words.
    other: BTreeMap<&'static str, Usd>,
    /// Dearer rates after longer prompts.
    tiers: Vec<TierNow>,
    /// `default` (built in), `file` or `dashboard`.
    origin: &'static str,
    /// Tells prices apart; each charge keeps it.
    version: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PerThousand {
    #[schema(value_type = f64)]
    input: Thousandth,
    #[schema(value_type = f64)]
    output: Thousandth,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tier)]
struct TierNow {
    /// Tokens of the longest prompt that is cheaper.
    above: u64,
    input: Usd,
    output: Usd,
}

/// A price per million tokens, written per thousand.
#[derive(Debug)]
struct Thousandth(Nanodollars);

impl Serialize for Thousandth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, rest) = (self.0.get() / PER_THOUSAND, self.0.get() % PER_THOUSAND);
        let decimals = format!("{rest:0DECIMALS$}");
        let kept = decimals.trim_end_matches('0').len().max(2);
        let digits = format!("{whole}.{}", &decimals[..kept]);
        number(digits).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl Entry {
    pub(super) fn of(price: &Price, origin: &'static str) -> Self {
        let base = &price.base;
        let shown = ["input", "output", "cache_read", "cache_write", "reasoning"];
        let rates = base.named().into_iter().filter(|(name, _)| !shown.contains(name));
        let fees = [("per_request", price.per_request), ("web_search", price.web_search)];
        let fees = fees.into_iter().filter(|(_, fee)| *fee != Nanodollars::ZERO);
        let other = rates.filter_map(|(name, rate)| Some((name, rate?))).chain(fees);
        let tiers = price.tiers.iter().map(|tier| TierNow {
            above: tier.above,
            input: Usd(tier.rates.input),
            output: Usd(tier.rates.output),
        });
        Self {
            input: Usd(base.input),
            output: Usd(base.output),
            cached: base.cache_read.map(Usd),
            reasoning: base.reasoning.map(Usd),
            cache_creation: base.cache_write.map(Usd),
            per_1k: PerThousand { input: Thousandth(base.input), output: Thousandth(base.output) },
            other: other.map(|(name, amount)| (name, Usd(amount))).collect(),
            tiers: tiers.collect(),
            origin,
            version: price.version().to_string(),
        }
    }
}

/// Who wrote the prices that are not built in, and under which name, by what they are of.
pub(super) struct Owners(HashMap<(ProviderId, String), (Origin, String)>);

impl Owners {
    pub(super) fn of(snapshot: &Snapshot, written: &Written) -> Self {
        let views = written.views(Kind::Price).into_iter();
        // A provider may be named by its prefix or its id; the last entry counts.
        let owners = views.filter_map(|view| {
            let (prefix, model) = view.name.split_once('/')?;
            let provider = snapshot.by_prefix.get(prefix)?;
            Some(((provider.id.clone(), model.to_owned()), (view.origin, view.name)))
        });
        Self(owners.collect())
    }

    pub(super) fn find(&self, provider: &ProviderId, model: &str) -> Option<&(Origin, String)> {
        self.0.get(&(provider.clone(), model.to_owned()))
    }

    pub(super) fn word(&self, provider: &ProviderId, model: &str) -> &'static str {
        self.find(provider, model).map_or("default", |(origin, _)| origin.word())
    }
}

/// Returns all prices in force.
pub(super) fn in_force(snapshot: &Snapshot, written: &Written) -> Pricing {
    let owners = Owners::of(snapshot, written);
    let mut pricing = Pricing::new();
    for (id, model, price) in snapshot.prices.iter() {
        let Some(provider) = snapshot.providers.get(id) else { continue };
        let entry = Entry::of(price, owners.word(id, model));
        pricing.entry(provider.prefix.to_string()).or_default().insert(model.to_owned(), entry);
    }
    pricing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_tokens_cost_a_thousandth_to_the_last_digit() {
        let written = |nanodollars| {
            serde_json::to_string(&Thousandth(Nanodollars::new(nanodollars))).unwrap_or_default()
        };
        assert_eq!(written(600_000_000), "0.0006");
        assert_eq!(written(1), "0.000000000001");
        assert_eq!(written(5_000_000_000_000), "5.00");
        assert_eq!(written(0), "0.00");
    }
}
