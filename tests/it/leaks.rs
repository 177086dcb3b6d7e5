//! Secrets stay inside: every one that the gateway is given or makes is looked for in everything that comes
//! out of it, as it is, backwards, in base64, in hexadecimal and as URLs write it.

use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Method;
use omniroute_core::hex;
use omniroute_testkit::{Answer, Client, Protocol, Running, simulator, whole};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use crate::program::{Program, folder_with};
use crate::setup::{all_formats_with, ask};

/// What may be asked for under `/api`; the paths with names are those of objects that are there.
const SHOWN: [&str; 55] = [
    "/api/accounts",
    "/api/accounts/made",
    "/api/aliases",
    "/api/audit",
    "/api/audit/verify",
    "/api/auth/sessions",
    "/api/auth/status",
    "/api/combos",
    "/api/config",
    "/api/config/generations",
    "/api/fallback-chains",
    "/api/fallback/chains",
    "/api/health",
    "/api/keys",
    "/api/keys/made",
    "/api/lockouts",
    "/api/models",
    "/api/models/alias",
    "/api/models/catalog",
    "/api/monitoring/health",
    "/api/policies",
    "/api/prices",
    "/api/pricing",
    "/api/pricing/defaults",
    "/api/profiles",
    "/api/provider-models",
    "/api/provider-nodes",
    "/api/providers",
    "/api/providers/made",
    "/api/rate-limit",
    "/api/rate-limits",
    "/api/requests",
    "/api/requests?status=4xx&limit=500",
    "/api/requests?status=error",
    "/api/resilience",
    "/api/settings",
    "/api/settings/combo-defaults",
    "/api/settings/ip-filter",
    "/api/settings/model-aliases",
    "/api/settings/proxy",
    "/api/settings/proxy?resolve=made",
    "/api/settings/require-login",
    "/api/settings/system-prompt",
    "/api/settings/thinking-budget",
    "/api/usage",
    "/api/usage/analytics",
    "/api/usage/budget",
    "/api/usage/call-logs",
    "/api/usage/check",
    "/api/usage/export?format=csv",
    "/api/usage/export?format=json",
    "/api/usage/history",
    "/api/usage/made",
    "/api/usage/quota",
    "/api/usage/summary",
];

/// Secrets by what they are, and what came out.
#[derive(Default)]
struct Watch {
    secrets: Vec<(&'static str, Vec<u8>)>,
    seen: Vec<(String, Vec<u8>)>,
}

impl Watch {
    fn secret(&mut self, what: &'static str, value: impl AsRef<[u8]>) {
        self.secrets.push((what, value.as_ref().to_vec()));
    }

    fn saw(&mut self, where_from: impl Into<String>, bytes: impl AsRef<[u8]>) {
        self.seen.push((where_from.into(), bytes.as_ref().to_vec()));
    }

    /// Notes an answer, head and body.
    fn answer(&mut self, where_from: &str, answer: &Answer) {
        self.saw(format!("{where_from} (head)"), format!("{:?}", answer.headers));
        self.saw(where_from, &answer.body);
    }

