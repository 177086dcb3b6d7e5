use omniroute_wire::Usage;
use proptest::prelude::*;

use super::*;

const fn usd(nanodollars: u64) -> Nanodollars {
    Nanodollars::new(nanodollars)
}

/// $3 in, $15 out, with every kind of token priced apart and dearer prompts above 200,000 tokens.
fn price() -> Price {
    let base = Rates {
        input: usd(3_000_000_000),
        output: usd(15_000_000_000),
        cache_read: Some(usd(300_000_000)),
        cache_write: Some(usd(3_750_000_000)),
        cache_write_long: Some(usd(6_000_000_000)),
        reasoning: Some(usd(16_000_000_000)),
        audio_input: Some(usd(40_000_000_000)),
        audio_output: Some(usd(80_000_000_000)),
        image_input: Some(usd(5_000_000_000)),
        image_output: Some(usd(30_000_000_000)),
    };
    let long = Rates { input: usd(6_000_000_000), output: usd(22_500_000_000), ..base };
    let tier = Tier { above: 200_000, rates: long };
    Price::new(base, vec![tier], usd(1_000_000), usd(10_000_000))
}

#[test]
fn amounts_read_as_dollars() {
    let check = |nanodollars, text: &str| assert_eq!(usd(nanodollars).to_string(), text);
    check(0, "$0.00");
    check(600_000_000, "$0.60");
    check(1_234_500_000, "$1.2345");
    check(75, "$0.000000075");
    assert_eq!(Nanodollars::dollars(50).to_string(), "$50.00");
    assert_eq!(Nanodollars::MAX.checked_add(usd(1)), None);
    assert_eq!(usd(5).minus(usd(7)), Nanodollars::ZERO);
}

#[test]
fn every_kind_of_token_has_its_price() {
    let check = |usage: Usage, nanodollars: u64| {
        // The fee of every call is on top.
        assert_eq!(charge(&usage, &price()).amount, usd(nanodollars + 1_000_000), "{usage:?}");
    };
    let some = Some(1_000);
    check(Usage::default(), 0);
    check(Usage { input: some, ..Usage::default() }, 3_000_000);
    check(Usage { output: some, ..Usage::default() }, 15_000_000);
    check(Usage { cache_read: some, ..Usage::default() }, 300_000);
    check(Usage { cache_write: some, ..Usage::default() }, 3_750_000);
    let long = Usage { cache_write: some, cache_write_long: Some(400), ..Usage::default() };
    check(long, 600 * 3_750 + 400 * 6_000);
    check(
        Usage { output: some, reasoning: Some(400), ..Usage::default() },
        600 * 15_000 + 400 * 16_000,
    );
    let sound =
        Usage { input: some, audio_input: Some(900), image_input: Some(50), ..Usage::default() };
    check(sound, 50 * 3_000 + 900 * 40_000 + 50 * 5_000);
    let sound =
        Usage { output: some, audio_output: Some(900), image_output: Some(50), ..Usage::default() };
    check(sound, 50 * 15_000 + 900 * 80_000 + 50 * 30_000);
    check(Usage { web_searches: Some(3), ..Usage::default() }, 30_000_000);
}

#[test]
fn a_long_prompt_makes_all_its_tokens_dearer() {
    let at = |read| Usage {
        input: Some(100_000),
        cache_read: Some(read),
        output: Some(1),
        ..Usage::default()
    };
    let short = charge(&at(100_000), &price()).amount;
    let long = charge(&at(100_001), &price()).amount;
    assert_eq!(short, usd(300_000_000 + 30_000_000 + 15_000 + 1_000_000));
    assert_eq!(long, usd(600_000_000 + 30_000_300 + 22_500 + 1_000_000));
}

#[test]
fn kinds_without_a_price_cost_what_they_are_part_of() {
    let plain = Price::flat(usd(2_000_000), usd(8_000_000));
    let usage = Usage {
        input: Some(10),
        audio_input: Some(4),
        cache_read: Some(10),
        cache_write: Some(10),
        cache_write_long: Some(5),
        output: Some(10),
        reasoning: Some(5),
        ..Usage::default()
    };
    assert_eq!(charge(&usage, &plain).amount, usd(30 * 2 + 10 * 8));
}

