//! Amounts of money.

use std::fmt;
use std::iter::Sum;

use crate::digits;

/// Nanodollars of a dollar.
const DOLLAR: u64 = 1_000_000_000;
/// Decimals that are always printed.
const LEAST_DECIMALS: usize = 2;
/// Characters that hold what a call costs.
const EXPECTED_DIGITS: usize = 16;

/// An amount of US dollars in billionths. At most about 18 billion dollars; sums stop there.
///
/// Displays as dollars with two to nine decimals: `$0.60`, `$0.000000075`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanodollars(u64);

impl Nanodollars {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// More than anybody has.
    pub const MAX: Self = Self(u64::MAX);

    /// Makes an amount of billionths of a dollar.
    pub const fn new(nanodollars: u64) -> Self {
        Self(nanodollars)
    }

    /// Makes an amount of whole dollars.
    pub const fn dollars(dollars: u64) -> Self {
        Self(dollars.saturating_mul(DOLLAR))
    }

    /// Returns the billionths of a dollar.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Adds; `None` beyond the largest amount.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Adds; stops at the largest amount.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts; stops at zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns dollars without the sign, with two to nine decimals.
    pub fn in_digits(self) -> String {
        let mut digits = String::with_capacity(EXPECTED_DIGITS);
        self.write_digits(&mut digits);
        digits
    }

    fn write_digits(self, out: &mut String) {
        let put = |piece: &str| out.push_str(piece);
        digits::fraction(self.0 / DOLLAR, self.0 % DOLLAR, LEAST_DECIMALS, put);
    }

    /// Returns dollars as metrics have them. Not for sums: a float holds 15 digits.
    #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / DOLLAR as f64
    }
}

impl Sum for Nanodollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Nanodollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(EXPECTED_DIGITS);
        text.push('$');
        self.write_digits(&mut text);
        f.write_str(&text)
    }
}
