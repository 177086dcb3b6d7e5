//! Databases of the existing product: what comes over, what is said of the rest, and files made to harm.

use http::Method;
use omniroute_testkit::simulator;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::backups::{outcome, site};
use crate::bench::Bench;

/// The tables as the product's version 2.1 has them.
const SCHEMA: &str = "
CREATE TABLE provider_connections(id TEXT PRIMARY KEY, provider TEXT, auth_type TEXT, name TEXT, email TEXT,
  priority INTEGER, is_active INTEGER, access_token TEXT, refresh_token TEXT, expires_at TEXT, api_key TEXT,
  provider_specific_data TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE provider_nodes(id TEXT PRIMARY KEY, type TEXT, name TEXT, prefix TEXT, api_type TEXT, base_url TEXT,
  created_at TEXT, updated_at TEXT);
CREATE TABLE combos(id TEXT PRIMARY KEY, name TEXT UNIQUE, data TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE api_keys(id TEXT PRIMARY KEY, name TEXT, key TEXT UNIQUE, machine_id TEXT, allowed_models TEXT,
  no_log INTEGER, created_at TEXT);
CREATE TABLE key_value(namespace TEXT, key TEXT, value TEXT, PRIMARY KEY(namespace, key));
CREATE TABLE domain_fallback_chains(model TEXT PRIMARY KEY, chain TEXT);
CREATE TABLE domain_budgets(api_key_id TEXT PRIMARY KEY, daily_limit_usd REAL, monthly_limit_usd REAL,
  warning_threshold REAL);
";

const ROWS: &str = r#"
INSERT INTO provider_nodes(id, type, name, prefix, api_type, base_url) VALUES
  ('openai-compatible-chat-1', 'openai-compatible', 'My endpoint', 'mine', 'chat', 'https://api.own.example/v1'),
  ('anthropic-compatible-2', 'anthropic-compatible', 'Claude at home', 'home', NULL, 'http://127.0.0.1:9000/v1');
INSERT INTO provider_connections(id, provider, auth_type, name, priority, is_active, access_token, api_key) VALUES
  ('c1', 'openai', 'apikey', 'Main account', 1, 1, NULL, 'sk-old-clear'),
  ('c2', 'openai', 'apikey', 'Main account', 2, 0, NULL, 'sk-old-second'),
  ('c3', 'glm', 'apikey', 'sealed', 1, 1, NULL, 'ENC'),
  ('c4', 'claude', 'oauth', 'subscription', 1, 1, 'token', NULL),
  ('c5', 'openai-compatible-chat-1', 'apikey', 'own', 1, 1, NULL, 'sk-old-own'),
  ('c6', 'nobody-knows', 'apikey', 'lost', 1, 1, NULL, 'sk-old-lost'),
  ('c7', 'openai', 'apikey', 'blob', 1, 1, NULL, x'00ff');
INSERT INTO combos(id, name, data) VALUES
  ('b1', 'fast', '{"models":["openai/gpt-5",{"model":"mine/x","weight":30}],"strategy":"round-robin"}'),
  ('b2', 'strange', '{"models":["openai/gpt-5"],"strategy":"lkgp"}'),
  ('b3', 'empty', '{"models":[]}'),
  ('b4', 'torn', '{"models":');
INSERT INTO api_keys(id, name, key, allowed_models) VALUES
  ('k1', 'Laptop', 'sk-0123456789abcdef-abc123-deadbeef', '["chat/*"]'),
  ('k2', 'open', 'sk-0123456789abcdef-def456-deadbeef', NULL);
INSERT INTO domain_budgets VALUES ('k2', 2.5, 50, 0.8);
INSERT INTO domain_fallback_chains VALUES
  ('gpt-5', '[{"provider":"mine","priority":2},{"provider":"openai","priority":1},{"provider":"glm","enabled":false}]');
INSERT INTO key_value VALUES
  ('modelAliases', 'quick', '"openai/gpt-5"'),
  ('settings', 'wildcardAliases', '[{"pattern":"gpt-old-*","target":"openai/gpt-5"}]'),
  ('settings', 'fallbackStrategy', '"least-used"'),
  ('settings', 'stickyRoundRobinLimit', '5'),
  ('settings', 'password', '"$2b$10$canaryhash"'),
  ('settings', 'theme', '"dark"'),
  ('pricing', 'openai', '{"gpt-5":{"input":1.25,"output":10,"cached":0.125},"half":{"input":1}}'),
  ('customModels', 'mine', '[{"id":"x","name":"X"}]'),
  ('proxyConfig', 'global', '{"type":"socks5","host":"proxy.example","port":"1080","username":"me","password":"hush:1"}'),
  ('proxyConfig', 'keys', '{"c1":{"host":"exit.example","port":3128}}');
"#;

/// A field sealed with `STORAGE_ENCRYPTION_KEY=old storage key`, made with other libraries (Node, Python) than ours.
const SEALED: &str = "enc:v1:000102030405060708090a0b0c0d0e0f:b1a9c3a22c92cb1b5e5744e719:4229f227709d269253e6ef1fb54a2cff";

/// What becomes of each object with the key of the sealed fields at hand.
const OUTCOMES: [(&str, &str, &str); 24] = [
    ("provider", "My endpoint", "renamed"),
    ("provider", "Claude at home", "skipped"),
    ("account", "Main account", "renamed"),
    ("account", "sealed", "taken"),
    ("account", "subscription", "skipped"),
    ("account", "own", "taken"),
    ("account", "lost", "skipped"),
    ("account", "blob", "skipped"),
    ("combo", "fast", "taken"),
    ("combo", "strange", "taken"),
    ("combo", "empty", "skipped"),
    ("combo", "torn", "skipped"),
    ("client key", "Laptop", "taken"),
    ("client key", "open", "taken"),
    ("alias", "quick", "taken"),
    ("alias", "gpt-old-*", "taken"),
    ("fallback chain", "gpt-5", "taken"),
    ("price", "openai/gpt-5", "taken"),
    ("price", "openai/half", "skipped"),
    ("model", "mine/x", "taken"),
    ("setting", "fallbackStrategy", "renamed"),
    ("setting", "tunnel", "taken"),
    ("setting", "password", "skipped"),
    ("setting", "theme", "skipped"),
];

/// Makes a database with statements and returns its bytes.
fn database(statements: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storage.sqlite");
    let database = Connection::open(&path).unwrap();
    database.execute_batch(statements).unwrap();
    drop(database);
    std::fs::read(path).unwrap()
}

fn full() -> Vec<u8> {
    database(&format!("PRAGMA journal_mode = WAL; {SCHEMA} {}", ROWS.replace("ENC", SEALED)))
}

fn note<'r>(report: &'r Value, kind: &str, name: &str) -> &'r str {
    let lines = report["report"].as_array().unwrap();
    let line = lines.iter().find(|line| line["kind"] == kind && line["name"] == name);
    line.and_then(|line| line["note"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn an_old_database_comes_over_and_its_keys_go_on_working() {
    let sim = simulator().await;
    let mut site = site(&sim, "").await;
    site.add("accounts", json!({ "id": "before", "provider": "chat", "key": "sk-sim-ok" })).await;

    let answer = site.import(&full(), &[("storageKey", "old storage key")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for secret in ["sk-old", "canary", "hush", "abc123"] {
        assert!(!answer.text().contains(secret), "{secret}: {}", answer.text());
    }
    let report = answer.json();
    for (kind, name, wanted) in OUTCOMES {
        assert_eq!(outcome(&report, kind, name), Some(wanted), "{kind} {name}: {report:#}");
    }
    assert!(note(&report, "provider", "Claude at home").contains("not public"), "{report:#}");
    assert!(note(&report, "combo", "strange").contains("lkgp"));
    assert!(note(&report, "account", "subscription").contains("OAuth"));

    look(&mut site).await;
    let again = site.import(&full(), &[("storageKey", "old storage key")]).await.json();
    assert_eq!(
        again["connectionCount"], report["connectionCount"],
        "the same names take each other's place"
    );
}

/// Looks at what came over.
async fn look(site: &mut Bench) {
    let read = async |site: &mut Bench, path: &str| site.done(Method::GET, path, Value::Null).await;
    assert_eq!(read(site, "/api/accounts/before").await["provider"], "chat", "what was here stays");
    let second = read(site, "/api/accounts/Main-account-2").await;
    assert_eq!((&second["enabled"], &second["priority"]), (&json!(false), &json!(2)));
    assert_eq!(read(site, "/api/accounts/own").await["provider"], "mine");
    let fast = read(site, "/api/combos/fast").await;
    assert_eq!(
        (&fast["strategy"], &fast["targets"][1]["weight"]),
        (&json!("round_robin"), &json!(30))
    );
    assert_eq!(
        read(site, "/api/fallback-chains/gpt-5").await["targets"],
        json!(["openai/gpt-5", "mine/gpt-5"])
    );
    assert_eq!(read(site, "/api/prices/openai/gpt-5").await["cache_read"], "$0.125000000");
    let budget = read(site, "/api/keys/open").await["budget"].clone();
    assert_eq!(
        (&budget[0]["limit"], &budget[1]["period"]),
        (&json!("$2.500000000"), &json!("monthly"))
    );
    let live = site.gateway.shared().live.load();
    assert_eq!((live.routing.account_strategy.name, live.routing.sticky_calls), ("least_used", 5));
    let glm = live.accounts_of(&omniroute_core::ids::ProviderId::new("glm"));
    assert_eq!(
        glm[0].key.as_ref().map(|key| key.expose().to_owned()).as_deref(),
        Some("sk-old-sealed")
    );
    drop(live);
    site.done(Method::DELETE, "/api/settings/proxy?level=global", Value::Null).await;
    assert_eq!(
        site.chat("sk-0123456789abcdef-abc123-deadbeef", "chat/echo").await.status,
        200,
        "the old key calls"
    );
    assert_eq!(
        site.chat("sk-0123456789abcdef-abc123-deadbeef", "openai/gpt-5").await.status,
        403,
        "its models only"
    );
}

#[tokio::test]
async fn sealed_fields_need_their_key_and_private_endpoints_a_word() {
    let sim = simulator().await;
    let mut site = site(&sim, "").await;
    let none = site.import(&full(), &[("dryRun", "true")]).await.json();
    assert_eq!(outcome(&none, "account", "sealed"), Some("skipped"), "{none:#}");
    assert!(note(&none, "account", "sealed").contains("storageKey"));
    let wrong = site.import(&full(), &[("dryRun", "true"), ("storageKey", "canary wrong")]).await;
    assert_eq!(outcome(&wrong.json(), "account", "sealed"), Some("skipped"));
    assert!(!wrong.text().contains("canary") && !wrong.text().contains("enc:v1"));
    let private = [("dryRun", "true"), ("allowPrivate", "true")];
    let private = site.import(&full(), &private).await.json();
    assert_eq!(outcome(&private, "provider", "Claude at home"), Some("renamed"), "{private:#}");
    assert_eq!(site.gateway.shared().live.load().revision, 1, "nothing was changed");
}

#[tokio::test]
async fn files_made_to_harm_are_refused_or_harmless() {
    let sim = simulator().await;
    let mut site = site(&sim, "").await;
    let required = |but: &str| {
        let tables = ["provider_connections", "provider_nodes", "combos", "api_keys"];
        let made = tables.iter().filter(|table| **table != but);
        made.map(|table| format!("CREATE TABLE {table}(id TEXT, name TEXT);")).collect::<String>()
    };
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS id, 'a' AS name FROM n";
    let mut torn = full();
    let end = torn.len();
    torn[4096..end.min(40_000)].iter_mut().step_by(3).for_each(|byte| *byte ^= 0xa5);
    let files = [
        (database(&required("combos")), "no table `combos`"),
        (
            database(&format!("{} CREATE VIEW combos AS {endless};", required("combos"))),
            "no table `combos`",
        ),
        (
            database(&format!(
                "{} INSERT INTO combos VALUES ('x', zeroblob(6000000));",
                required("")
            )),
            "larger than",
        ),
        (torn, ""),
        (full()[..5000].to_vec(), ""),
        (b"SQLite format 3\0".to_vec(), ""),
    ];
    for (index, (file, words)) in files.iter().enumerate() {
        let answer = site.import(file, &[]).await;
        assert_eq!(answer.status, 400, "file {index}: {}", answer.text());
        assert!(answer.text().contains(words), "file {index}: {}", answer.text());
    }
    assert_eq!(site.gateway.shared().live.load().revision, 1);

    let trigger = format!(
        "{SCHEMA} CREATE TRIGGER t AFTER INSERT ON combos BEGIN DELETE FROM api_keys; END; CREATE VIEW v AS {endless};
         INSERT INTO api_keys(id, name, key, allowed_models) VALUES (7, 8, 9, 10), ('k', 'ok', 'sk-good-enough', '[]');
         INSERT INTO key_value VALUES ('settings', 'x', 'not json'), ('pricing', 'openai', '[1]'), (x'00', x'01', x'02');"
    );
    let report = site.import(&database(&trigger), &[]).await;
    assert_eq!(report.status, 200, "{}", report.text());
    let report = report.json();
    assert_eq!(outcome(&report, "client key", "ok"), Some("taken"), "{report:#}");
    assert_eq!((&report["apiKeyCount"], &report["connectionCount"]), (&json!(1), &json!(0)));
    let left = std::fs::read_dir(site.folder.path().join("data")).unwrap();
    let left: Vec<_> =
        left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with(".tmp")), "{left:?}");
}