#[test]
fn one_token_of_the_cheapest_model_is_not_free() {
    let cheap = Price::flat(usd(20_000_000), usd(30_000_000));
    assert_eq!(charge(&Usage { input: Some(1), ..Usage::default() }, &cheap).amount, usd(20));
    let cheaper = Price::flat(usd(1), usd(1));
    let usage = Usage { input: Some(1), output: Some(1), ..Usage::default() };
    assert_eq!(charge(&usage, &cheaper).amount, usd(1), "rounded up, once");
}

#[test]
fn a_version_is_the_price_and_nothing_else() {
    assert_eq!(price().version(), price().version());
    assert_eq!(price().version().to_string(), "f4a51ff7e40376c2");
    let mut versions = vec![price().version()];
    for change in 0..4 {
        let mut other = price();
        match change {
            0 => other.base.cache_read = None,
            1 => other.tiers[0].above += 1,
            2 => other.per_request = usd(2),
            _ => other.web_search = usd(2),
        }
        let tiers = other.tiers.to_vec();
        versions.push(Price::new(other.base, tiers, other.per_request, other.web_search).version());
    }
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), 5);
    assert!(!price().is_free());
    assert!(Price::flat(usd(0), usd(0)).is_free());
}

fn rate() -> impl Strategy<Value = Nanodollars> {
    (0..100_000_000_000_u64).prop_map(Nanodollars::new)
}

fn rates() -> impl Strategy<Value = Rates> {
    let some = || proptest::option::of(rate());
    ((rate(), rate()), [some(), some(), some(), some()], [some(), some(), some(), some()]).prop_map(
        |((input, output), first, second)| Rates {
            input,
            output,
            cache_read: first[0],
            cache_write: first[1],
            cache_write_long: first[2],
            reasoning: first[3],
            audio_input: second[0],
            audio_output: second[1],
            image_input: second[2],
            image_output: second[3],
        },
    )
}

fn any_price() -> impl Strategy<Value = Price> {
    let tiers = proptest::collection::vec((0..300_000_u64, rates()), 0..3);
    (rates(), tiers, rate(), rate()).prop_map(|(base, tiers, per_request, web_search)| {
        let tiers = tiers.into_iter().map(|(above, rates)| Tier { above, rates }).collect();
        Price::new(base, tiers, per_request, web_search)
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let some = || proptest::option::of(0..200_000_u64);
    let parts = [some(), some(), some(), some(), some(), some(), some(), some()];
    (parts, some(), some(), proptest::option::of(0..20_u64)).prop_map(
        |([input, cache_read, cache_write, long, output, reasoning, a, b], c, d, web_searches)| {
            Usage {
                input,
                cache_read,
                cache_write,
                cache_write_long: long,
                output,
                reasoning,
                audio_input: a,
                audio_output: b,
                image_input: c,
                image_output: d,
                web_searches,
                estimated: false,
            }
        },
    )
}

proptest! {
    #[test]
    fn no_usage_within_a_demand_costs_more_than_its_most(usage in usage(), price in any_price(), room in 0..1000_u64) {
        let is_some = |tokens: Option<u64>| tokens.unwrap_or(0) > 0;
        let media = [usage.audio_input, usage.audio_output, usage.image_input, usage.image_output];
        let demand = Demand {
            input: usage.input_total().unwrap_or(0) + room,
            output: usage.output.unwrap_or(0),
            searches: usage.web_searches.unwrap_or(0),
            has_media: media.into_iter().any(is_some),
        };
        prop_assert!(charge(&usage, &price).amount <= most(&demand, &price));
    }

    #[test]
    fn a_charge_is_the_exact_sum_rounded_up_once(tokens in 0..u64::from(u32::MAX), rate in 0..u64::from(u32::MAX)) {
        let price = Price::flat(usd(rate), usd(rate));
        let usage = Usage { input: Some(tokens), output: Some(tokens), ..Usage::default() };
        let exact = 2 * u128::from(tokens) * u128::from(rate);
        prop_assert_eq!(u128::from(charge(&usage, &price).amount.get()), exact.div_ceil(1_000_000));
    }
}
