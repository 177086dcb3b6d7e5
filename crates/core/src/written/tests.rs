use serde_json::{Value, json};

use super::*;
use crate::snapshot::Problems;

const FILE: &str = "
providers:
  local: { wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: none }, models: [small] }
accounts:
  - { id: main, provider: local, key: sk-file-secret-1 }
  - { id: env, provider: openai, key: '${KEY}', tunnel: 'http://me:hush@exit.example:80' }
combos:
  fast: { targets: [local/small] }
routing: { account_strategy: random }
";

fn object(kind: Kind, name: &str, value: Value) -> StoredObject {
    StoredObject { kind, name: name.into(), value, since: 1 }
}

fn read(text: &str, objects: &[StoredObject]) -> Result<Written, Problems> {
    let file = ConfigFile { name: "t.yaml".to_owned(), text: text.to_owned() };
    let env = |name: &str| (name == "KEY").then(|| "sk-env-secret-2".to_owned());
    Written::read(Some(&file), &env, objects)
}

fn lines(found: Result<Written, Problems>) -> Vec<String> {
    let problems = found.err().unwrap();
    problems.as_slice().iter().map(ToString::to_string).collect()
}

#[test]
fn objects_of_both_sides_stand_beside_each_other_and_no_secret_is_shown() {
    let objects = [
        object(Kind::Account, "second", json!({ "provider": "local", "key": "sk-stored-3" })),
        object(Kind::Combo, "slow", json!({ "targets": ["local/small"], "strategy": "random" })),
        object(Kind::Model, "local/big", json!({ "context_tokens": 9 })),
        object(Kind::Model, "openai/new", json!({})),
        object(Kind::Setting, "routing.sticky_calls", json!(7)),
        object(Kind::Setting, "tunnel", json!("socks5://u:pw@exit.example:1080")),
    ];

    let written = read(FILE, &objects).unwrap();

    let accounts = written.views(Kind::Account);
    let named: Vec<_> = accounts.iter().map(|view| (&*view.name, view.origin.word())).collect();
    assert_eq!(named, [("main", "file"), ("env", "file"), ("second", "dashboard")]);
    assert_eq!(accounts[2].value, json!({ "provider": "local", "key": "***" }));
    assert_eq!(accounts[1].value["tunnel"], "http://me:***@exit.example:80");
    let models: Vec<_> = written.views(Kind::Model).into_iter().map(|view| view.name).collect();
    assert_eq!(models, ["local/small", "local/big", "openai/new"]);
    assert_eq!(written.view(Kind::Setting, "routing.sticky_calls").unwrap().value, 7);
    assert_eq!(
        written.view(Kind::Setting, "routing.account_strategy").unwrap().origin,
        Origin::File
    );
    assert_eq!(
        written.view(Kind::Setting, "tunnel").unwrap().value,
        "socks5://u:***@exit.example:1080"
    );
    for kind in Kind::ALL {
        let shown = format!("{:?}", written.views(kind));
        for secret in ["sk-file-secret-1", "sk-env-secret-2", "sk-stored-3", "hush"] {
            assert!(!shown.contains(secret), "{kind:?}: {shown}");
        }
    }
}

#[test]
fn a_name_has_one_owner() {
    let objects = [
        object(Kind::Account, "main", json!({ "provider": "openai", "key": "sk-3" })),
        object(Kind::Combo, "fast", json!({ "targets": ["local/small"] })),
        object(Kind::Model, "local/small", json!({})),
        object(Kind::Setting, "routing.account_strategy", json!("random")),
    ];

    assert_eq!(
        lines(read(FILE, &objects)),
        [
            "dashboard: accounts[\"main\"]: account `main` stands in the file too (t.yaml:5:5); an object has one owner: remove one of the two",
            "dashboard: combos[\"fast\"]: combo `fast` stands in the file too (t.yaml:8:3); an object has one owner: remove one of the two",
            "dashboard: providers[\"local/small\"]: model `local/small` stands in the file too (t.yaml:3:94); an object has one owner: remove one of the two",
            "dashboard: routing.account_strategy: setting `routing.account_strategy` stands in the file too (t.yaml:9:12); an object has one owner: remove one of the two",
        ]
    );
}

#[test]
fn the_dashboard_reads_no_environment_and_no_files_and_moves_no_listener() {
    let objects = [
        object(Kind::Account, "a", json!({ "provider": "openai", "key": { "env": "KEY" } })),
        object(
            Kind::Account,
            "b",
            json!({ "provider": "openai", "key": { "file": "/etc/passwd" } }),
        ),
        object(Kind::Setting, "server.listen", json!("0.0.0.0:80")),
    ];
    let problems = lines(read("", &objects));
    assert_eq!(problems.len(), 3, "{problems:#?}");

    let text = object(Kind::Alias, "a", json!("${KEY}"));
    let written = read("", &[text]).unwrap();
    assert_eq!(written.view(Kind::Alias, "a").unwrap().value, "${KEY}", "left as it is");
}

#[test]
fn generations_are_compared_in_words() {
    let before = read(FILE, &[object(Kind::Alias, "old", json!("fast"))]).unwrap();
    let edited = FILE
        .replace("sk-file-secret-1", "sk-file-secret-9")
        .replace("random", "least_used")
        .replace("[local/small] }\nrouting", "[local/small, openai/gpt-5] }\nrouting");
    let after = read(
        &edited,
        &[object(Kind::Account, "more", json!({ "provider": "local", "key": "sk-4" }))],
    )
    .unwrap();

    assert_eq!(
        before.differences(&after),
        [
            "accounts.main.key changes (a secret, not shown)",
            "accounts.more is added: {\"id\":\"more\",\"provider\":\"local\",\"key\":\"***\"}",
            "combos.fast.targets changes from [\"local/small\"] to [\"local/small\",\"openai/gpt-5\"]",
            "routing.account_strategy changes from \"random\" to \"least_used\"",
            "aliases.old is removed",
        ]
    );
    assert!(after.differences(&after).is_empty());
}

#[test]
fn the_file_is_said_to_have_a_setting_or_what_stands_in_its_place() {
    let text = format!("{FILE}filters: [cors, api_key]\n");
    let objects = [object(Kind::Setting, "routing.sticky_calls", json!(7))];
    let written = read(&text, &objects).unwrap();

    let position = |name| written.position_in_file(name);
    assert_eq!(position("routing.account_strategy").as_deref(), Some("t.yaml:9:30"));
    assert_eq!(position("filters.ip_access").as_deref(), Some("t.yaml:10:10"), "the list");
    assert_eq!(position("routing.sticky_calls"), None, "the dashboard's");
    assert_eq!(position("routing.deadline"), None, "nobody's");
    assert_eq!(position("resilience.account_limits"), None, "nobody's");
}
