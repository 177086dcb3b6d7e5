//! The files of the repository: catalogue, default, examples.

use std::fs;

use super::*;
use crate::snapshot::{Auth, Way};
use crate::verdict::TryNext;

/// The folder of configuration files.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");

#[test]
fn every_file_of_the_catalogue_is_compiled_in_and_good() {
    let compiled_in = catalogue().unwrap_or_else(|problems| panic!("{problems}"));
    let mut on_disk: Vec<String> = fs::read_dir(format!("{CONFIG}/providers"))
        .unwrap()
        .map(|entry| format!("config/providers/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    on_disk.sort();

    let names: Vec<&str> = compiled_in.iter().map(|file| file.name).collect();

    assert_eq!(names, on_disk, "add the file to config/catalogue/files.rs");
    for file in compiled_in {
        assert!(file.text.starts_with("# "), "{} has no first line saying what it is", file.name);
        let id = file.name.trim_start_matches("config/providers/").trim_end_matches(".yaml");
        assert!(file.text.contains(&format!("\nid: {id}\n")), "{} names another id", file.name);
    }
}

#[test]
fn the_catalogue_alone_makes_a_snapshot_without_accounts() {
    let snapshot = no_file().snapshot();

    assert_eq!(snapshot.revision, 3);
    assert_eq!(snapshot.providers.len(), catalogue().unwrap().len());
    assert!(snapshot.accounts.is_empty());
    assert!(snapshot.client_keys.is_empty());
    let defaults = [
        "cors",
        "ip_access",
        "api_key",
        "client_limits",
        "model_access",
        "idempotency",
        "response_cache",
        "budget",
        "system_prompt",
        "thinking_budget",
        "progress",
        "request_log",
    ];
    assert_eq!(snapshot.filters.names(), defaults);
}

#[test]
fn base_url_and_path_make_the_address_that_the_vendor_documents() {
    let snapshot = no_file().snapshot();

    for (prefix, expected) in [
        ("glm", "api.z.ai/api/anthropic/v1/messages?beta=true"),
        ("minimax", "api.minimax.io/anthropic/v1/messages?beta=true"),
        ("anthropic", "api.anthropic.com/v1/messages"),
        ("openai", "api.openai.com/v1/chat/completions"),
        ("groq", "api.groq.com/openai/v1/chat/completions"),
        ("pplx", "api.perplexity.ai/chat/completions"),
        ("fireworks", "api.fireworks.ai/inference/v1/chat/completions"),
        ("ds", "api.deepseek.com/v1/chat/completions"),
        ("gemini", "generativelanguage.googleapis.com/v1beta/models/{model}:{action}"),
        ("openrouter", "openrouter.ai/api/v1/chat/completions"),
        ("cohere", "api.cohere.ai/compatibility/v1/chat/completions"),
        ("volcengine", "ark.cn-beijing.volces.com/api/v3/chat/completions"),
        ("cx", "chatgpt.com/backend-api/codex/responses"),
    ] {
        let provider = &snapshot.by_prefix[prefix];
        let base = &provider.base_url;

        assert!(base.tls && base.port == 443, "{prefix}");
        assert_eq!(format!("{}{}{}", base.host, base.path, provider.chat_path), expected);
    }
}

#[test]
fn the_catalogue_knows_the_facts_that_requests_depend_on() {
    let snapshot = no_file().snapshot();
    let deepseek = &snapshot.by_prefix["ds"];
    let copilot = &snapshot.by_prefix["gh"];
    let anthropic = &snapshot.by_prefix["anthropic"];

    assert_eq!(deepseek.on_status[&402][0].try_next, Some(TryNext::Account));
    assert_eq!(deepseek.on_status[&402][0].cool_down, Some(Duration::from_secs(3600)));
    assert_eq!(copilot.models["claude-4.5-sonnet"].upstream.as_deref(), Some("claude-sonnet-4.5"));
    assert_eq!(copilot.profile.max_cool_down, Duration::from_secs(120));
    assert_eq!(copilot.auth, Auth::Unavailable("device_code".into()));
    assert_eq!(anthropic.facts("claude-opus-4-6").max_output_tokens, Some(128_000));
    assert!(
        anthropic
            .headers
            .iter()
            .any(|(name, value)| { name == "anthropic-version" && value == "2023-06-01" })
    );
    assert!(Arc::ptr_eq(anthropic, &snapshot.by_prefix["anthropic"]));
    assert!(Arc::ptr_eq(&snapshot.by_prefix["deepseek"], deepseek), "ids work as prefixes too");
}

#[test]
fn every_model_of_the_manual_is_in_the_catalogue() {
    let snapshot = no_file().snapshot();

    for name in [
        "cc/claude-opus-4-6",
        "cx/gpt-5.1-codex-max",
        "gc/gemini-3-flash",
        "gh/gpt-5",
        "gh/gemini-3-pro",
        "glm/glm-4.7",
        "minimax/MiniMax-M2.1",
        "kimi/kimi-latest",
        "if/minimax-m2",
        "qw/qwen3-coder-flash",
        "kr/claude-haiku-4.5",
        "ds/deepseek-reasoner",
        "groq/llama-4-maverick-17b-128e-instruct",
        "xai/grok-code-mini",
        "mistral/codestral-2501",
        "pplx/sonar",
        "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "fireworks/accounts/fireworks/models/deepseek-v3p1",
        "cerebras/llama-3.3-70b",
        "cohere/command-r-plus-08-2024",
        "nvidia/nvidia/llama-3.3-70b-instruct",
        "openai/gpt-4.5-preview",
    ] {
        let (prefix, model) = name.split_once('/').unwrap();

        assert!(snapshot.by_prefix[prefix].models.contains_key(model), "{name}");
    }
}

#[test]
fn the_default_file_says_what_is_built_in() {
    let written = fs::read_to_string(format!("{CONFIG}/omniroute.yaml")).unwrap();

    let from_file = file(&written).snapshot();
    let built_in = no_file().snapshot();

    assert_eq!(from_file.server, built_in.server);
    assert_eq!(from_file.routing, built_in.routing);
    assert_eq!(from_file.filters.names(), built_in.filters.names());
    for (id, provider) in &built_in.providers {
        assert_eq!(from_file.providers[id].profile, provider.profile, "{id}");
    }
}

#[test]
fn what_the_default_file_shows_in_comments_is_good_too() {
    let written = fs::read_to_string(format!("{CONFIG}/omniroute.yaml")).unwrap();
    let keys = &written[written.find("\nserver:").unwrap()..];
    let shown: Vec<&str> = keys
        .lines()
        .map(|line| {
            // Prose begins with a capital letter, keys are lower case.
            let bare = line.strip_prefix("# ").filter(|rest| !rest.starts_with(char::is_uppercase));
            bare.unwrap_or(line)
        })
        .collect();

    let setup = file(&shown.join("\n"))
        .env("OPENAI_API_KEY", "sk-test-openai")
        .env("OMNIROUTE_CI_KEY", "ci-key-123456")
        .env("OTLP_AUTHORIZATION", "Bearer collector-1");
    let snapshot = setup.snapshot();

    assert_eq!(snapshot.accounts_of(&crate::ids::ProviderId::new("openai")).len(), 1);
    assert_eq!(snapshot.accounts_of(&crate::ids::ProviderId::new("local")).len(), 1);
    assert_eq!(snapshot.client_keys.len(), 1);
    assert!(snapshot.groups.contains_key("coding"));
    assert!(matches!(snapshot.tunnels.global, Some(Way::Through(_))));
}

#[test]
fn every_example_says_how_to_try_it_and_compiles() {
    let mut count = 0;
    for entry in fs::read_dir(format!("{CONFIG}/examples")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();

        assert!(text.starts_with("# Shows: "), "{} does not say what it shows", path.display());
        assert!(text.contains("\n# Try:   "), "{} has no command", path.display());
        let setup = file(&text)
            .env("OPENAI_API_KEY", "sk-test-openai")
            .env("OPENAI_SECOND_KEY", "sk-test-second")
            .env("ANTHROPIC_API_KEY", "sk-ant-test")
            .env("DEEPSEEK_KEY_A", "sk-a")
            .env("DEEPSEEK_KEY_B", "sk-b")
            .env("GLM_API_KEY", "glm-test")
            .env("MINIMAX_API_KEY", "minimax-test")
            .env("GROQ_API_KEY", "gsk-test")
            .env("ALICE_KEY", "0123456789abcdef")
            .env("OMNIROUTE_CI_KEY", "ci-key-123456")
            .env("EXIT_PASSWORD", "exit-test")
            .env(
                "CI_KEY_SHA256",
                "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
            )
            .env("SECRETS", "/run/secrets")
            .on_disk("/run/secrets/anthropic", "sk-ant-test\n")
            .on_disk("/run/secrets/gemini", "gemini-test\n");
        if let Err(problems) = setup.compile() {
            panic!("{}:\n{problems}", path.display());
        }
        count += 1;
    }
    assert!(count >= 5, "only {count} examples");
}
