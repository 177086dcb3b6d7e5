//! What is added up, and for whom.

use omniroute_core::usage::{Tokens, UsageRecord};
use omniroute_wire::json::Object;
use serde::{Deserialize, Serialize};

use crate::store::row::write_text;
use crate::store::{Key, Record};

/// For whom calls are added up. A part that a call does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The provider that was asked last.
    pub provider: Box<str>,
    /// Its account.
    pub account: Box<str>,
    /// The provider's model; the name that the client wrote if nobody was asked.
    pub model: Box<str>,
    /// The client key.
    pub client_key: Box<str>,
    /// The combo or fallback chain.
    pub combo: Box<str>,
}

/// The parts of a [`Who`], borrowed of a record; they sort as it does.
pub(super) type Parts<'a> = [&'a str; 5];

/// Returns for whom a call counts.
pub(super) fn parts_of(record: &UsageRecord) -> Parts<'_> {
    [
        record.provider.as_deref().unwrap_or_default(),
        record.account.as_deref().unwrap_or_default(),
        record.model.as_deref().unwrap_or(&record.asked),
        record.client_key.as_deref().unwrap_or_default(),
        record.combo.as_deref().unwrap_or_default(),
    ]
}

impl From<Parts<'_>> for Who {
    fn from(parts: Parts<'_>) -> Self {
        let [provider, account, model, client_key, combo] = parts.map(Box::from);
        Self { provider, account, model, client_key, combo }
    }
}

impl Who {
    /// Returns for whom a call counts.
    pub fn of(record: &UsageRecord) -> Self {
        parts_of(record).into()
    }

    fn parts(&self) -> [&str; 5] {
        [&self.provider, &self.account, &self.model, &self.client_key, &self.combo]
    }
}

impl Key for Who {
    fn write(&self, bytes: &mut Vec<u8>) {
        for part in self.parts() {
            write_text(part, bytes);
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            provider: Key::read(bytes)?,
            account: Key::read(bytes)?,
            model: Key::read(bytes)?,
            client_key: Key::read(bytes)?,
            combo: Key::read(bytes)?,
        })
    }
}

/// Calls, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// How many.
    pub calls: u64,
    /// How many the client got no whole good answer of.
    pub failed: u64,
    /// How many were cut after they had begun.
    pub interrupted: u64,
    /// Accounts that were tried, all together.
    pub attempts: u64,
    /// How many were streams.
    pub streams: u64,
    /// How many had tokens of our own count.
    pub estimated: u64,
    /// Their tokens.
    pub tokens: Tokens,
    /// What they cost, in nanodollars, as far as prices were known.
    pub cost_nanodollars: u64,
    /// How many used tokens whose price was not known.
    pub unpriced: u64,
    /// How many the time to the first byte is known of, and those times in microseconds.
    pub first_bytes: u64,
    /// See `first_bytes`.
    pub first_byte_us: u64,
    /// How long they took, in microseconds.
    pub duration_us: u64,
}

impl Record for Sums {
    /// Without what is zero: most of it is, and readers take it as zero.
    fn write_json(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let Self {
            calls,
            failed,
            interrupted,
            attempts,
            streams,
            estimated,
            tokens,
            cost_nanodollars,
            unpriced,
            first_bytes,
            first_byte_us,
            duration_us,
        } = *self;
        let numbers = [
            ("calls", calls),
            ("failed", failed),
            ("interrupted", interrupted),
            ("attempts", attempts),
            ("streams", streams),
            ("estimated", estimated),
            ("cost_nanodollars", cost_nanodollars),
            ("unpriced", unpriced),
            ("first_bytes", first_bytes),
            ("first_byte_us", first_byte_us),
            ("duration_us", duration_us),
        ];
        let mut sums = Object::begin(bytes);
        numbers.into_iter().for_each(|(name, number)| sums.some_count(name, number));
        tokens.write_json(sums.field("tokens"));
        sums.end();
        Ok(())
    }
}

impl Sums {
    /// Returns the sums of one call.
    pub fn of(record: &UsageRecord) -> Self {
        let has_tokens = record.tokens != Tokens::default();
        Self {
            calls: 1,
            failed: u64::from(!record.is_success()),
            interrupted: u64::from(record.interrupted),
            attempts: u64::from(record.attempts),
            streams: u64::from(record.stream),
            estimated: u64::from(record.estimated),
            tokens: record.tokens,
            cost_nanodollars: record.cost_nanodollars.unwrap_or_default(),
            unpriced: u64::from(record.cost_nanodollars.is_none() && has_tokens),
            first_bytes: u64::from(record.first_byte_us.is_some()),
            first_byte_us: record.first_byte_us.unwrap_or_default(),
            duration_us: record.duration_us,
        }
    }

    /// Adds other sums.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.calls, other.calls),
            (&mut self.failed, other.failed),
            (&mut self.interrupted, other.interrupted),
            (&mut self.attempts, other.attempts),
            (&mut self.streams, other.streams),
            (&mut self.estimated, other.estimated),
            (&mut self.cost_nanodollars, other.cost_nanodollars),
            (&mut self.unpriced, other.unpriced),
            (&mut self.first_bytes, other.first_bytes),
            (&mut self.first_byte_us, other.first_byte_us),
            (&mut self.duration_us, other.duration_us),
        ];
        for (sum, number) in pairs {
            *sum = sum.saturating_add(number);
        }
        self.tokens.add(&other.tokens);
    }
}
