//! A credential that was replaced while the gateway runs: nobody who calls notices.

use std::path::Path;

use omniroute_testkit::{Answer, Client, Protocol, Running, TestGateway, simulator};

use crate::setup::ask;

/// One account whose key stands in a file, and a spare one behind it.
fn config(sim: &Running, file: &Path) -> String {
    format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: '{}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
accounts:
  - {{ id: main, provider: chat, key: {{ file: {} }}, priority: 1 }}
  - {{ id: spare, provider: chat, key: sk-sim-ok, priority: 2 }}
",
        sim.url(),
        file.display()
    )
}

async fn call(gateway: &TestGateway, stream: bool) -> Answer {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", stream, "hello");
    let answer = client.post(&path, &[], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("hello"), "{}", answer.text());
    answer
}

#[tokio::test]
async fn a_key_that_was_replaced_in_its_file_is_tried_at_the_same_account() {
    for (stream, attempts) in [(false, 1), (true, 1), (false, 8)] {
        let (sim, folder) = (simulator().await, tempfile::tempdir().unwrap());
        let file = folder.path().join("key");
        std::fs::write(&file, "sk-sim-401-old\n").unwrap();
        let routing = format!("routing: {{ max_attempts: {attempts} }}\n");
        let gateway = TestGateway::start(&(config(&sim, &file) + &routing)).await;
        std::fs::write(&file, "sk-sim-ok-new\n").unwrap();

        let first = call(&gateway, stream).await;
        assert_eq!(first.header("x-omniroute-account"), Some("main"));
        assert_eq!(
            first.header("x-omniroute-attempts"),
            Some("2"),
            "the old key, then the new one"
        );

        let second = call(&gateway, stream).await;
        assert_eq!(second.header("x-omniroute-account"), Some("main"));
        assert_eq!(second.header("x-omniroute-attempts"), Some("1"), "the new key is in force");
    }
}

#[tokio::test]
async fn a_key_that_is_the_same_is_not_tried_twice() {
    let (sim, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-sim-401").unwrap();
    let gateway = TestGateway::start(&config(&sim, &file)).await;

    let answer = call(&gateway, false).await;

    assert_eq!(answer.header("x-omniroute-account"), Some("spare"));
    assert_eq!(answer.header("x-omniroute-attempts"), Some("2"));
    assert_eq!(
        gateway.metric("omniroute_config_revision").to_string(),
        "1",
        "nothing was reloaded"
    );
}

#[tokio::test]
async fn a_new_key_that_is_refused_too_leaves_the_request_to_others() {
    let (sim, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-sim-401-old").unwrap();
    let gateway = TestGateway::start(&config(&sim, &file)).await;
    std::fs::write(&file, "sk-sim-401-new").unwrap();

    let answer = call(&gateway, true).await;

    assert_eq!(answer.header("x-omniroute-account"), Some("spare"));
    assert_eq!(answer.header("x-omniroute-attempts"), Some("3"), "once more, not for ever");
}
