//! Tokens by class, as sums.

use omniroute_wire::Usage;
use serde::{Deserialize, Serialize};

/// Tokens of one call or of many. The classes are those of [`Usage`]; what was not said counts as none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Input without cache reads and writes.
    #[serde(skip_serializing_if = "is_zero")]
    pub input: u64,
    /// Input read from the provider's prompt cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input written to the provider's prompt cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// The part of `cache_write` that lives an hour or longer.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_long: u64,
    /// Everything generated, reasoning included.
    #[serde(skip_serializing_if = "is_zero")]
    pub output: u64,
    /// The part of `output` that is reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// The part of the input that is sound.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_input: u64,
    /// The part of `output` that is sound.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_output: u64,
    /// The part of the input that is pictures.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_input: u64,
    /// The part of `output` that is pictures.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_output: u64,
    /// Web searches the provider ran and bills.
    #[serde(skip_serializing_if = "is_zero")]
    pub web_searches: u64,
}

impl Tokens {
    /// Returns all input: fresh, read from the cache and written to it.
    pub const fn input_total(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// Adds the tokens of another call.
    pub fn add(&mut self, other: &Self) {
        for (sum, number) in self.classes().into_iter().zip(other.numbers()) {
            *sum = sum.saturating_add(number);
        }
    }

    const fn classes(&mut self) -> [&mut u64; 11] {
        [
            &mut self.input,
            &mut self.cache_read,
            &mut self.cache_write,
            &mut self.cache_write_long,
            &mut self.output,
            &mut self.reasoning,
            &mut self.audio_input,
            &mut self.audio_output,
            &mut self.image_input,
            &mut self.image_output,
            &mut self.web_searches,
        ]
    }

    fn numbers(mut self) -> [u64; 11] {
        self.classes().map(|number| *number)
    }
}

impl From<&Usage> for Tokens {
    fn from(usage: &Usage) -> Self {
        let said = Option::unwrap_or_default;
        Self {
            input: said(usage.input),
            cache_read: said(usage.cache_read),
            cache_write: said(usage.cache_write),
            cache_write_long: said(usage.cache_write_long),
            output: said(usage.output),
            reasoning: said(usage.reasoning),
            audio_input: said(usage.audio_input),
            audio_output: said(usage.audio_output),
            image_input: said(usage.image_input),
            image_output: said(usage.image_output),
            web_searches: said(usage.web_searches),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_taken_over_and_added() {
        let usage = Usage {
            input: Some(1),
            cache_read: Some(2),
            cache_write: Some(3),
            cache_write_long: Some(4),
            output: Some(5),
            reasoning: Some(6),
            audio_input: Some(7),
            audio_output: Some(8),
            image_input: Some(9),
            image_output: Some(10),
            web_searches: Some(11),
            estimated: false,
        };
        let mut sum = Tokens::from(&usage);

        sum.add(&Tokens::from(&usage));

        assert_eq!(sum.numbers(), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22]);
        assert_eq!(sum.input_total(), 12);
        assert_eq!(serde_json::to_string(&Tokens::default()).unwrap(), "{}");
    }
}
