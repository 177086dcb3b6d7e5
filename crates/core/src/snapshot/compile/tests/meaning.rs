//! What good files mean: overrides, accounts, aliases, keys.

use super::super::names::specificity;
use super::*;
use crate::ids::ProviderId;
use crate::snapshot::{Auth, ModelKind, Streaming};

#[test]
fn a_provider_of_the_catalogue_is_overridden_field_by_field() {
    let text = "
providers:
  deepseek:
    base_url: http://[::1]:9000/prefix/
    headers: { x-team: edge }
    on_status: { 429: { try_next: model } }
    models: [{ id: deepseek-chat, context_tokens: 5 }, new-model]
";

    let snapshot = file(text).snapshot();

    let deepseek = &snapshot.by_prefix["ds"];
    assert_eq!(deepseek.base_url.authority(), "[::1]:9000");
    assert!(!deepseek.base_url.tls);
    assert_eq!(&*deepseek.base_url.path, "/prefix");
    assert_eq!(&*deepseek.chat_path, "/v1/chat/completions", "the rest stays");
    assert_eq!(deepseek.on_status.len(), 2);
    assert_eq!(deepseek.facts("deepseek-chat").context_tokens, Some(5));
    assert_eq!(deepseek.facts("deepseek-chat").max_output_tokens, None, "replaced as a whole");
    assert!(deepseek.models.contains_key("new-model"));
    assert!(deepseek.models.contains_key("deepseek-reasoner"));
}

#[test]
fn a_reload_may_not_leave_an_open_listener_without_keys() {
    let closed = "server: { listen: 127.0.0.1:20128 }\n";
    assert!(file(closed).compile().is_ok());

    let lines = file(closed).bound("0.0.0.0:20128").problems();

    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("0.0.0.0:20128") && lines[0].contains("client_keys"), "{lines:?}");
}

#[test]
fn headers_of_clients_that_frame_or_identify_are_never_forwarded() {
    for name in ["content-length", "Transfer-Encoding", "host", "cookie", "authorization"] {
        let text = format!(
            "providers:\n  p: {{ wire: anthropic, base_url: 'http://127.0.0.1', forward_headers: [{name}] }}\n"
        );
        let lines = file(&text).problems();
        assert!(lines[0].contains("never passed on"), "{name}: {lines:?}");
    }
}

#[test]
fn a_base_url_that_says_the_version_is_not_given_it_twice() {
    let check = |wire: &str, base: &str, expected: &str| {
        let text =
            format!("providers:\n  p: {{ wire: {wire}, base_url: 'http://127.0.0.1{base}' }}\n");
        let snapshot = file(&text).snapshot();
        let provider = &snapshot.by_prefix["p"];
        assert_eq!(format!("{}{}", provider.base_url.path, provider.chat_path), expected);
    };
    check("openai_chat", ":8000", "/v1/chat/completions");
    check("openai_chat", ":8000/v1", "/v1/chat/completions");
    check("openai_chat", ":8000/api/v4/", "/api/v4/chat/completions");
    check("openai_chat", ":8000/vllm", "/vllm/v1/chat/completions");
    check("anthropic", ":8000/v1", "/v1/messages");
    check("gemini", ":8000/v1beta", "/v1beta/models/{model}:{action}");
}

#[test]
fn a_new_provider_takes_what_it_does_not_say_from_its_format() {
    let text = "
providers:
  house: { wire: anthropic, base_url: 'https://house.example' }
  raw: { wire: openai_chat, base_url: 'https://raw.example', auth: { kind: static_key, scheme: null } }
";

    let snapshot = file(text).snapshot();

    let house = &snapshot.by_prefix["house"];
    assert_eq!(&*house.chat_path, "/v1/messages");
    assert_eq!(house.auth, Auth::StaticKey { header: "x-api-key".parse().unwrap(), scheme: None });
    assert_eq!(house.profile.cool_down, Duration::from_secs(3));
    assert_eq!(
        snapshot.by_prefix["raw"].auth,
        Auth::StaticKey { header: http::header::AUTHORIZATION, scheme: None }
    );
}

#[test]
fn accounts_go_by_priority_and_then_by_their_order_and_only_if_enabled() {
    let text = "
accounts:
  - { id: late, provider: openai, key: k1, priority: 2 }
  - { id: off, provider: openai, key: k2, enabled: false }
  - { id: first, provider: openai, key: k3 }
  - { id: second, provider: openai, key: k4, base_url: 'https://eu.example' }
  - { id: login, provider: claude, enabled: false }
";

    let snapshot = file(text).snapshot();

    let accounts = snapshot.accounts_of(&ProviderId::new("openai"));
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["first", "second", "late"]);
    assert_eq!(&*accounts[1].endpoint().host, "eu.example");
    assert_eq!(&*accounts[0].endpoint().host, "api.openai.com");
}

