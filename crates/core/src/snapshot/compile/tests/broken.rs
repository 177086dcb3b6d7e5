//! Faulty files: each fault is named where it stands, and no secret is.

use proptest::prelude::*;

use super::*;

/// A file with a fault in nearly every section.
const BROKEN: &str = r#"
server:
  listen: [127.0.0.1, 127.0.0.1:20128]
  threads: many
  drain: 30
  max_body: 10MB
  timeout: { connect: 5s }
  timeouts: { connect: 0s, first_byt: 1s }
routing:
  max_attempts: 17
  account_strategy: round_robbin
  combo_strategy: weighted
providers:
  local:
    wire: openai_chatt
    auth: { kind: statik_key }
    headers: { "bad name": x, host: example.org, authorization: sk-literal-secret }
  glm:
    base_url: ftp://user:hunter2secret@example.org
    models: [{ id: glm-4.7, context_tokens: -1 }, { context_tokens: 5 }]
    on_status: { 302: { try_next: account }, 402: { try_next: somebody } }
  mine:
    wire: openai_chat
    base_url: https://example.org/v1?key=hunter2secret
    prefix: ds
    profile: api_kex
accounts:
  - { id: a, provider: glmm, key: "sk-account-secret" }
  - { id: b, provider: openai }
  - { id: b, provider: claude, key: "sk-account-secret" }
  - { id: c, provider: codex, key: "sk-account-secret" }
  - { id: d, provider: ds, key: "${NO_SUCH_KEY}", colour: red }
  - { id: e, provider: deepseek, key: { env: NO_SUCH_KEY } }
  - { id: f, provider: deepseek, key: { file: /no/such/file } }
  - { provider: deepseek, key: { sk-misplaced-secret }, priority: first }
combos:
  fast:
    targets: [glm/glm-4.7, glmm/glm-4.7, gpt-4o, fst, glm/]
  round: { targets: [trip] }
  empty: { targets: [] }
  named: { targets: [{ model: glm/glm-4.7, weight: 3 }] }
  named: { targets: [glm/glm-4.7] }
aliases:
  trip: round
  fast: glm/glm-4.7
client_keys:
  - { name: ci, key: short }
  - { name: ci, key_sha256: "00secret" }
  - { key: "long-enough-secret", models: [], scopes: [everything] }
  - { name: x, key: "long-enough-secret", expires: 2027-01-01 }
  - { name: y, key: "long-enough-secret" }
  - { name: z, key: "long-enough-secret" }
resilience:
  profiles:
    api_key: { cool_down: 5m, backoff: 0.5 }
filters:
  - corrs
  - ip_access: { bad: [x] }
  - request_log: { bad: [maybe] }
  - ip_access
acounts: []
"#;

#[test]
fn every_fault_of_a_broken_file_is_named_where_it_stands() {
    let problems = file(BROKEN).problems().join("\n");

    insta::assert_snapshot!("broken", problems);
}

#[test]
fn no_secret_is_ever_repeated() {
    let text = format!("{BROKEN}tunnel: \"socks5://me:tunnel-secret@:\"\n");
    for problem in file(&text).problems() {
        for secret in ["secret", "hunter2", "sk-", "short`"] {
            let mentions_word = problem.contains("is a secret and must not stand");
            assert!(!problem.contains(secret) || mentions_word, "{problem}");
        }
    }
}

/// Every key of the manual, with values that are good.
const EVERY_KEY: &str = r#"
server:
  listen: 127.0.0.1:20128
  tls: { cert: /etc/omniroute/cert.pem, key: /etc/omniroute/key.pem }
  admin_listen: null
  metrics_listen: null
  threads: 0
  data_dir: ~/.omniroute
  max_body: 32MiB
  drain: 30s
  timeouts: { connect: 5s, first_byte: 120s, idle: 120s, total: 30m, client_body: 30s }
limits:
  head: 64KiB
  head_fields: 128
  target: 16KiB
  head_time: 10s
  keep_alive: 75s
  body_time: 120s
  client_write: 60s
  connections: 4096
  connections_per_address: 256
  requests: 1024
  buffered_bodies: 256MiB
routing:
  account_strategy: fill_first
  sticky_calls: 3
  combo_strategy: priority
  max_attempts: 8
  deadline: 10m
  retry_on_reset: true
