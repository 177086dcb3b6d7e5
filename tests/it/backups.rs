//! The database as a file: exported while it serves, taken over by another gateway, and the way back.

use bytes::Bytes;
use http::Method;
use omniroute_testkit::{Answer, Client, Protocol, RawConnection, Running, simulator, whole};
use serde_json::{Value, json};

use crate::bench::{BOSS, BOSS_LINE, Bench};

/// Starts a gateway with one provider, and more client keys or sections of the file.
pub async fn site(sim: &Running, more: &str) -> Bench {
    let file = format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: '{}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
pricing: {{ chat/echo: {{ input: $1, output: $2 }} }}
client_keys:
{BOSS_LINE}{more}",
        sim.url()
    );
    Bench::start(&file).await
}

impl Bench {
    pub async fn add(&mut self, collection: &str, object: Value) {
        self.done(Method::POST, &format!("/api/{collection}"), object).await;
    }

    /// Sends a file as a form, as `curl -F file=@…` does, with other fields before it.
    pub async fn import(&mut self, file: &[u8], fields: &[(&str, &str)]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(
                format!(
                    "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .bytes(),
            );
        }
        body.extend(
            b"--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"backup\"\r\n",
        );
        body.extend(b"content-type: application/octet-stream\r\n\r\n");
        body.extend(file);
        body.extend(b"\r\n--cut--\r\n");
        let kind = ("content-type", "multipart/form-data; boundary=cut");
        let body = whole(Bytes::from(body));
        self.client.send(Method::POST, "/api/db-backups/import", &[BOSS, kind], body).await
    }

    fn master_key(&self) -> String {
        let key = std::fs::read(self.folder.path().join("data/master.key")).unwrap();
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn rows(&self) -> u64 {
        self.gateway.store().flush().unwrap();
        let listing = omniroute::store::usage::Listing {
            span: omniroute::store::usage::Span { from: 0, until: 1 << 45 },
            filter: Default::default(),
            good: None,
            status: None,
            request_id: None,
        };
        let page =
            self.gateway.store().read(|tx| omniroute::store::usage::page(tx, &listing, None, 500));
        page.unwrap_or_else(|error: omniroute::store::StoreError| panic!("{error}")).rows.len()
            as u64
    }
}

/// Adds an account, a combo and a client key; returns the key.
pub async fn furnish(site: &mut Bench) -> String {
    site.add("accounts", json!({ "id": "main", "provider": "chat", "key": "sk-sim-ok" })).await;
    site.add("combos", json!({ "name": "mine", "targets": ["chat/echo"] })).await;
    let key = json!({ "name": "team", "budget": { "limit": "$5", "period": "monthly" } });
    let made = site.done(Method::POST, "/api/keys", key).await;
    made["key"].as_str().unwrap().to_owned()
}

pub fn outcome<'r>(report: &'r Value, kind: &str, name: &str) -> Option<&'r str> {
    let lines = report["report"].as_array().unwrap();
    let line = lines.iter().find(|line| line["kind"] == kind && line["name"] == name);
    line.and_then(|line| line["outcome"].as_str())
}

