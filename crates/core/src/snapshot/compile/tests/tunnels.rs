//! `tunnel` at every level, and the environment's.

use super::*;
use crate::snapshot::{BaseUrl, FromEnvironment};

fn endpoint(tls: bool) -> BaseUrl {
    let port = if tls { 443 } else { 80 };
    BaseUrl { tls, host: "api.example".into(), port, path: "".into(), reach: Default::default() }
}

fn printed(environment: &FromEnvironment, tls: bool) -> Option<String> {
    environment.tunnel(&endpoint(tls)).map(ToString::to_string)
}

#[test]
fn a_bad_tunnel_is_named_at_its_place_and_not_repeated() {
    let text = "
tunnel: https://top-secret.example
providers:
  p: { wire: anthropic, base_url: 'http://127.0.0.1', tunnel: [socks5://top-secret:1] }
accounts:
  - { id: a, provider: openai, key: k-1, tunnel: 'socks5://user:@top-secret:1' }
combos:
  c: { targets: [openai/x], tunnel: 'top-secret' }
client_keys:
  - { name: k, key: key-12345, tunnel: 'http://top-secret:1/path' }
";

    let lines = file(text).problems();

    let paths = [
        "tunnel: the scheme",
        "providers.p.tunnel: a URL or `direct`",
        "accounts[0].tunnel: user and password",
        "combos.c.tunnel: this is not the URL",
        "client_keys[0].tunnel: the URL of a tunnel ends with its port",
    ];
    assert_eq!(lines.len(), paths.len(), "{lines:#?}");
    for (line, path) in lines.iter().zip(paths) {
        assert!(line.contains(path), "{line}");
        assert!(!line.contains("top-secret"), "{line}");
    }
}

#[test]
fn a_chain_has_no_tunnel() {
    let lines = file("fallback_chains: { c: { models: [openai/x], tunnel: direct } }\n").problems();
    assert!(lines[0].contains("a list"), "{lines:?}");
}

#[test]
fn no_level_prints_user_or_password() {
    let text = "
tunnel: http://userword:password@global.example:1
accounts: [{ id: a, provider: openai, key: k-1, tunnel: 'socks5://userword:password@one.example:2' }]
combos: { c: { targets: [openai/x], tunnel: 'http://userword:password@two.example:3' } }
client_keys: [{ name: k, key: key-12345, tunnel: 'http://userword:password@three.example:3' }]
";

    let seen = format!("{:?}", file(text).snapshot());

    assert!(seen.contains("http://global.example:1"), "{seen}");
    assert!(seen.contains("socks5://one.example:2"), "{seen}");
    assert!(!seen.contains("userword") && !seen.contains("password"), "{seen}");
}

#[test]
fn an_operators_tunnel_goes_over_a_builtin_providers() {
    let snapshot = file("providers: { openai: { tunnel: 'http://proxy.example:1' } }\n").snapshot();
    let tunnel = format!("{:?}", snapshot.by_prefix["openai"].tunnel);
    assert!(tunnel.contains("http://proxy.example:1"), "{tunnel}");
}

#[test]
fn the_environment_is_read_as_curl_reads_it() {
    type Env = &'static [(&'static str, &'static str)];
    let cases: [(Env, Option<&str>, Option<&str>); 8] = [
        (&[], None, None),
        (&[("HTTPS_PROXY", "http://a:1")], Some("http://a:1"), None),
        (&[("HTTP_PROXY", "http://a:1")], None, Some("http://a:1")),
        (&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")], Some("http://a:1"), None),
        (
            &[("https_proxy", ""), ("ALL_PROXY", "c:8080")],
            Some("http://c:8080"),
            Some("http://c:8080"),
        ),
        (
            &[("all_proxy", "socks5h://d"), ("http_proxy", "http://e:1")],
            Some("socks5://d:1080"),
            Some("http://e:1"),
        ),
        (&[("ALL_PROXY", "http://a:1"), ("NO_PROXY", "example")], None, None),
        (&[("ALL_PROXY", "http://a:1"), ("no_proxy", "api.example:443")], None, Some("http://a:1")),
    ];
    for (env, https, http) in cases {
        let setup = env.iter().fold(file("{}\n"), |setup, (name, value)| setup.env(name, value));
        let environment = setup.snapshot().tunnels.environment;

        assert_eq!(printed(&environment, true).as_deref(), https, "{env:?}");
        assert_eq!(printed(&environment, false).as_deref(), http, "{env:?}");
    }
}

#[test]
fn a_bad_variable_is_refused_unless_the_file_says_how_calls_leave() {
    let bad = "https://userword:password@proxy.example:1";

    let lines = file("{}\n").env("HTTPS_PROXY", bad).problems();

    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("environment: HTTPS_PROXY: the scheme"), "{lines:?}");
    assert!(lines[0].contains("tunnel: direct"), "{lines:?}");
    assert!(!lines[0].contains("userword") && !lines[0].contains("password"), "{lines:?}");
    let said = file("tunnel: direct\n").env("HTTPS_PROXY", bad).snapshot();
    assert!(said.tunnels.environment.https.is_none());
}