providers:
  local:
    prefix: vllm
    wire: openai_chat
    base_url: http://127.0.0.1:8000
    paths: { chat: /v1/chat/completions }
    auth: { kind: static_key, header: authorization, scheme: Bearer }
    headers: { x-team: edge }
    forward_headers: [x-trace]
    profile: api_key
    tunnel: socks5://127.0.0.1:1080
    allow_private: true
    models:
      - { id: llama-3.3-70b, context_tokens: 128000, max_output_tokens: 8192, kind: chat }
    on_status: { 402: { try_next: account, cool_down: 1h } }
accounts:
  - id: openai-main
    provider: openai
    key: ${OPENAI_API_KEY}
    priority: 1
    enabled: true
    limits: { rpm: 600, tpm: 200000, min_gap: 0ms, concurrent: 50 }
    tunnel: null
    base_url: null
combos:
  premium-coding:
    strategy: priority
    targets:
      - cc/claude-opus-4-6
      - { model: glm/glm-4.7, weight: 3 }
      - cheap-backup
    tunnel: null
  cheap-backup:
    targets: [minimax/MiniMax-M2.1]
aliases:
  claude-sonnet-*: cc/claude-sonnet-4-5-20250929
fallback_chains:
  production-fallback: [cc/claude-opus-4-6, gh/gpt-5.1-codex, glm/glm-4.7]
client_keys:
  - name: ci
    key: ${OMNIROUTE_CI_KEY}
    models: [ "*" ]
    expires: 2027-01-01T00:00:00Z
    limits: { rpm: 120, tpm: 0, concurrent: 10 }
    budget: { limit: $50, period: monthly }
    tunnel: null
    scopes: [inference]
tunnel: null
resilience:
  profiles:
    oauth:   { failure_threshold: 3, open_for: 60s, cool_down: 5s, max_cool_down: 2m, backoff: 2.0 }
    api_key: { failure_threshold: 5, open_for: 30s, cool_down: 3s, max_cool_down: 1m, backoff: 2.0 }
  account_limits: { rpm: 0, min_gap: 0ms, concurrent: 0, max_wait: 2s }
filters:
  - cors
  - ip_access: { allow: [], deny: [], trust_forwarded_from: [] }
  - api_key: { required: true }
  - client_limits
  - model_access: { blocked_providers: [] }
  - idempotency: { window: 5s }
  - response_cache: { max_entries: 100, ttl: 1h }
  - budget: { unpriced: refuse }
  - system_prompt: { text: null }
  - thinking_budget: { max_tokens: 0 }
  - progress
  - request_log: { bodies: false }
pricing:
  glm/glm-4.7: { input: $0.60, output: $2.20, cache_read: $0.11, cache_write: $0 }
"#;

#[test]
fn every_key_of_the_manual_is_known_and_taken() {
    let setup = file(EVERY_KEY)
        .env("HOME", "/home/me")
        .env("OPENAI_API_KEY", "sk-test-openai")
        .env("OMNIROUTE_CI_KEY", "ci-key-123456");

    if let Err(problems) = setup.compile() {
        panic!("{problems}");
    }
}

#[test]
fn a_text_that_is_no_yaml_is_refused_at_its_line() {
    for (text, expected) in [
        ("server:\n  listen: [1, 2\nrouting: {}\n", "test.yaml:3:"),
        ("server: {}\n---\nserver: {}\n", "test.yaml:2:1: the file holds more than one document"),
        ("- 1\n- 2\n", "test.yaml:1:1: a map (`key: value`) is expected here"),
        ("server: !!map {}\n", "test.yaml:1:9: server: YAML tags"),
        ("server: *nowhere\n", "test.yaml:1:"),
    ] {
        let problems = file(text).problems();

        assert!(problems[0].starts_with(expected), "{text}: {problems:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = file(&String::from_utf8_lossy(&bytes)).compile();
    }

    #[test]
    fn damaged_files_never_panic(at in 0..EVERY_KEY.len(), piece in "[ -~\n]{0,6}", cut in 0..40usize) {
        let end = (at + cut).min(EVERY_KEY.len());
        let damaged = format!("{}{piece}{}", &EVERY_KEY[..at], &EVERY_KEY[end..]);
        let _ = file(&damaged).compile();
    }
}