#[tokio::test]
async fn an_exported_database_serves_at_another_gateway_with_its_keys_and_its_usage() {
    let sim = simulator().await;
    let mut first = site(&sim, "").await;
    let key = furnish(&mut first).await;
    for _ in 0..3 {
        assert_eq!(first.chat(&key, "mine").await.status, 200);
    }

    let exported = first.send(Method::GET, "/api/db-backups/export", Value::Null).await;
    assert_eq!((exported.status, exported.complete), (200, true));
    let named = exported.header("content-disposition").unwrap();
    assert!(
        named.starts_with("attachment; filename=\"omniroute-backup-")
            && named.ends_with("Z.redb\""),
        "{named}"
    );
    let about = exported.header("x-omniroute-backup").unwrap();
    assert!(
        about.starts_with("format=1; ") && about.ends_with("generation=4; sealed=master-key"),
        "{about}"
    );
    assert_eq!(exported.header("cache-control"), Some("no-store"));
    for secret in [key.as_bytes(), b"sk-sim-ok"] {
        assert!(!exported.body.windows(secret.len()).any(|part| part == secret), "in clear");
    }

    let mut second = site(&sim, "").await;
    let refused = second.import(&exported.body, &[]).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (422, &json!("backup_locked")));
    let master = first.master_key();
    let report = second.import(&exported.body, &[("masterKey", &master)]).await;
    assert_eq!(report.status, 200, "{}", report.text());
    let report = report.json();
    assert_eq!(
        (&report["imported"], &report["connectionCount"], &report["comboCount"]),
        (&json!(true), &json!(1), &json!(1))
    );
    assert_eq!((&report["apiKeyCount"], &report["usageRecords"]), (&json!(1), &json!(3)));
    assert_eq!(outcome(&report, "account", "main"), Some("taken"));
    assert_eq!(outcome(&report, "audit log", ""), Some("skipped"));
    for _ in 0..2 {
        assert_eq!(
            second.chat(&key, "mine").await.status,
            200,
            "hashes of keys come with their secret"
        );
        let shown = second.done(Method::GET, "/api/keys", Value::Null).await.to_string();
        assert!(!shown.contains("pepper"), "{shown}");
        second = second.restarted().await;
    }
    assert_eq!(second.rows(), 5);
    let again = second.import(&exported.body, &[("masterKey", &master)]).await.json();
    assert_eq!((&again["usageRecords"], second.rows()), (&json!(0), 5), "rows count once");
    let log = second.done(Method::GET, "/api/audit", Value::Null).await.to_string();
    assert!(log.contains("backup.import") && !log.contains("sk-sim-ok"), "{log}");
    assert_eq!(second.done(Method::GET, "/api/audit/verify", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn an_import_is_preceded_by_a_copy_that_leads_back() {
    let sim = simulator().await;
    let mut site = site(&sim, "").await;
    let empty = site.send(Method::GET, "/api/db-backups/export", Value::Null).await.body;
    let key = furnish(&mut site).await;

    let planned = site.client.send(
        Method::POST,
        "/api/db-backups/import?dryRun=true",
        &[BOSS],
        whole(empty.clone()),
    );
    let planned = planned.await.json();
    assert_eq!((&planned["imported"], &planned["connectionCount"]), (&json!(false), &json!(0)));
    assert!(planned["changes"].to_string().contains("accounts.main is removed"), "{planned}");
    assert_eq!(site.chat(&key, "mine").await.status, 200, "nothing has changed");
    assert_eq!(
        site.done(Method::GET, "/api/db-backups", Value::Null).await,
        json!({ "backups": [] })
    );

    let raw = site.client.send(Method::POST, "/api/db-backups/import", &[BOSS], whole(empty));
    let report = raw.await.json();
    assert_eq!(report["connectionCount"], 0, "{report}");
    assert_eq!(site.chat(&key, "mine").await.status, 401);

    let listed = site.done(Method::GET, "/api/db-backups", Value::Null).await;
    let copy = &listed["backups"][0];
    assert_eq!((&copy["reason"], &copy["connectionCount"]), (&json!("pre-import"), &json!(1)));
    assert_eq!(copy["id"], report["safetyCopy"]);
    let id = copy["id"].as_str().unwrap().to_owned();
    let path = site.folder.path().join("data/db_backups").join(&id);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let restored = site.done(Method::POST, "/api/db-backups", json!({ "backupId": id })).await;
    assert_eq!((&restored["restored"], &restored["apiKeyCount"]), (&json!(true), &json!(1)));
    assert_eq!(site.chat(&key, "mine").await.status, 200);

    let path = format!("/api/db-backups/{id}");
    assert_eq!(
        site.done(Method::POST, &format!("{path}/restore"), Value::Null).await["restored"],
        true
    );
    site.done(Method::DELETE, &path, Value::Null).await;
    assert_eq!(site.send(Method::DELETE, &path, Value::Null).await.status, 404);
    for elsewhere in ["..%2Fomniroute.redb", "omniroute.redb", "..%2F..%2Fomniroute.yaml"] {
        let path = format!("/api/db-backups/{elsewhere}");
        let status = site.send(Method::DELETE, &path, Value::Null).await.status;
        assert!(matches!(status, 400 | 404), "{elsewhere}: {status}");
    }
    assert!(site.folder.path().join("data/omniroute.redb").exists());
    let made = site.done(Method::PUT, "/api/db-backups", Value::Null).await;
    assert_eq!((&made["created"], &made["reason"]), (&json!(true), &json!("manual")));
}

#[tokio::test]
async fn what_does_not_fit_here_is_left_out_and_said() {
    let sim = simulator().await;
    let mut first = site(&sim, "").await;
    furnish(&mut first).await;
    first
        .add(
            "provider-nodes",
            json!({ "id": "own", "wire": "openai_chat", "base_url": "https://own.example" }),
        )
        .await;
    first.add("combos", json!({ "name": "owned", "targets": ["own/x"] })).await;
    let file = first.send(Method::GET, "/api/db-backups/export", Value::Null).await.body;
    let master = first.master_key();

    let more = "combos: { mine: { targets: [chat/echo] } }\naliases: { own: chat/echo }\n";
    let mut second = site(&sim, more).await;
    second.add("accounts", json!({ "id": "gone", "provider": "chat", "key": "sk-sim-ok" })).await;
    let admin = json!({ "name": "script", "scopes": ["admin"] });
    let admin =
        second.done(Method::POST, "/api/keys", admin).await["key"].as_str().unwrap().to_owned();
    let admin = format!("Bearer {admin}");
    let headers = [("authorization", &*admin), ("x-omniroute-master-key", &*master)];
    let sent = second.client.send(Method::POST, "/api/db-backups/import", &headers, whole(file));
    let report = sent.await;

    assert_eq!(report.status, 200, "{}", report.text());
    let report = report.json();
    assert_eq!(outcome(&report, "combo", "mine"), Some("skipped"), "the file's wins: {report}");
    assert_eq!(outcome(&report, "combo", "owned"), Some("taken"));
    assert_eq!(outcome(&report, "client key", "script"), Some("kept"), "nobody locks himself out");
    assert_eq!(second.send(Method::GET, "/api/accounts/gone", Value::Null).await.status, 404);
    assert_eq!(second.client.get("/api/accounts", &[("authorization", &admin)]).await.status, 200);
}

#[tokio::test]
async fn files_that_are_none_and_senders_that_may_not_change_nothing() {
    let sim = simulator().await;
    let mut site = site(&sim, "  - { name: team, key: team-key-0123456789 }\n").await;
    furnish_account(&mut site).await;
    let good = site.send(Method::GET, "/api/db-backups/export", Value::Null).await.body;
    let before = site.gateway.shared().live.load().revision;

    let mut torn = good.to_vec();
    let middle = torn.len() / 2;
    torn.iter_mut().skip(100).step_by(97).take(middle / 97).for_each(|byte| *byte ^= 0x5a);
    let files: [(&[u8], u16); 6] = [
        (b"not a backup at all", 400),
        (b"", 400),
        (&good[..good.len() / 3], 400),
        (&torn, 400),
        (b"redb", 400),
        (b"SQLite format 3\0", 400),
    ];
    for (index, (file, status)) in files.into_iter().enumerate() {
        let answer = site.import(file, &[]).await;
        assert_eq!(answer.status, status, "file {index}: {}", answer.text());
    }
    let unknown = site.import(&good, &[("colour", "red")]).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text());
    let bad_key = site.import(&good, &[("masterKey", "canary-not-a-key")]).await;
    assert!(bad_key.status == 422 && !bad_key.text().contains("canary"), "{}", bad_key.text());

    for key in [None, Some("Bearer team-key-0123456789"), Some("Bearer wrong-key-00000000")] {
        let headers: Vec<_> = key.map(|key| ("authorization", key)).into_iter().collect();
        for (method, path) in [
            (Method::GET, "/api/db-backups"),
            (Method::GET, "/api/db-backups/export"),
            (Method::POST, "/api/db-backups/import"),
        ] {
            // Whoever may not is refused before the body is read, which ends the connection.
            let mut client = Client::connect(site.gateway.address(), Protocol::Http1).await;
            let answer = client.send(method, path, &headers, whole(good.clone())).await;
            assert!(matches!(answer.status, 401 | 403 | 429), "{key:?} {path}: {}", answer.status);
        }
    }
    assert_eq!(site.gateway.shared().live.load().revision, before, "nothing was published");
    assert_eq!(
        site.done(Method::GET, "/api/db-backups", Value::Null).await,
        json!({ "backups": [] })
    );
}

async fn furnish_account(site: &mut Bench) {
    site.add("accounts", json!({ "id": "main", "provider": "chat", "key": "sk-sim-ok" })).await;
}

#[tokio::test]
async fn only_an_import_may_be_large_and_not_without_end() {
    let sim = simulator().await;
    let mut site = site(&sim, "").await;
    let two = Bytes::from(vec![b'x'; 2 << 20]);
    let usual = site.client.send(Method::POST, "/api/accounts", &[BOSS], whole(two.clone())).await;
    assert_eq!(usual.status, 413);
    assert!(usual.text().contains("(fixed for this path)"), "{}", usual.text());
    let mut client = Client::connect(site.gateway.address(), Protocol::Http1).await;
    let import = client.send(Method::POST, "/api/db-backups/import", &[BOSS], whole(two)).await;
    assert_eq!(import.status, 400, "large enough, but no backup: {}", import.text());
    let mut raw = RawConnection::connect(site.gateway.address()).await;
    let head = format!(
        "POST /api/db-backups/import HTTP/1.1\r\nhost: x\r\n{}: {}\r\ncontent-length: 104923137\r\n\r\n",
        BOSS.0, BOSS.1
    );
    raw.send(head.as_bytes()).await;
    let huge = raw.read_until(|text| text.contains("104923136")).await;
    assert!(huge.starts_with("HTTP/1.1 413"), "the limit is said: {huge}");
}