#[test]
fn a_provider_without_login_has_an_account_of_its_own() {
    let provider = "providers: { local: { wire: openai_chat, base_url: 'http://127.0.0.1:1', \
                    auth: { kind: none } } }\n";

    let snapshot = file(provider).snapshot();
    let accounts = snapshot.accounts_of(&ProviderId::new("local"));
    assert_eq!((accounts.len(), accounts[0].id.as_str()), (1, "local"));
    assert!(accounts[0].key.is_none());

    let named = format!("{provider}accounts: [{{ id: mine, provider: local }}]");
    let snapshot = file(&named).snapshot();
    assert_eq!(snapshot.accounts_of(&ProviderId::new("local"))[0].id.as_str(), "mine");

    let keyed = format!("{provider}accounts: [{{ id: mine, provider: local, key: abc }}]");
    assert_eq!(
        file(&keyed).problems(),
        ["test.yaml:2:46: accounts[0].key: provider `local` takes no key; remove `key`"]
    );
    let taken = format!("{provider}accounts: [{{ id: local, provider: openai, key: abc }}]");
    assert!(file(&taken).problems()[0].contains("`local` is taken by provider `local`"));
}

#[test]
fn logins_of_later_are_refused_at_the_account() {
    let text = "
accounts:
  - { id: a, provider: claude, key: abc }
";

    assert_eq!(
        file(text).problems(),
        [
            "test.yaml:3:24: accounts[0].provider: the login `oauth_code` of `claude` is not available yet"
        ]
    );
}

#[test]
fn paths_and_deliveries_are_the_providers_own_or_the_formats() {
    let text = "
providers:
  r: { wire: openai_responses, base_url: 'https://r.example/v1', streaming: always }
  a: { wire: anthropic, base_url: 'https://a.example', paths: { count_tokens: /count } }
  c: { wire: openai_chat, base_url: 'https://c.example' }
";
    let snapshot = file(text).snapshot();
    let provider = |id: &str| Arc::clone(&snapshot.providers[&ProviderId::new(id)]);

    assert_eq!(&*provider("r").chat_path, "/responses");
    assert_eq!(provider("r").streaming, Streaming::Always);
    assert_eq!(provider("a").count_path.as_deref(), Some("/count"));
    assert_eq!(provider("c").count_path, None);
    assert_eq!(provider("c").streaming, Streaming::Both);
}

#[test]
fn a_key_may_refuse_losses() {
    let text = "client_keys: [{ name: a, key: abcdefgh, strict_translation: true }, { name: b, key: ijklmnop }]";
    let snapshot = file(text).snapshot();
    let is_strict =
        |key: &str| snapshot.client_keys.find(key.as_bytes()).unwrap().strict_translation;

    assert_eq!((is_strict("abcdefgh"), is_strict("ijklmnop")), (true, false));
}

#[test]
fn a_key_has_a_system_prompt_of_its_own_only_where_the_filter_adds_it() {
    let keys = "client_keys: [{ name: a, key: abcdefgh, system_prompt: be kind }, { name: b, key: ijklmnop, system_prompt: '' }]\n";
    let snapshot = file(keys).snapshot();
    let prompt =
        |key: &str| snapshot.client_keys.find(key.as_bytes()).unwrap().system_prompt.as_deref();
    assert_eq!((prompt("abcdefgh"), prompt("ijklmnop")), (Some("be kind"), Some("")));

    let problems = file(&format!("{keys}filters: [api_key]\n")).problems();
    let expected = "`system_prompt` has no effect: `filters` lacks `system_prompt`";
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].contains("client_keys[0].system_prompt"), "{}", problems[0]);
    assert!(problems[0].contains(expected), "{}", problems[0]);
}

