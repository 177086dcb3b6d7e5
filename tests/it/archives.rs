//! Archives: readable for people, without a credential in clear, and taken over again.

use std::collections::HashMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::Method;
use omniroute_testkit::{simulator, whole};
use serde_json::{Value, json};

use crate::backups::{furnish, outcome, site};
use crate::bench::BOSS;

const PASSPHRASE: &str = "correct horse battery staple";

/// The files of an archive by name, without their folder.
fn files(archive: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut files = HashMap::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(path.split_once('/').unwrap().1.to_owned(), bytes);
    }
    files
}

fn unpacked(archive: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut bytes).unwrap();
    bytes
}

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn an_archive_has_everything_but_credentials_and_adds_to_what_is_elsewhere() {
    let sim = simulator().await;
    let mut first =
        site(&sim, "accounts: [{ id: filed, provider: chat, key: sk-canary-file }]\n").await;
    let key = furnish(&mut first).await;
    let canary = json!({ "id": "canary", "provider": "chat", "key": "sk-canary-stored", "tunnel": "http://me:canarypw@exit.example:80", "enabled": false });
    first.add("accounts", canary).await;
    first.add("aliases", json!({ "name": "short", "target": "mine" })).await;
    assert_eq!(first.chat(&key, "mine").await.status, 200);

    let archive = first.send(Method::GET, "/api/db-backups/exportAll", Value::Null).await;
    assert_eq!((archive.status, archive.complete), (200, true));
    assert_eq!(archive.header("content-type"), Some("application/gzip"));
    let tar = unpacked(&archive.body);
    for secret in ["sk-canary", "canarypw", "sk-sim-ok", &key, "boss-key"] {
        assert!(!has(&tar, secret.as_bytes()), "{secret} in clear");
    }
    let files = files(&archive.body);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(
        (&manifest["format"], &manifest["credentials"]),
        (&json!("omniroute-archive"), &json!("none"))
    );
    assert_eq!(manifest["files"].as_array().unwrap().len(), files.len() - 1);
    assert_eq!(
        files["usage.ndjson"].split(|byte| *byte == b'\n').count(),
        2,
        "one record and its end"
    );
    assert!(!files.contains_key("credentials.sealed"));

    let mut second = site(&sim, "").await;
    second
        .add(
            "accounts",
            json!({ "id": "main", "provider": "chat", "key": "sk-sim-ok", "priority": 9 }),
        )
        .await;
    second.add("accounts", json!({ "id": "own", "provider": "chat", "key": "sk-sim-ok" })).await;
    let report = second.import(&archive.body, &[]).await;
    assert_eq!(report.status, 200, "{}", report.text());
    let report = report.json();
    assert_eq!(outcome(&report, "account", "main"), Some("taken"), "its credential is kept here");
    assert_eq!(outcome(&report, "account", "canary"), Some("skipped"), "none is kept here");
    assert_eq!(outcome(&report, "client key", "team"), Some("skipped"));
    assert_eq!(outcome(&report, "alias", "short"), Some("taken"));
    assert_eq!(report["usageRecords"], 1);
    assert_eq!(second.send(Method::GET, "/api/accounts/own", Value::Null).await.status, 200);
    let main = second.done(Method::GET, "/api/accounts/main", Value::Null).await;
    assert_eq!(main.get("priority"), None, "as in the archive");
}

#[tokio::test]
async fn with_a_passphrase_credentials_come_over_too() {
    let sim = simulator().await;
    let mut first = site(&sim, "").await;
    let key = furnish(&mut first).await;
    let asked = json!({ "passphrase": PASSPHRASE });
    let archive = first.send(Method::POST, "/api/db-backups/exportAll", asked).await.body;
    let header = ("x-omniroute-passphrase", PASSPHRASE);
    let by_header = first.client.get("/api/db-backups/exportAll", &[BOSS, header]).await;
    let tar = unpacked(&archive);
    for secret in ["sk-sim-ok", &key, PASSPHRASE] {
        assert!(!has(&tar, secret.as_bytes()), "{secret} in clear");
    }
    assert!(files(&by_header.body).contains_key("credentials.sealed"));
    let short = first
        .send(Method::POST, "/api/db-backups/exportAll", json!({ "passphrase": "short" }))
        .await;
    assert_eq!(short.status, 422, "{}", short.text());

    let mut second = site(&sim, "").await;
    let wrong = second.import(&archive, &[("passphrase", "another passphrase")]).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (422, &json!("backup_locked")));
    assert_eq!(second.chat(&key, "mine").await.status, 401);
    let report = second.import(&archive, &[("passphrase", PASSPHRASE)]).await.json();
    assert_eq!(outcome(&report, "client key", "team"), Some("taken"), "{report}");
    assert_eq!(second.chat(&key, "mine").await.status, 200);
    let log = second.done(Method::GET, "/api/audit", Value::Null).await.to_string();
    assert!(!log.contains("correct horse") && !log.contains("sk-sim-ok"), "{log}");
}

#[tokio::test]
async fn archives_that_were_changed_or_made_to_harm_change_nothing() {
    let sim = simulator().await;
    let mut site = site(&sim, "").await;
    furnish(&mut site).await;
    let archive = site.send(Method::GET, "/api/db-backups/exportAll", Value::Null).await.body;
    let before = site.gateway.shared().live.load().revision;
    let tar = unpacked(&archive);

    let mut changed = tar.clone();
    let at = tar.windows(11).position(|part| part == b"\"chat/echo\"").unwrap();
    changed[at + 1] = b'x';
    let entry = |path: &str, kind: tar::EntryType, content: &[u8]| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        // A path that the library would refuse to write.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, content).unwrap();
        tar.into_inner().unwrap()
    };
    let manifest = br#"{"format":"omniroute-archive","formatVersion":99,"version":"9","generation":1,"exportedAt":"","credentials":"none","files":[]}"#;
    let bomb = vec![b' '; 33 << 20];
    let files = [
        packed(&changed),
        archive[..archive.len() - 40].to_vec(),
        packed(&tar[..tar.len() / 2]),
        packed(b""),
        packed(&entry("x/../../etc/passwd", tar::EntryType::Regular, b"{}")),
        packed(&entry("/manifest.json", tar::EntryType::Symlink, b"")),
        packed(&entry("x/accounts.json", tar::EntryType::Regular, b"[]")),
        packed(&entry("x/manifest.json", tar::EntryType::Regular, manifest)),
        packed(&entry("x/manifest.json", tar::EntryType::Regular, &bomb)),
    ];
    for (index, file) in files.iter().enumerate() {
        let answer = site.import(file, &[]).await;
        assert_eq!(answer.status, 400, "file {index}: {}", answer.text());
    }
    assert_eq!(site.gateway.shared().live.load().revision, before);
    let raw = site.client.send(Method::POST, "/api/db-backups/import", &[BOSS], whole(archive));
    assert_eq!(raw.await.json()["imported"], true, "the archive itself is good");
}
