//! Tests of the load against the simulator.

use omniroute_sim::Sim;

use super::*;
use crate::connection::ask;
use crate::request::Delivery;

const TIME: Duration = Duration::from_millis(100);

fn aim(sim: &omniroute_sim::Running, model: &str, delivery: Delivery, expected: Expected) -> Aim {
    let (model, headers) = (model.to_owned(), Vec::new());
    Aim { address: sim.addr(), model, body_bytes: 2_048, delivery, headers, expected }
}

async fn run(
    manner: Manner,
    model: &str,
    delivery: Delivery,
    expected: Expected,
) -> Result<Sample, Failure> {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut load = Load::connect(&aim(&sim, model, delivery, expected), 4).await?;
    load.run(manner, TIME).await
}

#[tokio::test]
async fn every_connection_is_busy_until_the_time_is_up() {
    let text = Expected::Text("\"object\":\"chat.completion\"".to_owned());

    let sample = run(Manner::Busy, "tokens?n=8", Delivery::Whole, text).await.unwrap();

    assert!(sample.latencies.len() > 4, "{} requests", sample.latencies.len());
    assert!(sample.elapsed >= TIME);
    assert!(sample.latencies.is_sorted());
}

#[tokio::test]
async fn a_paced_load_sends_exactly_what_was_due() {
    let text = Expected::Text("\"object\":\"chat.completion\"".to_owned());

    let sample = run(Manner::Paced(500), "tokens?n=8", Delivery::Whole, text).await.unwrap();

    assert_eq!(sample.latencies.len(), 50);
    assert_eq!(sample.lags.len(), 50);
    assert!(sample.elapsed >= TIME, "{:?}", sample.elapsed);
}

#[tokio::test]
async fn a_stall_counts_against_every_request_that_was_due_meanwhile() {
    let model = "tokens?n=8&first_byte=50ms";
    let text = Expected::Text("\"object\":\"chat.completion\"".to_owned());

    let sample = run(Manner::Paced(400), model, Delivery::Whole, text).await.unwrap();

    // 40 requests of 50 ms on four connections take 500 ms: the last was due at 100 ms.
    assert_eq!(sample.latencies.len(), 40);
    let (first, last) = (sample.latencies[0], sample.latencies[39]);
    assert!(first >= Duration::from_millis(50), "{first:?}");
    assert!(last >= Duration::from_millis(400), "{last:?} does not hold the wait for a connection");
}

#[tokio::test]
async fn wrong_answers_end_the_run() {
    let ok = Expected::Text("choices".to_owned());
    for (model, delivery, expected, word) in [
        ("500", Delivery::Whole, ok.clone(), "status 500"),
        ("tokens?n=8", Delivery::Whole, Expected::Text("no such text".into()), "is missing"),
        ("tokens?n=8", Delivery::Stream, Expected::Events(3), "instead of 3"),
        ("reset-after-2", Delivery::Stream, Expected::Events(3), "broken answer"),
        ("eof-after-2", Delivery::Stream, Expected::Events(9), "3 events instead of 9"),
    ] {
        for manner in [Manner::Busy, Manner::Paced(100)] {
            let ran = run(manner, model, delivery, expected.clone()).await;
            let message = ran.unwrap_err().to_string();
            assert!(message.contains(word), "{model}: {message}");
        }
    }
}

#[tokio::test]
async fn a_stream_of_200_tokens_has_at_least_200_events() {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let aim = aim(&sim, "tokens?n=200", Delivery::Stream, Expected::Events(0));

    let answer = ask(sim.addr(), &Request::of(&aim).unwrap()).await.unwrap();

    assert_eq!(answer.status, 200);
    assert!(answer.events >= 200, "{} events", answer.events);
}
