//! What models cost: the `pricing` section of the operator, and the built-in prices.

use std::sync::LazyLock;

use super::node::Node;
use super::report::{Report, Spot};
use super::scalars;
use super::section::{Section, each, entries};
use super::yaml;
use crate::money::{Nanodollars, Price, Rates, Tier};
use crate::snapshot::Problems;

/// Keys of a price that are per million tokens.
const RATES: [&str; 10] = [
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
];
/// Keys of a price that are not.
const FEES: [&str; 3] = ["per_request", "web_search", "tiers"];

/// The price of one model as written.
#[derive(Debug)]
pub(crate) struct PriceText {
    /// `prefix/model`, or `prefix/*` for all models of a provider that have no price of their own.
    pub(crate) model: Spot<String>,
    pub(crate) price: Price,
}

/// The built-in file and its name in messages.
const FILE: (&str, &str) = ("config/pricing.yaml", include_str!("../../../../config/pricing.yaml"));

/// Read once per process, as the catalogue.
static BUILT_IN: LazyLock<Result<Vec<PriceText>, Problems>> = LazyLock::new(|| {
    let report = Report::default();
    let root = yaml::parse(FILE.0, FILE.1, &|_| None, &report);
    let blocks = root.and_then(|root| each(&root, &report, block)).unwrap_or_default();
    if report.is_empty() {
        Ok(blocks.into_iter().flatten().collect())
    } else {
        Err(report.into_problems())
    }
});

/// Returns the built-in prices.
///
/// # Errors
///
/// The problems in them. A test keeps the built-in file free of any.
pub(crate) fn built_in() -> Result<&'static [PriceText], Problems> {
    BUILT_IN.as_deref().map_err(Clone::clone)
}

/// Reads `pricing`: a map of models.
pub(crate) fn read(node: &Node, report: &Report) -> Option<Vec<PriceText>> {
    let prices = entries(node, report)?.iter().filter_map(|entry| {
        let price = price(&entry.node, report)?;
        Some(PriceText { model: Spot::new(entry.name.clone(), &entry.place), price })
    });
    Some(prices.collect())
}

/// Reads a block of the built-in file: the prices of one provider, when and where they were looked up.
fn block(node: &Node, report: &Report) -> Option<Vec<PriceText>> {
    let section = Section::open(node, &["provider", "as_of", "source", "models"], report)?;
    let provider = section.require("provider", scalars::name)?;
    section.require("as_of", scalars::text)?;
    section.require("source", scalars::text)?;
    let mut prices = section.require("models", read)?;
    for text in &mut prices {
        text.model.value = format!("{provider}/{}", text.model.value);
    }
    Some(prices)
}

fn price(node: &Node, report: &Report) -> Option<Price> {
    let known: Vec<&str> = RATES.into_iter().chain(FEES).collect();
    let section = Section::open(node, &known, report)?;
    let fee = |name| section.read(name, scalars::money).unwrap_or_default();
    let (input, output) =
        (section.require("input", scalars::money), section.require("output", scalars::money));
    let base = rates(&section, &Rates { input: input?, output: output?, ..Rates::default() });
    let tiers = section
        .read("tiers", |node, report| each(node, report, |node, report| tier(node, &base, report)));
    Some(Price::new(base, tiers.unwrap_or_default(), fee("per_request"), fee("web_search")))
}

/// Reads a tier. What it does not say is as below it.
fn tier(node: &Node, base: &Rates, report: &Report) -> Option<Tier> {
    let known: Vec<&str> = RATES.into_iter().chain(["above"]).collect();
    let section = Section::open(node, &known, report)?;
    let above =
        section.require("above", |node, report| scalars::whole(node, report, 1..=1_000_000_000))?;
    Some(Tier { above, rates: rates(&section, base) })
}

fn rates(section: &Section<'_>, base: &Rates) -> Rates {
    let read = |name| section.read(name, scalars::money);
    let or = |name, below: Option<Nanodollars>| read(name).or(below);
    Rates {
        input: read("input").unwrap_or(base.input),
        output: read("output").unwrap_or(base.output),
        cache_read: or("cache_read", base.cache_read),
        cache_write: or("cache_write", base.cache_write),
        cache_write_long: or("cache_write_1h", base.cache_write_long),
        reasoning: or("reasoning", base.reasoning),
        audio_input: or("audio_input", base.audio_input),
        audio_output: or("audio_output", base.audio_output),
        image_input: or("image_input", base.image_input),
        image_output: or("image_output", base.image_output),
    }
}
