//! What a model costs, by kind of token.

use std::fmt;

use sha2::{Digest, Sha256};

use super::Nanodollars;

/// Prices of a million tokens each. A kind that has no price of its own costs what the kind it is part
/// of costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Input that no cache had.
    pub input: Nanodollars,
    /// Everything generated.
    pub output: Nanodollars,
    /// Input read from a cache; else as `input`.
    pub cache_read: Option<Nanodollars>,
    /// Input written to a cache that lives minutes; else as `input`.
    pub cache_write: Option<Nanodollars>,
    /// Input written to a cache that lives an hour or longer; else as `cache_write`.
    pub cache_write_long: Option<Nanodollars>,
    /// The part of the output that is reasoning; else as `output`.
    pub reasoning: Option<Nanodollars>,
    /// The part of the input that is sound; else as `input`.
    pub audio_input: Option<Nanodollars>,
    /// The part of the output that is sound; else as `output`.
    pub audio_output: Option<Nanodollars>,
    /// The part of the input that is pictures; else as `input`.
    pub image_input: Option<Nanodollars>,
    /// The part of the output that is pictures; else as `output`.
    pub image_output: Option<Nanodollars>,
}

/// The price of a model: rates, dearer rates for long prompts, and fees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// What tokens cost, unless the prompt is longer than a tier says.
    pub base: Rates,
    /// What tokens cost after longer prompts, the shortest first.
    pub tiers: Box<[Tier]>,
    /// A fee of every call.
    pub per_request: Nanodollars,
    /// A fee of every web search that the provider runs.
    pub web_search: Nanodollars,
    version: PriceVersion,
}

/// What all tokens of a call cost whose prompt is longer than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The longest prompt that is cheaper, in tokens, cache included.
    pub above: u64,
    /// The rates.
    pub rates: Rates,
}

/// Tells prices apart: two prices have the same version if and only if they say the same.
///
/// The first 64 bits of a SHA-256 over what the price says, so that it is the same after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceVersion(u64);

impl Price {
    /// Makes a price. Tiers are put in order.
    pub fn new(
        base: Rates,
        mut tiers: Vec<Tier>,
        per_request: Nanodollars,
        web_search: Nanodollars,
    ) -> Self {
        tiers.sort_by_key(|tier| tier.above);
        let tiers = tiers.into_boxed_slice();
        let version = PriceVersion::of(&base, &tiers, [per_request, web_search]);
        Self { base, tiers, per_request, web_search, version }
    }

    /// Makes a price of input and output alone.
    pub fn flat(input: Nanodollars, output: Nanodollars) -> Self {
        let base = Rates { input, output, ..Rates::default() };
        Self::new(base, Vec::new(), Nanodollars::ZERO, Nanodollars::ZERO)
    }

    /// Returns what tells this price from others.
    pub const fn version(&self) -> PriceVersion {
        self.version
    }

    /// Returns the rates of a call with a prompt of so many tokens.
    pub fn rates(&self, prompt_tokens: u64) -> &Rates {
        let reached = self.tiers.iter().rev().find(|tier| prompt_tokens > tier.above);
        reached.map_or(&self.base, |tier| &tier.rates)
    }

    /// Tells whether nothing of it costs anything: a subscription, or a model of one's own.
    pub fn is_free(&self) -> bool {
        let mut all = std::iter::once(&self.base).chain(self.tiers.iter().map(|tier| &tier.rates));
        let is_zero = |amount: Nanodollars| amount == Nanodollars::ZERO;
        all.all(|rates| rates.named().iter().all(|(_, rate)| rate.is_none_or(is_zero)))
            && is_zero(self.per_request)
            && is_zero(self.web_search)
    }
}

impl Rates {
    /// Returns all rates by the YAML's names.
    pub const fn named(&self) -> [(&'static str, Option<Nanodollars>); 10] {
        [
            ("input", Some(self.input)),
            ("output", Some(self.output)),
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("cache_write_1h", self.cache_write_long),
            ("reasoning", self.reasoning),
            ("audio_input", self.audio_input),
            ("audio_output", self.audio_output),
            ("image_input", self.image_input),
            ("image_output", self.image_output),
        ]
    }
}

impl PriceVersion {
    fn of(base: &Rates, tiers: &[Tier], fees: [Nanodollars; 2]) -> Self {
        let mut hash = Sha256::new();
        let mut take = |above: u64, rates: &Rates| {
            hash.update(above.to_be_bytes());
            for (name, rate) in rates.named() {
                let Some(rate) = rate else { continue };
                hash.update(name);
                hash.update(rate.get().to_be_bytes());
            }
        };
        take(0, base);
        for tier in tiers {
            take(tier.above, &tier.rates);
        }
        for fee in fees {
            hash.update(fee.get().to_be_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let first = digest.first_chunk().copied().unwrap_or_default();
        Self(u64::from_be_bytes(first))
    }

    /// Returns it as a number, for stores.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Makes it of a stored number.
    pub const fn from_stored(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for PriceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
