//! Which tunnel a call takes.

use super::kit::{World, of_with, world};

/// A provider with an account that has no tunnel and one that has; groups of every nesting.
const LEVELS: &str = "
providers:
  tunnelled: { wire: openai_chat, base_url: 'https://api.example', auth: { kind: static_key, header: x-key }, tunnel: 'http://provider:1' }
  plain: { wire: openai_chat, base_url: 'https://plain.example', auth: { kind: static_key, header: x-key } }
  near: { wire: openai_chat, base_url: 'http://near.example', auth: { kind: static_key, header: x-key } }
  shut: { wire: openai_chat, base_url: 'https://shut.example', auth: { kind: static_key, header: x-key }, tunnel: direct }
accounts:
  - { id: t-bare, provider: tunnelled, key: k-1 }
  - { id: t-own, provider: tunnelled, key: k-2, tunnel: 'socks5://account:1' }
  - { id: t-direct, provider: tunnelled, key: k-3, tunnel: direct }
  - { id: p-bare, provider: plain, key: k-4 }
  - { id: n-bare, provider: near, key: k-5 }
  - { id: s-bare, provider: shut, key: k-6 }
combos:
  inner: { targets: [tunnelled/m], tunnel: 'http://inner:1' }
  bare: { targets: [tunnelled/m] }
  outer: { targets: [inner], tunnel: 'http://outer:1' }
  around: { targets: [bare], tunnel: 'http://outer:1' }
  through-chain: { targets: [chain], tunnel: 'http://outer:1' }
  unused: { targets: [tunnelled/m, plain/m], tunnel: 'http://unused:1' }
  direct: { targets: [tunnelled/m], tunnel: direct }
fallback_chains:
  chain: [tunnelled/m]
client_keys:
  - { name: bare, key: bare-key, models: ['*'] }
  - { name: own, key: own-key-1, tunnel: 'socks5://u:p@client:1' }
  - { name: direct, key: direct-key, tunnel: direct }
";

/// Returns `level tunnel` of one account's choice, or `direct`.
fn way(world: &World, key: &str, name: &str, account: &str) -> String {
    let mut plan = world.plan(name);
    let choice = loop {
        let choice = world.choose(&mut plan);
        if choice.account.id.as_str() == account {
            break choice;
        }
    };
    let caller = world.snapshot.client_keys.find(key.as_bytes()).map(|key| &**key);
    match choice.tunnel(caller, &world.snapshot) {
        Some((tunnel, level)) => format!("{} {tunnel}", level.name()),
        None => "direct".to_owned(),
    }
}

#[test]
fn the_first_level_that_says_something_decides() {
    let world = world_of("tunnel: 'socks5://global:1'\n", &[]);
    for (key, name, account, expected) in [
        ("", "tunnelled/m", "t-bare", "provider http://provider:1"),
        ("bare-key", "tunnelled/m", "t-bare", "provider http://provider:1"),
        ("", "tunnelled/m", "t-own", "account socks5://account:1"),
        ("", "tunnelled/m", "t-direct", "direct"),
        ("", "plain/m", "p-bare", "global socks5://global:1"),
        ("", "shut/m", "s-bare", "direct"),
        ("", "inner", "t-bare", "combo http://inner:1"),
        ("", "inner", "t-own", "combo http://inner:1"),
        ("", "inner", "t-direct", "combo http://inner:1"),
        ("", "bare", "t-bare", "provider http://provider:1"),
        ("", "outer", "t-bare", "combo http://inner:1"),
        ("", "around", "t-bare", "combo http://outer:1"),
        ("", "around", "t-own", "combo http://outer:1"),
        ("", "through-chain", "t-bare", "combo http://outer:1"),
        ("", "chain", "t-bare", "provider http://provider:1"),
        ("", "direct", "t-own", "direct"),
        ("own-key-1", "tunnelled/m", "t-own", "client_key socks5://client:1"),
        ("own-key-1", "inner", "t-bare", "client_key socks5://client:1"),
        ("own-key-1", "direct", "t-direct", "client_key socks5://client:1"),
        ("own-key-1", "plain/m", "p-bare", "client_key socks5://client:1"),
        ("direct-key", "outer", "t-own", "direct"),
        ("direct-key", "plain/m", "p-bare", "direct"),
    ] {
        assert_eq!(way(&world, key, name, account), expected, "{key} {name} {account}");
    }
}

#[test]
fn a_combo_that_a_request_does_not_go_through_says_nothing() {
    let world = world_of("", &[]);

    assert_eq!(way(&world, "", "plain/m", "p-bare"), "direct", "though `unused` holds the model");
    assert_eq!(way(&world, "", "unused", "p-bare"), "combo http://unused:1");
}

#[test]
fn the_environment_comes_last_and_knows_schemes_and_exceptions() {
    let both = [("HTTPS_PROXY", "http://secure:1"), ("http_proxy", "http://open:1")];
    let all = [("ALL_PROXY", "socks5://all:1"), ("no_proxy", "near.example")];
    for (more, env, name, account, expected) in [
        ("", &both, "plain/m", "p-bare", "environment http://secure:1"),
        ("", &both, "near/m", "n-bare", "environment http://open:1"),
        ("", &both, "tunnelled/m", "t-bare", "provider http://provider:1"),
        ("", &both, "shut/m", "s-bare", "direct"),
        ("", &all, "plain/m", "p-bare", "environment socks5://all:1"),
        ("", &all, "near/m", "n-bare", "direct"),
        ("tunnel: 'http://global:1'\n", &all, "near/m", "n-bare", "global http://global:1"),
        ("tunnel: direct\n", &both, "plain/m", "p-bare", "direct"),
    ] {
        let world = world_of(more, env);
        assert_eq!(way(&world, "", name, account), expected, "{more} {env:?} {name}");
    }
}

#[test]
fn exceptions_of_the_environment_are_not_for_tunnels_of_the_file() {
    let more = "combos:\n  near-by: { targets: [al/m], tunnel: 'http://combo:1' }\n";
    assert_eq!(way(&world(more), "", "near-by", "a-first"), "combo http://combo:1");
    let config = format!("{}{more}", super::kit::PROVIDERS);
    let world = of_with(&config, &[("NO_PROXY", "*"), ("ALL_PROXY", "http://env:1")]);
    assert_eq!(way(&world, "", "near-by", "a-first"), "combo http://combo:1");
    assert_eq!(way(&world, "", "al/m", "a-first"), "direct");
}

fn world_of(more: &str, env: &[(&'static str, &'static str)]) -> World {
    of_with(&format!("{LEVELS}{more}"), env)
}
