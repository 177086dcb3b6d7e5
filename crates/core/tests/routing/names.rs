//! What names stand for.

use omniroute_core::error::Error;
use omniroute_core::ids::ProviderId;
use omniroute_core::routing::{resolve, resolve_at};
use omniroute_core::snapshot::Node;

use super::kit::{World, world};

const NAMES: &str = "
combos:
  al/small: { targets: [beta/large] }
  inner: { targets: [al/shared, beta/large] }
  outer: { targets: [inner, beta/large, al/small-2] }
aliases:
  quick: al/small-2
  claude-*: beta/large
  claude-opus-*: al/shared
  be*: al/shared
";

fn target(name: &str) -> String {
    match resolve(&world(NAMES).snapshot, name).unwrap_or_else(|e| panic!("{name}: {e}")).root {
        Node::Target(target) => format!("{}:{}", target.provider.id, target.model),
        Node::Group(group) => group.name.to_string(),
    }
}

#[test]
fn names_are_read_in_the_documented_order() {
    assert_eq!(target("al/small"), "al/small", "a combo before a prefix");
    assert_eq!(target("quick"), "alpha:small-2", "an exact alias");
    assert_eq!(target("al/anything/at-all"), "alpha:anything/at-all", "a prefix passes any model");
    assert_eq!(target("alpha/small"), "alpha:small", "the id works as a prefix");
    assert_eq!(target("beta/large"), "beta:large", "a prefix before a wildcard alias");
    assert_eq!(target("claude-opus-5"), "alpha:shared", "the most specific wildcard");
    assert_eq!(target("claude-haiku"), "beta:large");
    assert_eq!(target("large"), "beta:large", "a bare id that one provider offers");
    assert_eq!(target("al/renamed"), "alpha:real-name", "the provider's own name is sent");
}

#[test]
fn unknown_and_ambiguous_names_say_what_is_near() {
    let error = |name: &str| resolve(&world(NAMES).snapshot, name).unwrap_err();

    let ambiguous = error("shared");
    assert!(matches!(ambiguous, Error::AmbiguousModel { .. }));
    assert!(ambiguous.to_string().contains("al/shared, beta/shared"), "{ambiguous}");
    assert_eq!(ambiguous.code().status, 400);

    let near = error("quik");
    assert!(near.to_string().contains("`quick`"), "{near}");
    assert_eq!((near.code().status, near.code().name), (404, "model_not_found"));

    let elsewhere = error("lonely");
    assert!(elsewhere.to_string().contains("gamma/lonely"), "{elsewhere}");
    assert!(elsewhere.to_string().contains("account"), "{elsewhere}");
}

fn at(world: &World, provider: &str, name: &str) -> Result<String, Error> {
    let route = resolve_at(&world.snapshot, &ProviderId::new(provider), name)?;
    Ok(match route.root {
        Node::Target(target) => format!("{}:{}", target.provider.id, target.model),
        Node::Group(group) => panic!("{}", group.name),
    })
}

#[test]
fn a_providers_own_route_adds_the_prefix_and_refuses_other_providers() {
    let world = world(NAMES);
    for name in ["renamed", "al/renamed", "alpha/renamed"] {
        assert_eq!(at(&world, "alpha", name).unwrap(), "alpha:real-name", "{name}");
    }
    assert_eq!(at(&world, "alpha", "new").unwrap(), "alpha:new", "not in the catalogue");
    for name in ["beta/large", "large", "inner", "quick", "lonely/../x"] {
        let seen = at(&world, "alpha", name);
        if name == "lonely/../x" {
            assert_eq!(seen.unwrap(), "alpha:lonely/../x", "no prefix of anybody");
            continue;
        }
        let error = seen.unwrap_err();
        assert_eq!(error.code().status, 400, "{name}");
        assert!(error.to_string().contains("`alpha`"), "{error}");
    }
    assert_eq!(at(&world, "nobody", "x").unwrap_err().code().status, 400);
}
