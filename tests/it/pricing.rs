//! Prices over the administration: shown with all digits, changed for the next call, taken back.

use http::Method;
use omniroute_testkit::{Running, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS, BOSS_LINE, Bench};
use crate::setup::all_formats_with;

const CI: &str = "ci-key-0123456789";

fn file(sim: &Running) -> String {
    let keys = format!("client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n");
    all_formats_with(
        sim,
        &format!("{keys}pricing: {{ gemini-sim/echo: {{ input: $0.60, output: $2.20 }} }}\n"),
    )
}

async fn cost(bench: &mut Bench, model: &str) -> Option<String> {
    let answer = bench.chat(CI, model).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-omniroute-cost").map(ToOwned::to_owned)
}

#[tokio::test]
async fn prices_are_shown_per_million_and_per_thousand_with_who_wrote_them() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;

    let pricing = bench.client.get("/api/pricing", &[BOSS]).await;

    let text = pricing.text();
    let pricing = pricing.json();
    let echo = &pricing["gemini-sim"]["echo"];
    assert_eq!((&echo["origin"], &echo["cached"]), (&json!("file"), &Value::Null));
    let digits = "\"echo\":{\"input\":0.60,\"output\":2.20,\"cached\":null,";
    assert!(
        text.contains(digits) && text.contains("\"per1K\":{\"input\":0.0006,\"output\":0.0022}")
    );
    assert_eq!(pricing["cc"]["*"]["input"], 0.0, "a subscription");
    let opus = &pricing["anthropic"]["claude-opus-4-6"];
    assert_eq!(
        (&opus["input"], &opus["cached"], &opus["cache_creation"], &opus["origin"]),
        (&json!(5.0), &json!(0.5), &json!(6.25), &json!("default"))
    );
    assert_eq!(
        (&opus["other"]["cache_write_1h"], &opus["other"]["web_search"]),
        (&json!(10.0), &json!(0.01))
    );
    assert_eq!(bench.read("/api/pricing/defaults").await["anthropic"]["claude-opus-4-6"], *opus);
    let models = bench.read("/api/pricing/models").await;
    let of_anthropic = models["anthropic"]["models"].as_array().unwrap();
    assert!(of_anthropic.iter().any(|model| model["priced"] == true), "{models}");
    assert_eq!(models["anthropic"]["modelCount"], of_anthropic.len());
}

#[tokio::test]
async fn a_price_that_is_set_counts_for_the_next_call_until_it_is_taken_back() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    assert_eq!(cost(&mut bench, "chat/echo").await, None, "nobody knows");
    let set = json!({ "chat": { "echo": { "input": 1000000, "output": "$0", "cached": 1e-9 } } });
    bench.done(Method::PATCH, "/api/pricing", set).await;

    let first = cost(&mut bench, "chat/echo").await.unwrap();
    let tokens: u64 = first.strip_suffix(".00").unwrap().parse().unwrap();
    assert!(tokens > 0, "a dollar for each token of input: {first}");
    let prices = bench.read("/api/prices").await;
    let stored = prices["prices"].as_array().unwrap().iter().find(|p| p["model"] == "chat/echo");
    assert_eq!(stored.unwrap()["cache_read"], "$0.000000001");

    // What is not named stays, and `null` takes a field away.
    let more = json!({ "chat": { "echo": { "input": 2000000, "cached": null } } });
    let shown = bench.done(Method::PATCH, "/api/pricing", more).await;
    let echo = &shown["chat"]["echo"];
    assert_eq!((&echo["output"], &echo["cached"]), (&json!(0.0), &Value::Null));
    assert_eq!(cost(&mut bench, "chat/echo").await.unwrap(), format!("{}.00", 2 * tokens));

    // A built-in price keeps what is not named, long prompts included.
    let sonnet = json!({ "anthropic": { "claude-sonnet-4-5": { "output": 99 } } });
    let shown = bench.done(Method::PATCH, "/api/pricing", sonnet).await;
    let sonnet = &shown["anthropic"]["claude-sonnet-4-5"];
    assert_eq!((&sonnet["input"], &sonnet["output"]), (&json!(3.0), &json!(99.0)));
    assert_eq!(sonnet["tiers"], json!([{ "above": 200_000, "input": 6.0, "output": 22.5 }]));
    assert_eq!(sonnet["origin"], "dashboard");

    let left =
        bench.done(Method::DELETE, "/api/pricing?provider=chat&model=echo", Value::Null).await;
    assert_eq!(
        (&left["chat"], &left["anthropic"]["claude-sonnet-4-5"]["output"]),
        (&Value::Null, &json!(99.0))
    );
    assert_eq!(cost(&mut bench, "chat/echo").await, None);
    let left = bench.done(Method::DELETE, "/api/pricing", Value::Null).await;
    assert_eq!(left["anthropic"]["claude-sonnet-4-5"]["output"], 15.0);
}

#[tokio::test]
async fn what_is_no_price_is_refused() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    for (body, status, word) in [
        (json!({ "gemini-sim": { "echo": { "input": 1 } } }), 409, "omniroute.yaml:"),
        (json!({ "nobody": { "echo": { "input": 1 } } }), 400, "prefix"),
        (json!({ "chat": { "echo": { "input": -1 } } }), 400, "chat/echo.input"),
        (json!({ "chat": { "echo": { "inputs": 1 } } }), 400, "cache_read"),
        (json!({ "chat": { "echo": { "input": 1 } } }), 422, "output"),
        (json!({ "chat": 5 }), 400, "chat"),
        (json!({}), 400, "nothing"),
    ] {
        let answer = bench.send(Method::PATCH, "/api/pricing", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    for path in ["/api/pricing?model=echo", "/api/pricing?provider=nobody", "/api/pricing?modell=x"]
    {
        assert_eq!(bench.send(Method::DELETE, path, Value::Null).await.status, 400, "{path}");
    }
}
