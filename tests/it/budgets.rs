//! Budgets of client keys: never overrun, refused in the client's words, exact to the last digit.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use omniroute::live::Text;
use omniroute_core::budget::{Budget, Standing};
use omniroute_core::money::Nanodollars;
use omniroute_core::snapshot::ClientKey;
use omniroute_testkit::{Answer, Client, Protocol, Running, Sim, Step, TestGateway};
use serde_json::{Value, json};

use crate::setup::{FORMATS, all_formats_with, ask, error_message, prefix};

pub const KEY: (&str, &str) = ("x-api-key", "ci-key-0123456789");

/// A dollar for a million tokens in, two out.
const PRICES: &str = "pricing:
  chat/*: { input: $1, output: $2 }
  responses-sim/*: { input: $1, output: $2 }
  anthropic-sim/*: { input: $1, output: $2 }
  gemini-sim/*: { input: $1, output: $2 }
";

fn with_budget(sim: &Running, budget: &str, more: &str) -> String {
    let keys = format!("client_keys: [{{ name: ci, key: ci-key-0123456789, budget: {budget} }}]\n");
    all_formats_with(sim, &format!("{keys}{more}"))
}

async fn simulator() -> Running {
    Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap()
}

fn key(gateway: &TestGateway) -> Arc<ClientKey> {
    Arc::clone(gateway.shared().live.load().client_keys.named("ci").unwrap())
}

fn standing(gateway: &TestGateway) -> (Budget, Standing) {
    let key = key(gateway);
    let budget = key.budgets[0].clone();
    let standing = key.purse.standing(&budget, gateway.clock().timestamp());
    (budget, standing)
}

/// Waits until nothing runs any more: a request ends a moment after its client has the answer.
pub async fn settled(gateway: &TestGateway) -> Standing {
    loop {
        let (_, standing) = standing(gateway);
        if standing.reserved == Nanodollars::ZERO && gateway.shared().metrics.in_flight() == 0 {
            return standing;
        }
        tokio::task::yield_now().await;
    }
}

/// Returns a whole answer's cost in nanodollars.
pub fn cost(answer: &Answer) -> u64 {
    let (whole, decimals) = answer.header("x-omniroute-cost").unwrap().split_once('.').unwrap();
    assert_eq!(whole, "0");
    format!("{decimals:0<9}").parse().unwrap()
}

fn limited(format: &str, model: &str, text: &str, tokens: u64) -> (String, Value) {
    let (path, mut body) = ask(format, model, false, text);
    match format {
        "gemini" => body["generationConfig"] = json!({ "maxOutputTokens": tokens }),
        "responses" => body["max_output_tokens"] = tokens.into(),
        _ => body["max_tokens"] = tokens.into(),
    }
    (path, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_cannot_overrun_a_budget() {
    let sim = simulator().await;
    let yaml = with_budget(
        &sim,
        "[{ limit: $0.2, period: daily }, { limit: $1, period: monthly }]",
        PRICES,
    );
    let gateway = TestGateway::start(&yaml).await;
    let text = "word ".repeat(800);
    // Three answers each cost three times the budget; a refusal is asked again, as clients do.
    let one = async |index: usize| {
        let format = FORMATS[index % 4];
        let model = format!("{}/echo", prefix(FORMATS[index / 4 % 4]));
        let (path, body) = limited(format, &model, &text, 1100);
        let (mut costs, mut refused) = (Vec::new(), 0);
        while costs.len() < 3 && refused < 40 {
            // A refusal may close the connection, so each request has its own.
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let answer = client.post(&path, &[KEY], &body).await;
            let (budget, standing) = standing(&gateway);
            assert!(standing.spent.plus(standing.reserved) <= budget.limit, "{standing:?}");
            match answer.status {
                200 => costs.push(cost(&answer)),
                429 => refused += 1,
                _ => panic!("{}", answer.text()),
            }
        }
        (costs, refused)
    };

    let ends = join_all((0..200).map(one)).await;

    let costs: Vec<u64> = ends.iter().flat_map(|(costs, _)| costs).copied().collect();
    let refused: usize = ends.iter().map(|(_, refused)| refused).sum();
    let standing = settled(&gateway).await;
    let over = key(&gateway).purse.overrun();
    println!(
        "REL Q1 clients=200 admitted={} refused={refused} limit=$0.20 spent={} over_nanodollars={}",
        costs.len(),
        standing.spent,
        over.get()
    );
    assert_eq!(standing.spent.get(), costs.iter().sum::<u64>(), "to the last digit");
    assert_eq!(over, Nanodollars::ZERO);
    // What is left has no room for the most that one more call could cost.
    assert!(standing.spent > Nanodollars::new(190_000_000), "{}", standing.spent);
    let spent = gateway.metric(
        "omniroute_budget_spent_dollars{client_key=\"ci\",period=\"daily\",timezone=\"UTC\"}",
    );
    assert!((spent - standing.spent.as_dollars()).abs() < 1e-12, "{spent}");
    let reached = gateway.metric(
        "omniroute_budget_reached_ratio{client_key=\"ci\",period=\"daily\",timezone=\"UTC\"}",
    );
    assert!((reached - 0.95).abs() < f64::EPSILON, "{reached}");
}

#[tokio::test]
async fn a_refusal_names_limit_spent_and_reset_in_the_clients_words() {
    let sim = simulator().await;
    let yaml = with_budget(&sim, "{ limit: $0.001, period: monthly }", PRICES);
    let gateway = TestGateway::start(&yaml).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let resets_at = standing(&gateway).1.window.end.to_string();

    for format in FORMATS {
        let (path, body) = limited(format, "chat/echo", "how much?", 4000);
        let answer = client.post(&path, &[KEY], &body).await;

        let case = format!("{format}: {}", answer.text());
        assert_eq!(answer.status, 429, "{case}");
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{case}");
        let json = answer.json();
        let message = error_message(&json);
        for word in [
            "monthly",
            "`ci`",
            "limit $0.001",
            "spent $0.00",
            &resets_at,
            "smaller limit of output",
        ] {
            assert!(message.contains(word), "{word}: {case}");
        }
        let kind = match format {
            "chat" | "responses" => {
                json["error"]["type"] == "insufficient_quota"
                    && json["error"]["code"] == "budget_spent"
            }
            "anthropic" => json["error"]["type"] == "rate_limit_error",
            _ => json["error"]["status"] == "RESOURCE_EXHAUSTED",
        };
        assert!(kind, "{case}");
    }
    assert_eq!(sim.counts().requests, 0, "nobody was asked");
    // On the next day of a daily budget there is room again; a smaller limit of output has room now.
    let (path, body) = limited("chat", "chat/echo", "how much?", 50);
    assert_eq!(client.post(&path, &[KEY], &body).await.status, 429, "2,048 tokens of frames alone");
}

#[tokio::test]
async fn a_spent_budget_serves_again_in_the_next_window() {
    let sim = simulator().await;
    let yaml = with_budget(&sim, "{ limit: $0.003, period: daily }", PRICES);
    let gateway = TestGateway::start(&yaml).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = limited("chat", "chat/echo", "how much?", 100);
    let mut served = 0;
    while client.post(&path, &[KEY], &body).await.status == 200 {
        served += 1;
        settled(&gateway).await;
    }
    assert!(served > 3, "{served}");

    gateway.clock().advance(Duration::from_secs(24 * 3600));

    assert_eq!(client.post(&path, &[KEY], &body).await.status, 200);
}

#[tokio::test]
async fn an_unknown_price_is_refused_or_allowed_and_never_free_in_silence() {
    let sim = simulator().await;
    let combos = "combos: { mixed: { targets: [chat/echo, anthropic-sim/echo] } }\n";
    let prices = "pricing: { chat/*: { input: $1, output: $2 } }\n";
    let budget = "{ limit: $1, period: weekly }";
    let refusing =
        TestGateway::start(&with_budget(&sim, budget, &format!("{combos}{prices}"))).await;
    let mut client = Client::connect(refusing.address(), Protocol::Http1).await;
    for model in ["anthropic-sim/echo", "mixed"] {
        let (path, body) = limited("anthropic", model, "how much?", 100);
        let answer = client.post(&path, &[KEY], &body).await;
        let json = answer.json();
        let message = error_message(&json);
        assert_eq!(
            (answer.status, answer.header("x-should-retry")),
            (403, Some("false")),
            "{message}"
        );
        assert!(message.contains("price of `echo` at provider `anthropic-sim`"), "{message}");
    }

    let filters = "filters: [api_key, budget: { unpriced: allow }]\n";
    let yaml = with_budget(&sim, budget, &format!("{combos}{prices}{filters}"));
    let allowing = TestGateway::start(&yaml).await;
    let mut client = Client::connect(allowing.address(), Protocol::Http1).await;
    let (path, body) = limited("anthropic", "anthropic-sim/echo", "how much?", 100);
    let answer = client.post(&path, &[KEY], &body).await;
    assert_eq!((answer.status, answer.header("x-omniroute-cost")), (200, None));
    assert_eq!(settled(&allowing).await.spent, Nanodollars::ZERO);
    let counted = "omniroute_unpriced_requests_total{model=\"other\",provider=\"anthropic-sim\"}";
    assert!((allowing.metric(counted) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn failures_cost_nothing_and_counts_are_free() {
    let sim = simulator().await;
    let yaml = with_budget(&sim, "{ limit: $0.01, period: daily }", PRICES);
    let gateway = TestGateway::start(&yaml).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    for model in ["chat/500", "chat/garbage", "nobody/echo"] {
        let (path, body) = limited("chat", model, "how much?", 100);
        assert!(client.post(&path, &[KEY], &body).await.status >= 400, "{model}");
    }
    let (_, body) = ask("anthropic", "chat/echo", false, "count me");
    let counted = client.post("/v1/messages/count_tokens", &[KEY], &body).await;
    assert_eq!(counted.status, 200, "{}", counted.text());

    assert_eq!(settled(&gateway).await.spent, Nanodollars::ZERO);
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_was_asked() {
    let sim = simulator().await;
    let yaml = with_budget(&sim, "{ limit: $0.01, period: daily }", PRICES);
    let gateway = TestGateway::start(&yaml).await;
    sim.script([Step::new().hang()]);
    let (path, body) = limited("chat", "chat/echo", "how much?", 100);
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    {
        let asking = client.post(&path, &[KEY], &body);
        let mut asking = std::pin::pin!(asking);
        // Until the provider has the request.
        while sim.counts().requests == 0 {
            assert!(futures_util::poll!(asking.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
        assert!(standing(&gateway).1.reserved > Nanodollars::ZERO);
    }
    drop(client);

    let standing = settled(&gateway).await;
    // A few tokens of the prompt at a dollar a million, and nothing of the answer.
    let spent = standing.spent.get();
    assert!((4_000..40_000).contains(&spent), "{spent}");
}

#[tokio::test]
async fn streams_are_settled_at_what_they_cost() {
    let sim = simulator().await;
    let gateway =
        TestGateway::start(&with_budget(&sim, "{ limit: $1, period: daily }", PRICES)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let mut before = 0;
    for upstream in FORMATS {
        for format in FORMATS {
            let model = format!("{}/echo", prefix(upstream));
            let (path, body) = limited(format, &model, "as a whole and as a stream", 300);
            let whole = client.post(&path, &[KEY], &body).await;
            assert_eq!(whole.status, 200, "{}", whole.text());
            assert_eq!(settled(&gateway).await.spent.get(), before + cost(&whole));

            let (path, streamed) = ask(format, &model, true, "as a whole and as a stream");
            let mut body = body;
            if let Some(stream) = streamed.get("stream") {
                body["stream"] = stream.clone();
            }
            let stream = client.post(&path, &[KEY], &body).await;
            assert!(stream.complete, "{}", stream.text());
            before += 2 * cost(&whole);
            let spent = settled(&gateway).await.spent.get();
            assert_eq!(spent, before, "{format} to {upstream}: {}", stream.text());
        }
    }
}

#[tokio::test]
async fn a_stored_conversation_is_passed_on_at_the_models_most() {
    let sim = simulator().await;
    let yaml = with_budget(&sim, "{ limit: $5, period: daily }", PRICES);
    let gateway = TestGateway::start(&yaml).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, mut body) = limited("responses", "responses-sim/echo", "go on", 100);
    body["previous_response_id"] = "resp_1".into();

    let answer = client.post(&path, &[KEY], &body).await;

    let served = sim.counts().requests == 1;
    assert!(served, "it reaches the provider that stores it: {}", answer.text());
}

#[tokio::test]
async fn an_edit_of_the_limit_is_live_and_forgets_nothing() {
    let sim = simulator().await;
    let yaml =
        |limit: &str| with_budget(&sim, &format!("{{ limit: {limit}, period: monthly }}"), PRICES);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omniroute.yaml");
    std::fs::write(&path, yaml("$1")).unwrap();
    let started = TestGateway::try_start(Text::File(path.clone())).await;
    let gateway = started.unwrap_or_else(|error| panic!("{error}"));
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (target, body) = limited("chat", "chat/echo", "hello", 100);
    assert_eq!(client.post(&target, &[KEY], &body).await.status, 200);
    let spent = settled(&gateway).await.spent;
    assert!(spent > Nanodollars::ZERO);

    std::fs::write(&path, yaml("$0.000001")).unwrap();
    gateway.shared().live.reload().unwrap();
    let refused = client.post(&target, &[KEY], &body).await;
    assert_eq!(refused.status, 429);
    assert!(error_message(&refused.json()).contains(&format!("spent {spent}")));

    std::fs::write(&path, yaml("$2")).unwrap();
    gateway.shared().live.reload().unwrap();
    assert_eq!(client.post(&target, &[KEY], &body).await.status, 200);
    assert_eq!(settled(&gateway).await.spent, spent.plus(spent));
}

#[tokio::test]
async fn what_was_spent_before_a_restart_counts_after_it() {
    let sim = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    let yaml = with_budget(&sim, "{ limit: $5, period: monthly }", PRICES);
    let started = async || {
        let text = Text::BuiltIn("test.yaml", yaml.clone());
        TestGateway::start_at(folder.path(), &[], text).await.unwrap()
    };
    let gateway = started().await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &[KEY], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let before = settled(&gateway).await.spent;
    assert_eq!(before, Nanodollars::new(cost(&answer)));
    gateway.store().close();
    drop(gateway);

    let gateway = started().await;

    assert_eq!(standing(&gateway).1.spent, before);
}
