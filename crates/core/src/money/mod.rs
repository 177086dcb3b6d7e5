//! Money: exact amounts, what models cost, and what one call cost.
//!
//! Everything is a whole number of billionths of a dollar ([`Nanodollars`]). A price is per million
//! tokens; tokens × price is summed up in 128 bits over all kinds of tokens and divided once per call,
//! rounded up. So a sum of charges is exact, and nothing is ever rounded to free.
//!
//! An unknown price is unknown: [`Prices`] has no entry then, and nobody may take that for zero.

mod amount;
mod charge;
mod price;
mod prices;
#[cfg(test)]
mod tests;

pub use amount::Nanodollars;
pub use charge::{Charge, Demand, charge, most};
pub use price::{Price, PriceVersion, Rates, Tier};
pub use prices::Prices;
