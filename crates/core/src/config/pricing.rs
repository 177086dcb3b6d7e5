//! The `pricing` section: what models cost.

use super::node::Node;
use super::report::{Report, Spot};
use super::scalars;
use super::section::{Section, entries};
use crate::snapshot::Price;

/// The price of one model as written.
#[derive(Debug)]
pub(crate) struct PriceText {
    /// `prefix/model`.
    pub(crate) model: Spot<String>,
    pub(crate) price: Price,
}

/// Reads `pricing`: amounts per million tokens.
pub(crate) fn read(node: &Node, report: &Report) -> Option<Vec<PriceText>> {
    let prices = entries(node, report)?.iter().filter_map(|entry| {
        let known = ["input", "output", "cache_read", "cache_write"];
        let section = Section::open(&entry.node, &known, report)?;
        let optional = ["cache_read", "cache_write"].map(|name| section.read(name, scalars::money));
        let price = Price {
            input: section.require("input", scalars::money)?,
            output: section.require("output", scalars::money)?,
            cache_read: optional[0],
            cache_write: optional[1],
        };
        Some(PriceText { model: Spot::new(entry.name.clone(), &entry.place), price })
    });
    Some(prices.collect())
}
