//! Fallback chains, by name and by model.

use std::time::Duration;

use omniroute_core::verdict::Rest;

use super::kit::{World, world};

const CHAINS: &str = "
combos:
  pair: { targets: [al/shared, al/small] }
aliases: { cheap: al/tiny }
fallback_chains:
  production: [al/shared, beta/large, cheap]
  second: [beta/large, al/last]
routing: { max_attempts: 16 }
";

fn models(world: &World, name: &str) -> Vec<String> {
    let mut models: Vec<String> =
        world.order(name).iter().map(|tried| tried.split(':').nth(1).unwrap().to_owned()).collect();
    models.dedup();
    models
}

#[test]
fn a_chain_may_be_asked_for_by_name() {
    assert_eq!(models(&world(CHAINS), "production"), ["shared", "large", "tiny", "last"]);
}

#[test]
fn a_member_that_fails_leads_to_what_follows_it() {
    let world = world(CHAINS);
    assert_eq!(models(&world, "al/shared"), ["shared", "large", "tiny"]);
    assert_eq!(models(&world, "beta/large"), ["large", "tiny", "last"], "of all its chains");
    assert_eq!(models(&world, "cheap"), ["tiny"], "nothing follows the last one");
    assert_eq!(models(&world, "al/other"), ["other"], "it is in no chain");
}

#[test]
fn a_combo_leads_to_the_chains_of_its_members_when_it_is_through() {
    assert_eq!(models(&world(CHAINS), "pair"), ["shared", "small", "large", "tiny"]);
}

#[test]
fn whoever_rests_is_passed_over_in_a_chain_too() {
    let world = world(CHAINS);
    for account in ["a-first", "a-late"] {
        world.rest_model(account, "shared", Rest::Away(Some(Duration::from_secs(60))));
    }
    assert_eq!(world.first("al/shared"), "b-one:large");
}

#[test]
fn explain_says_that_a_chain_follows() {
    let explanation = world(CHAINS).explain("al/shared").to_string();
    assert!(explanation.contains("member of a fallback chain"), "{explanation}");
    assert!(explanation.contains("large at beta"), "{explanation}");
}
