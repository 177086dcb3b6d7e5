//! Addresses that come through the API must be public, unless the provider says otherwise.

use serde_json::{Value, json};

use super::{Setup, no_file};
use crate::ids::ProviderId;
use crate::reach::Reach;
use crate::written::Kind;

fn provider(host: &str) -> Value {
    json!({
        "wire": "openai_chat",
        "base_url": format!("http://{host}:80/v1"),
        "auth": { "kind": "none" },
        "models": ["m"],
    })
}

fn is_refused(setup: &Setup, path: &str) -> bool {
    let Err(problems) = setup.compile() else { return false };
    problems.as_slice().iter().any(|problem| {
        problem.path == path && problem.file == "dashboard" && problem.what.contains("not public")
    })
}

#[test]
fn addresses_of_ones_own_network_are_refused_however_they_are_written() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:10.0.0.1]",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::a00:1]",
        "[2002:7f00:1::]",
        "[2001:db8::1]",
        "localhost",
        "LOCALHOST.",
        "db.internal",
        "a.local",
        "127.0.0.1.",
        "１２７.0.0.1",
        "metadata.google.internal",
    ] {
        let written = provider(host);
        let stored = no_file().stored(Kind::Provider, "near", written.clone());
        assert!(is_refused(&stored, "providers[\"near\"].base_url"), "{host}");
        let mut allowed = written;
        allowed["allow_private"] = json!(true);
        let snapshot = no_file().stored(Kind::Provider, "near", allowed).snapshot();
        let base_url = &snapshot.providers[&ProviderId::new("near")].base_url;
        assert_eq!(base_url.reach, Reach::Anywhere, "{host}");
    }
    for host in ["api.example.com", "8.8.8.8", "[2606:4700::1111]"] {
        let snapshot = no_file().stored(Kind::Provider, "far", provider(host)).snapshot();
        let base_url = &snapshot.providers[&ProviderId::new("far")].base_url;
        assert_eq!(base_url.reach, Reach::Public, "{host}: what it leads to is looked at later");
    }
}

#[test]
fn an_account_of_its_own_endpoint_follows_its_provider() {
    let account = |provider: &str| json!({ "provider": provider, "key": "sk-1", "base_url": "http://127.0.0.1:9/v1" });
    let stored = no_file().stored(Kind::Account, "a", account("openai"));
    assert!(is_refused(&stored, "accounts[\"a\"].base_url"));

    let mut near = provider("127.0.0.1");
    near["auth"] = json!({ "kind": "static_key" });
    near["allow_private"] = json!(true);
    let stored = no_file().stored(Kind::Provider, "near", near);
    let snapshot = stored.stored(Kind::Account, "a", account("near")).snapshot();
    let (_, accounts) = snapshot.accounts.iter().next().unwrap();
    assert_eq!(accounts[0].endpoint().reach, Reach::Anywhere);
}
