//! Saved edits are live at once; broken ones change nothing; nobody's request fails meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use omniroute::live::Text;
use omniroute_testkit::{Client, Gate, Protocol, Step, TestGateway, simulator};
use tempfile::TempDir;

use crate::crash::number;
use crate::setup::{all_formats_with, ask};

async fn on_file(yaml: &str) -> (TestGateway, TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omniroute.yaml");
    std::fs::write(&path, yaml).unwrap();
    let started = TestGateway::try_start(Text::File(path.clone())).await;
    (started.unwrap_or_else(|error| panic!("{error}")), folder, path)
}

async fn serves(gateway: &TestGateway, model: &str) -> u16 {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", model, false, "hello");
    client.post(&path, &[], &body).await.status
}

#[tokio::test]
async fn an_edit_is_live_after_a_reload() {
    let sim = simulator().await;
    let (gateway, _folder, path) = on_file(&all_formats_with(&sim, "")).await;
    assert_eq!(serves(&gateway, "brand-new").await, 404);

    let edited = all_formats_with(&sim, "aliases: { brand-new: chat/echo }\n");
    std::fs::write(&path, edited).unwrap();
    gateway.shared().live.reload().unwrap();

    assert_eq!(serves(&gateway, "brand-new").await, 200);
    assert_eq!(gateway.metric("omniroute_config_revision "), 2.0);
}

#[tokio::test]
async fn a_broken_file_keeps_the_old_one_and_says_so() {
    let sim = simulator().await;
    let good = all_formats_with(&sim, "aliases: { fast: chat/echo }\n");
    let (gateway, _folder, path) = on_file(&good).await;

    std::fs::write(&path, good.replace("aliases:", "alliases:")).unwrap();
    let problems = gateway.shared().live.reload().unwrap_err().to_string();

    assert!(problems.contains("alliases") && problems.contains("aliases"), "{problems}");
    assert_eq!(serves(&gateway, "fast").await, 200, "the old configuration serves");
    assert_eq!(gateway.metric("omniroute_config_reload_failures_total "), 1.0);
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let ready = client.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"degraded".into()));

    std::fs::write(&path, good).unwrap();
    gateway.shared().live.reload().unwrap();
    assert_eq!(client.get("/readyz", &[]).await.json()["status"], "ok");
}

#[tokio::test]
async fn a_request_ends_on_the_configuration_it_began_with() {
    let sim = simulator().await;
    let more = "combos:\n  pair: { targets: [chat/echo, gemini-sim/echo] }\n";
    let (gateway, _folder, path) = on_file(&all_formats_with(&sim, more)).await;
    let gate = Gate::new();
    sim.script([Step::new().gate(&gate).head(503).piece("{}")]);
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (url, body) = ask("chat", "pair", false, "hello");

    let request = client.post(&url, &[], &body);
    let edit = async {
        sim.wait_until(|counts| counts.requests == 1).await;
        std::fs::write(&path, all_formats_with(&sim, "")).unwrap();
        gateway.shared().live.reload().unwrap();
        gate.open();
    };
    let (answer, ()) = tokio::join!(request, edit);

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-provider"), Some("gemini-sim"), "its second target");
    assert_eq!(serves(&gateway, "pair").await, 404, "new requests see the new configuration");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_under_load_fail_no_request() {
    let sim = simulator().await;
    let yaml = all_formats_with(&sim, "aliases: { fast: chat/echo }\n");
    let (gateway, _folder, path) = on_file(&yaml).await;
    let gateway = Arc::new(gateway);
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (gateway, stop, served) =
            (Arc::clone(&gateway), Arc::clone(&stop), Arc::clone(&served));
        load.spawn(async move {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            while !stop.load(Ordering::Relaxed) {
                let (path, body) = ask("anthropic", "fast", true, "hello");
                let answer = client.post(&path, &[], &body).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    let reloads = number("OMNIROUTE_RELOADS", 50);
    for round in 0..reloads {
        let edited = format!("{yaml}  extra-{round}: chat/echo\n")
            .replace("aliases: { fast: chat/echo }\n", "aliases:\n  fast: chat/echo\n");
        std::fs::write(&path, edited).unwrap();
        gateway.shared().live.reload().unwrap();
        let before = served.load(Ordering::Relaxed);
        while served.load(Ordering::Relaxed) < before + 4 {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);

    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    let requests = served.load(Ordering::Relaxed);
    assert!(requests >= 200);
    assert_eq!(gateway.metric("omniroute_config_revision ").to_string(), (reloads + 1).to_string());
    eprintln!("REL U1 reloads={reloads} requests={requests} failed=0");
}

#[tokio::test]
async fn a_saved_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omniroute.yaml");
    std::fs::write(&path, "{}").unwrap();
    let mut watch = omniroute::live::Watch::begin(&path).unwrap();

    // As editors do: a new file takes the place of the old one.
    let beside = folder.path().join(".omniroute.yaml.new");
    std::fs::write(&beside, "server: { threads: 1 }\n").unwrap();
    std::fs::rename(&beside, &path).unwrap();

    watch.changed().await;
}
