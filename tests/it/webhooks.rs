//! What the gateway tells a webhook by itself.

use hmac::{Hmac, KeyInit, Mac};
use omniroute_testkit::{Client, Protocol, Sim, Step, simulator};
use sha2::Sha256;

use crate::program::{Program, folder_with};
use crate::setup::{all_formats_with, ask};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_reaches_a_threshold_is_told_once_and_signed() {
    let sim = simulator().await;
    let hook = Sim::new().record(true).bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    // The first try fails; the same notice comes again.
    hook.script([Step::reply(503), Step::reply(204)]);
    let more = format!(
        "pricing: {{ chat/echo: {{ input: $1, output: $100 }} }}
filters:
  - budget: {{ webhook: {{ url: '{}/hook?token=canary-token', secret: canary-secret }} }}
  - api_key
client_keys:
  - {{ name: team, key: team-key-0123456789, budget: {{ limit: $0.01, period: daily, warn_at: [0.001] }} }}
",
        hook.url()
    );
    let folder = folder_with(&all_formats_with(&sim, &more));
    let mut program = Program::start(folder.path(), false);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, mut body) = ask("chat", "chat/echo", false, "hello");
    body["max_tokens"] = 10.into();
    for _ in 0..2 {
        let key = [("authorization", "Bearer team-key-0123456789")];
        let answer = client.post(&path, &key, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    let seen = hook.wait_seen(2).await;

    assert_eq!(
        (seen[0].method.as_str(), seen[0].path_and_query.as_str()),
        ("POST", "/hook?token=canary-token")
    );
    assert_eq!(seen[0].text(), seen[1].text());
    let told = seen[1].json().unwrap();
    assert_eq!(told["type"], "budget.threshold", "{told}");
    assert_eq!((&told["client_key"], &told["period"]), (&"team".into(), &"daily".into()));
    assert!(told["text"].as_str().unwrap().contains("of $0.01 is spent"), "{told}");
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"canary-secret").unwrap();
    mac.update(seen[1].text().as_bytes());
    let expected = omniroute_core::hex::encode(&mac.finalize().into_bytes());
    assert_eq!(
        seen[1].header("x-omniroute-signature"),
        Some(format!("sha256={expected}").as_str())
    );
    let log = program.read_until("has reached a threshold");
    program.signal("-TERM");
    drop(client);
    let log = log + &program.end().1;
    assert!(!log.contains("canary"), "{log}");
    assert_eq!(hook.seen().len(), 2, "the second call reaches no threshold");
}
