//! Scripted answers, step by step.

use std::time::Duration;

use tokio::time::Instant;

use super::client::{Client, End, asking, fetch};
use super::sim;
use crate::{Gate, Step};

async fn client_after(sim: &crate::Running) -> Client {
    let (path, body) = asking("chat", "echo", true);
    let mut client = Client::connect(sim).await;
    client.send(&path, &[], body.to_string().as_bytes()).await;
    client
}

#[tokio::test]
async fn steps_are_used_in_order_and_then_the_model_answers() {
    let sim = sim().await;
    sim.script([
        Step::reply(418).header("x-tea", "green").piece("a").piece("b"),
        Step::own(),
        Step::new(),
    ]);
    let (path, body) = asking("chat", "echo", false);

    let first = fetch(&sim, &path, &body).await.unwrap();
    let own = fetch(&sim, &path, &body).await.unwrap();
    let empty = fetch(&sim, &path, &body).await.unwrap();
    let after = fetch(&sim, &path, &body).await.unwrap();

    assert_eq!((first.status, first.header("x-tea")), (418, Some("green")));
    assert_eq!(first.chunks, [b"a", b"b"], "each piece is a chunk");
    assert_eq!(own.json(), after.json());
    assert_eq!((empty.status, empty.text().as_str()), (200, ""));
    assert_eq!(sim.script_left(), 0);
}

#[tokio::test]
async fn a_gate_holds_head_and_pieces_exactly_there() {
    let sim = sim().await;
    let (before_head, between) = (Gate::new(), Gate::new());
    let step = Step::new().gate(&before_head).head(200).piece("one").gate(&between).piece("two");
    sim.script([step]);
    let mut client = client_after(&sim).await;

    before_head.reached(1).await;
    before_head.open();
    client.head().await.unwrap();
    assert_eq!(client.chunk().await.unwrap().unwrap(), b"one");
    between.reached(1).await;
    assert_eq!(sim.open_streams(), 1);
    between.open();

    assert_eq!(client.chunk().await.unwrap().unwrap(), b"two");
    assert_eq!(client.chunk().await, Ok(None));
    sim.wait_until(|counts| counts.finished == 1).await;
}

#[tokio::test]
async fn connections_are_reset_or_closed_exactly_where_asked() {
    let sim = sim().await;
    sim.script([Step::new().reset(), Step::new().close()]);
    for wanted in [End::Reset, End::Eof] {
        assert_eq!(client_after(&sim).await.head().await.unwrap_err(), wanted, "before the head");
    }
    sim.script([Step::reply(200).reset(), Step::reply(200).close()]);
    for wanted in [End::Reset, End::Eof] {
        let got = client_after(&sim).await.reply().await.unwrap();
        assert_eq!((got.status, got.end, got.chunks.len()), (200, wanted, 0), "after the head");
    }
    let long = vec![b'x'; 3_000_000];
    sim.script([
        Step::reply(200).piece("a").piece(long.clone()).reset(),
        Step::reply(200).piece("a").piece(long.clone()).close(),
    ]);
    for wanted in [End::Reset, End::Eof] {
        let got = client_after(&sim).await.reply().await.unwrap();
        assert_eq!((got.status, got.end), (200, wanted), "after two pieces");
        // A reset loses what the client's window had no room for.
        if wanted == End::Eof {
            assert_eq!(got.chunks, [b"a".to_vec(), long.clone()]);
        }
    }
    assert_eq!(sim.aborted(), 0);
}

#[tokio::test]
async fn a_promised_length_may_be_broken() {
    let sim = sim().await;
    sim.script([Step::reply(200).header("content-length", "10").piece("four").close()]);

    let mut client = client_after(&sim).await;
    let head = client.head().await.unwrap();
    assert_eq!(head.header("content-length"), Some("10"));
    assert_eq!(client.rest(head).await.end, End::Eof);
}

#[tokio::test]
async fn a_hanging_answer_ends_when_the_client_leaves() {
    let sim = sim().await;
    sim.script([Step::new().hang(), Step::reply(200).piece("a").hang()]);
    let silent = client_after(&sim).await;
    sim.wait_seen(1).await;
    let mut talking = client_after(&sim).await;
    talking.head().await.unwrap();
    talking.chunk().await.unwrap();

    drop((silent, talking));

    let counts = sim.wait_until(|counts| counts.open_streams == 0).await;
    assert_eq!(counts.aborted, 2);
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_body() {
    let sim = sim().await;
    sim.script([Step::reply(413).before_body().piece("too long")]);
    let mut client = Client::connect(&sim).await;
    client
        .write(b"POST /v1/messages HTTP/1.1\r\nhost: sim\r\ncontent-length: 999999\r\n\r\nbeg")
        .await;

    let head = client.head().await.unwrap();

    assert_eq!(head.status, 413);
    assert_eq!(sim.seen()[0].body_len, 0);
}

#[tokio::test(start_paused = true)]
async fn pauses_run_on_the_paused_clock() {
    let sim = sim().await;
    let hour = Duration::from_secs(3600);
    sim.script([Step::new().pause(hour).head(200).piece("a").pause(hour).piece("b")]);
    let start = Instant::now();

    let got = client_after(&sim).await.reply().await.unwrap();

    assert_eq!(got.text(), "ab");
    assert!(start.elapsed() >= 2 * hour);
}

#[tokio::test]
async fn a_mistaken_step_is_a_500_that_says_so() {
    let sim = sim().await;
    sim.script([Step::reply(99), Step::reply(200).header("bad name", "x")]);
    for wanted in ["script: 99 is no HTTP status", "script: \"bad name\": \"x\" is no header"] {
        let got = client_after(&sim).await.reply().await.unwrap();
        assert_eq!((got.status, got.text().as_str()), (500, wanted));
    }
}
