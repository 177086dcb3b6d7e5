//! What a call cost, and the most that it can cost.

use omniroute_wire::Usage;

use super::{Nanodollars, Price, PriceVersion, Rates};

/// Tokens that a rate is the price of.
const MILLION: u128 = 1_000_000;

/// What one call cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// How much.
    pub amount: Nanodollars,
    /// The price it was worked out with.
    pub price: PriceVersion,
    /// Whether tokens were counted here, because the provider did not say them.
    pub estimated: bool,
}

/// The most that a call can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Input tokens, cache included.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Web searches of the provider.
    pub searches: u64,
    /// Whether sound or pictures may go in or come out.
    pub has_media: bool,
}

/// Returns what a call cost that took these tokens. Kinds that are not said count as none.
pub fn charge(usage: &Usage, price: &Price) -> Charge {
    let rates = price.rates(usage.input_total().unwrap_or(0));
    let rows = input_rows(usage, rates).into_iter().chain(output_rows(usage, rates));
    let tokens = rows.fold(0, |sum: u128, row| sum.saturating_add(row));
    let amount = per_million(tokens).plus(fees(price, usage.web_searches.unwrap_or(0)));
    Charge { amount, price: price.version(), estimated: usage.estimated }
}

/// Returns the most that a call of this demand can cost: no usage within it is charged more.
pub fn most(demand: &Demand, price: &Price) -> Nanodollars {
    let reached = price.tiers.iter().filter(|tier| demand.input > tier.above);
    let all = std::iter::once(&price.base).chain(reached.map(|tier| &tier.rates));
    let dearest = all.map(|rates| {
        let (input, output) = dearest(rates, demand.has_media);
        row(demand.input, input).saturating_add(row(demand.output, output))
    });
    per_million(dearest.max().unwrap_or(0)).plus(fees(price, demand.searches))
}

fn input_rows(usage: &Usage, rates: &Rates) -> [u128; 6] {
    let count = |tokens: Option<u64>| tokens.unwrap_or(0);
    let sound = count(usage.audio_input).min(count(usage.input));
    let pictures = count(usage.image_input).min(count(usage.input) - sound);
    let text = count(usage.input) - sound - pictures;
    let long = count(usage.cache_write_long).min(count(usage.cache_write));
    let write = rates.cache_write.unwrap_or(rates.input);
    [
        row(text, rates.input),
        row(sound, rates.audio_input.unwrap_or(rates.input)),
        row(pictures, rates.image_input.unwrap_or(rates.input)),
        row(count(usage.cache_read), rates.cache_read.unwrap_or(rates.input)),
        row(count(usage.cache_write) - long, write),
        row(long, rates.cache_write_long.unwrap_or(write)),
    ]
}

fn output_rows(usage: &Usage, rates: &Rates) -> [u128; 4] {
    let count = |tokens: Option<u64>| tokens.unwrap_or(0);
    let output = count(usage.output);
    let reasoning = count(usage.reasoning).min(output);
    let sound = count(usage.audio_output).min(output - reasoning);
    let pictures = count(usage.image_output).min(output - reasoning - sound);
    [
        row(output - reasoning - sound - pictures, rates.output),
        row(reasoning, rates.reasoning.unwrap_or(rates.output)),
        row(sound, rates.audio_output.unwrap_or(rates.output)),
        row(pictures, rates.image_output.unwrap_or(rates.output)),
    ]
}

/// Returns the dearest rates that input and output may have.
fn dearest(rates: &Rates, has_media: bool) -> (Nanodollars, Nanodollars) {
    let media = |rate: Option<Nanodollars>| rate.filter(|_| has_media);
    let input = [
        rates.cache_read,
        rates.cache_write,
        rates.cache_write_long,
        media(rates.audio_input),
        media(rates.image_input),
    ];
    let output = [rates.reasoning, media(rates.audio_output), media(rates.image_output)];
    let top = |own, others: &[Option<Nanodollars>]| {
        others.iter().flatten().fold(own, |a: Nanodollars, b| a.max(*b))
    };
    (top(rates.input, &input), top(rates.output, &output))
}

fn row(tokens: u64, rate: Nanodollars) -> u128 {
    u128::from(tokens) * u128::from(rate.get())
}

fn per_million(sum: u128) -> Nanodollars {
    Nanodollars::new(u64::try_from(sum.div_ceil(MILLION)).unwrap_or(u64::MAX))
}

fn fees(price: &Price, searches: u64) -> Nanodollars {
    let searches = price.web_search.get().saturating_mul(searches);
    price.per_request.plus(Nanodollars::new(searches))
}