    fn check(&self) {
        for (what, secret) in &self.secrets {
            let forms = [
                secret.clone(),
                hex::encode(secret).into_bytes(),
                STANDARD_NO_PAD.encode(secret).into_bytes(),
                URL_SAFE_NO_PAD.encode(secret).into_bytes(),
                percent_encode(secret, NON_ALPHANUMERIC).to_string().into_bytes(),
                secret.iter().rev().copied().collect(),
            ];
            for (place, bytes) in &self.seen {
                let leaks = forms.iter().any(|form| memchr::memmem::find(bytes, form).is_some());
                assert!(!leaks, "the {what} stands in {place}");
            }
        }
    }
}

fn yaml(sim: &Running) -> String {
    let more = "routing: { max_attempts: 2 }
combos: { pair: { targets: [chat/500, gemini-sim/echo] } }
telemetry: { otlp: { endpoint: 'http://127.0.0.1:9', headers: { authorization: canary-otlp-header } } }
tunnel: null
filters:
  - api_key
  - budget: { webhook: { url: 'http://127.0.0.1:9/canary-hook-path', secret: canary-hook-secret } }
  - request_log: { bodies: true }
client_keys:
  - { name: boss, key: canary-boss-key, scopes: [admin, inference] }
  - { name: through, key: canary-tunnel-key, tunnel: 'http://someone:canary-tunnel-password@127.0.0.1:9' }
";
    all_formats_with(sim, more)
        .replace("tunnel: null\n", "")
        .replace("sk-sim-ok", "canary-written-account-key")
}

/// Everything the administration is given that is secret.
async fn fill(client: &mut Client, watch: &mut Watch) {
    let boss = [("authorization", "Bearer canary-boss-key")];
    let account = json!({ "id": "made", "provider": "chat", "key": "canary-made-account-key" });
    watch.answer("the new account", &client.post("/api/accounts", &boss, &account).await);
    let made = client.post("/api/keys", &boss, &json!({ "name": "made" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    watch.secret("client key that was made", made.json()["key"].as_str().unwrap());
    let tunnel = json!({ "global": { "type": "http", "host": "127.0.0.1", "port": 9,
        "username": "someone", "password": "canary-global-password" } });
    let put = whole(Bytes::from(tunnel.to_string()));
    let set = client.send(Method::PUT, "/api/settings/proxy", &boss, put).await;
    watch.answer("the new tunnel", &set);
    let gone =
        client.send(Method::DELETE, "/api/settings/proxy?level=global", &boss, whole(Bytes::new()));
    watch.answer("the tunnel's end", &gone.await);
    for wrong in [
        json!({ "id": "wrong", "provider": "nobody", "key": "canary-refused-key" }),
        json!({ "id": "made", "provider": "chat", "key": "canary-refused-key" }),
        json!({ "id": "wrong", "provider": "chat", "key": ["canary-refused-key"] }),
    ] {
        watch.answer("a refused account", &client.post("/api/accounts", &boss, &wrong).await);
    }
    let guess = client.post("/api/auth/login", &[], &json!({ "password": "canary-guess" })).await;
    watch.answer("a refused login", &guess);
}

/// Calls that are served, fail over, fail, and go through a tunnel that is not there.
async fn call(program: &Program, watch: &mut Watch) {
    for format in ["chat", "responses", "anthropic", "gemini"] {
        for (model, key) in [
            ("pair", "canary-boss-key"),
            ("chat/401", "canary-boss-key"),
            ("chat/echo", "canary-tunnel-key"),
            ("chat/echo", "canary-wrong-key"),
        ] {
            let (path, body) = ask(format, model, format == "chat", "canary-prompt");
            let path = format!("{path}{}key={key}", if path.contains('?') { '&' } else { '?' });
            let headers = [("x-api-key", key), ("cookie", "session=canary-foreign-cookie")];
            let mut client = Client::connect(program.address, Protocol::Http1).await;
            let answer = client.post(&path, &headers, &body).await;
            // An answer holds the client's own prompt; nothing else of it may.
            watch
                .saw(format!("{format} {model} {key}"), answer.text().replace("canary-prompt", ""));
        }
    }
}

fn files(folder: &Path, watch: &mut Watch) {
    for (what, name) in [("master key", "master.key"), ("setup token", "setup.token")] {
        let kept = std::fs::read(folder.join(".omniroute").join(name)).unwrap();
        watch.secret(what, kept.trim_ascii_end());
    }
    let console = std::fs::read(folder.join(".omniroute/console.json")).unwrap();
    let console: Value = serde_json::from_slice(&console).unwrap();
    watch.secret("console's token", console["token"].as_str().unwrap());
}

/// Everything that leaves as a file. An archive is looked at as it is and unpacked.
async fn take_away(client: &mut Client, folder: &Path, watch: &mut Watch) {
    let boss = [("authorization", "Bearer canary-boss-key")];
    let sealing = ("x-omniroute-passphrase", "canary-backup-passphrase");
    let copy = client.get("/api/db-backups/export", &boss).await;
    assert_eq!(copy.status, 200, "{}", copy.text());
    watch.answer("the exported database", &copy);
    for (what, headers) in
        [("the archive", vec![boss[0]]), ("the sealed archive", vec![boss[0], sealing])]
    {
        let archive = client.get("/api/db-backups/exportAll", &headers).await;
        assert_eq!(archive.status, 200, "{}", archive.text());
        watch.answer(what, &archive);
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&archive.body[..]));
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = format!("{what}: {}", entry.path().unwrap().display());
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            assert!(!content.is_empty(), "{name}");
            watch.saw(name, content);
        }
    }
    let kept = client.send(Method::PUT, "/api/db-backups", &boss, whole(Bytes::new())).await;
    watch.answer("the answer to a safety copy", &kept);
    for entry in std::fs::read_dir(folder.join(".omniroute/db_backups")).unwrap() {
        let path = entry.unwrap().path();
        watch.saw(path.display().to_string(), std::fs::read(&path).unwrap());
    }
}

/// What other users of the machine may see of the process.
fn processes(program: &Program, watch: &mut Watch) {
    for file in ["cmdline", "environ", "comm", "status", "maps"] {
        let path = format!("/proc/{}/{file}", program.id());
        watch.saw(&path, std::fs::read(&path).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_any_answer_log_metric_or_export() {
    let sim = simulator().await;
    let folder = folder_with(&yaml(&sim));
    let mut watch = Watch::default();
    for (what, secret) in [
        ("account's key in the file", "canary-written-account-key"),
        ("account's key in the store", "canary-made-account-key"),
        ("account's key that was refused", "canary-refused-key"),
        ("admin's key", "canary-boss-key"),
        ("client's key", "canary-tunnel-key"),
        ("wrong key", "canary-wrong-key"),
        ("key's tunnel's password", "canary-tunnel-password"),
        ("global tunnel's password", "canary-global-password"),
        ("webhook's path", "canary-hook-path"),
        ("webhook's secret", "canary-hook-secret"),
        ("collector's header", "canary-otlp-header"),
        ("guessed password", "canary-guess"),
        ("foreign cookie", "canary-foreign-cookie"),
        ("prompt", "canary-prompt"),
        ("backup's passphrase", "canary-backup-passphrase"),
    ] {
        watch.secret(what, secret);
    }
    let program = Program::start(folder.path(), true);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    fill(&mut client, &mut watch).await;
    call(&program, &mut watch).await;
    files(folder.path(), &mut watch);
    let boss = [("authorization", "Bearer canary-boss-key")];
    for path in SHOWN {
        let answer = client.get(path, &boss).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        watch.answer(path, &answer);
    }
    watch.answer("/metrics", &client.get("/metrics", &boss).await);
    for (path, body) in
        [("/api/config/plan", json!({})), ("/api/explain", json!({ "model": "pair" }))]
    {
        watch.answer(path, &client.post(path, &boss, &body).await);
    }
    take_away(&mut client, folder.path(), &mut watch).await;
    processes(&program, &mut watch);
    program.signal("-TERM");
    drop(client);
    let (_, log) = program.end();

    assert!(log.len() > 10_000, "it was chatty: {} bytes", log.len());
    watch.saw("the log at its chattiest", &log);
    let database = std::fs::read(folder.path().join(".omniroute/omniroute.redb")).unwrap();
    watch.saw("the database", database);
    watch.check();
    let bytes: usize = watch.seen.iter().map(|(_, bytes)| bytes.len()).sum();
    println!(
        "\nREL K1 canaries={} places={} bytes={bytes} hits=0",
        watch.secrets.len(),
        watch.seen.len()
    );
}

#[test]
#[should_panic(expected = "the key stands in a list")]
fn a_secret_is_found_in_base64_too() {
    let mut watch = Watch::default();
    watch.secret("key", "canary");
    watch.saw("a list", format!("[{}]", STANDARD_NO_PAD.encode("canary")));
    watch.check();
}
