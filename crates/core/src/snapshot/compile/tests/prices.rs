//! Prices: the built-in ones, and what an operator says over them.

use super::*;
use crate::money::{Nanodollars, Price};

fn price<'s>(snapshot: &'s Snapshot, provider: &str, model: &str) -> Option<&'s Price> {
    snapshot.prices.find(&snapshot.by_prefix[provider].id, model)
}

#[test]
fn catalogue_models_without_a_price_are_these() {
    let snapshot = no_file().snapshot();
    let mut unknown: Vec<String> = Vec::new();
    for provider in snapshot.providers.values() {
        for model in provider.models.keys() {
            if snapshot.prices.of(&crate::snapshot::Target::new(provider, model)).is_none() {
                unknown.push(format!("{}/{model}", provider.prefix));
            }
        }
    }
    unknown.sort();
    insta::assert_snapshot!("without_price", unknown.join("\n"));
}

#[test]
fn built_in_prices_are_what_the_vendors_say() {
    let snapshot = no_file().snapshot();
    let sonnet = &price(&snapshot, "anthropic", "claude-sonnet-4-5").unwrap();
    let dollars = |rate: Nanodollars| rate.to_string();
    assert_eq!(dollars(sonnet.base.input), "$3.00");
    assert_eq!(dollars(sonnet.base.cache_write_long.unwrap()), "$6.00");
    assert_eq!(dollars(sonnet.rates(200_001).output), "$22.50");
    assert_eq!(dollars(sonnet.web_search), "$0.01");
    let flash = &price(&snapshot, "gemini", "gemini-2.5-flash").unwrap().base;
    assert_eq!(flash.audio_input, Some(Nanodollars::dollars(1)));
}

#[test]
fn a_subscription_costs_nothing_and_an_unknown_price_is_none() {
    let snapshot = no_file().snapshot();
    for prefix in ["cc", "cx", "gh", "gc", "ag", "if", "qw", "kr", "kmc"] {
        assert!(price(&snapshot, prefix, "whatever-comes-next").unwrap().is_free(), "{prefix}");
    }
    // The one behind another name has the same price.
    assert!(price(&snapshot, "gc", "gemini-3-flash-preview").is_some());
    assert!(price(&snapshot, "openai", "dall-e-3").is_none());
    assert!(price(&snapshot, "openrouter", "anything").is_none());
}

#[test]
fn the_operator_has_the_last_word() {
    let snapshot = file(
        "pricing:
  cc/claude-opus-4-6: { input: $5, output: $25, reasoning: $26, per_request: $0.001, web_search: $0.01 }
  openai/gpt-5.1: { input: $1, output: $2, audio_input: $3, tiers: [{ above: 300, output: $9 }, { above: 100, input: $4 }] }
  openrouter/*: { input: $0, output: $0 }",
    )
    .snapshot();
    let opus = price(&snapshot, "cc", "claude-opus-4-6").unwrap();
    assert_eq!(
        (opus.base.reasoning, opus.per_request),
        (Some(Nanodollars::dollars(26)), Nanodollars::new(1_000_000))
    );
    let gpt = price(&snapshot, "openai", "gpt-5.1").unwrap();
    assert_eq!(gpt.base.cache_read, None, "the whole entry is the operator's");
    let at = |tokens| {
        let rates = gpt.rates(tokens);
        (rates.input, rates.output, rates.audio_input)
    };
    let usd = Nanodollars::dollars;
    assert_eq!(at(100), (usd(1), usd(2), Some(usd(3))));
    assert_eq!(at(101), (usd(4), usd(2), Some(usd(3))));
    assert_eq!(at(301), (usd(1), usd(9), Some(usd(3))));
    assert!(price(&snapshot, "openrouter", "anything").unwrap().is_free());
    assert!(price(&snapshot, "cc", "claude-haiku-4-5-20251001").unwrap().is_free());
}

#[test]
fn a_bad_price_is_named() {
    let problems = file(
        "pricing:
  openai/gpt-5.1: { input: $1, output: 2 }
  opnai/gpt-5.1: { input: $1, output: $2 }
  openai/gpt-5.2: { input: $1, output: $2, cached: $1 }
  openai/gpt-5: { input: $1, output: $2, tiers: [{ input: $1 }] }
  gpt-5: { input: $1, output: $2 }",
    )
    .problems();
    insta::assert_snapshot!("bad_prices", problems.join("\n"));
}