#[test]
fn wildcard_aliases_are_sorted_by_how_specific_they_are() {
    let text = "
aliases:
  '*': openai/gpt-4o
  claude-*: anthropic/claude-opus-4-6
  claude-sonnet-*: anthropic/claude-sonnet-4-6
  claude-?onnet-*: anthropic/claude-sonnet-4-6
  plain: openai/gpt-4o
";

    let snapshot = file(text).snapshot();

    let patterns: Vec<&str> =
        snapshot.wildcard_aliases.iter().map(|alias| &*alias.pattern).collect();
    assert_eq!(patterns, ["claude-sonnet-*", "claude-?onnet-*", "claude-*", "*"]);
    assert!(snapshot.wildcard_aliases[0].matcher.matches("Claude-Sonnet-9"));
    assert_eq!(snapshot.exact_aliases.len(), 1);
    // 10 literal characters, one `?`, one `*`, 13 characters in all, of which one is a slash.
    assert_eq!(specificity("claude/abcd?*"), 10 * 10 - 50 - 5 + 13);
}

#[test]
fn circles_are_shown_whole_and_once() {
    let text = "
combos:
  a: { targets: [openai/gpt-4o, b] }
  b: { targets: [c-1, glm/glm-4.7] }
  self: { targets: [self] }
  fine: { targets: [glm/glm-4.7] }
  outside: { targets: [a, fine, fine] }
aliases:
  c-*: a
";

    assert_eq!(
        file(text).problems(),
        [
            "test.yaml:3:3: combos.a: combos and aliases go in a circle: a → b → c-* → a",
            "test.yaml:5:3: combos.self: combos and aliases go in a circle: self → self",
        ]
    );
}

#[test]
fn a_combo_shadows_a_prefix_and_a_prefix_shadows_a_wildcard() {
    // Were the order another, the first two would be circles.
    let text = "
combos:
  glm/glm-4.7: { targets: [openai/gpt-4o] }
  x: { targets: [glm/glm-4.7] }
aliases:
  openai/*: openai/gpt-4o-mini
";

    let snapshot = file(text).snapshot();

    assert_eq!(snapshot.groups.len(), 2);
}

#[test]
fn client_keys_are_found_by_key_or_digest_and_keep_their_rules() {
    let text = "
client_keys:
  - { name: ci, key: correct-horse, models: ['gpt-*'], expires: 2020-01-01T00:00:00Z }
  - name: boss
    key_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    scopes: [admin]
";

    let snapshot = file(text).snapshot();

    let ci = snapshot.client_keys.find(b"correct-horse").unwrap();
    assert!(ci.allows("gpt-4o") && !ci.allows("glm-4.7"));
    assert!(ci.inference && !ci.admin);
    assert!(ci.is_expired(Clock::manual(1_800_000_000).wall()));
    let boss = snapshot.client_keys.find(b"test").unwrap();
    assert!(boss.admin && !boss.inference && boss.allows("anything"));
    assert!(snapshot.client_keys.find(b"wrong").is_none());
}

#[test]
fn profiles_and_bounds_take_the_values_of_the_file() {
    let text = "
server: { max_body: 64KiB, timeouts: { idle: 7s } }
routing: { max_attempts: 16, deadline: 1m, retry_on_reset: false }
resilience:
  profiles:
    api_key: { cool_down: 1s }
    patient: { cool_down: 30s, max_cool_down: 1d, backoff: 1 }
providers:
  groq: { profile: patient }
  xai: { models: [{ id: painter, kind: images }] }
";

    let snapshot = file(text).snapshot();

    assert_eq!(snapshot.server.max_body_bytes, 65_536);
    assert_eq!(snapshot.server.timeouts.idle, Duration::from_secs(7));
    assert_eq!(snapshot.server.timeouts.connect, Duration::from_secs(5));
    assert_eq!(snapshot.routing.max_attempts, 16);
    assert_eq!(snapshot.by_prefix["openai"].profile.cool_down, Duration::from_secs(1));
    assert_eq!(snapshot.by_prefix["openai"].profile.max_cool_down, Duration::from_secs(60));
    assert_eq!(snapshot.by_prefix["groq"].profile.max_cool_down, Duration::from_secs(86_400));
    assert_eq!(snapshot.by_prefix["xai"].models["painter"].kind, ModelKind::Images);
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "# only a comment\n", "\u{feff}server:\n", "---\n...\n"] {
        assert_eq!(file(text).snapshot().server, no_file().snapshot().server, "{text:?}");
    }
}

#[test]
fn the_list_of_filters_is_the_order_of_execution() {
    let snapshot = file("filters: [model_access, cors, system_prompt: { text: null }]").snapshot();
    assert_eq!(snapshot.filters.names(), ["model_access", "cors", "system_prompt"]);

    let snapshot = file("filters: []").snapshot();
    assert!(snapshot.filters.names().is_empty());
}
