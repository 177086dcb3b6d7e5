//! What calls cost: in headers, metrics and to the last digit.

use omniroute_testkit::{Client, Protocol, Sim, TestGateway};

use crate::setup::{FORMATS, all_formats_with, ask, prefix};

const PRICES: &str = "
pricing:
  chat/*: { input: $1, output: $2, cache_read: $0.5 }
  responses-sim/*: { input: $1, output: $2 }
  anthropic-sim/*: { input: $1, output: $2, per_request: $0.01 }
  gemini-sim/*: { input: $0, output: $0 }
";

/// Returns what a reply of a format says it took: input, output.
fn tokens(format: &str, reply: &serde_json::Value) -> (u64, u64) {
    let names = match format {
        "chat" => ["/usage/prompt_tokens", "/usage/completion_tokens"],
        "gemini" => ["/usageMetadata/promptTokenCount", "/usageMetadata/candidatesTokenCount"],
        _ => ["/usage/input_tokens", "/usage/output_tokens"],
    };
    let [input, output] = names.map(|name| reply.pointer(name).unwrap().as_u64().unwrap());
    (input, output)
}

#[tokio::test]
async fn a_whole_answer_says_what_it_cost() {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let gateway = TestGateway::start(&all_formats_with(&sim, PRICES)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    for format in FORMATS {
        for upstream in FORMATS {
            let model = format!("{}/echo", prefix(upstream));
            let (path, body) = ask(format, &model, false, "count this to the last digit");
            let answer = client.post(&path, &[], &body).await;

            let (input, output) = tokens(format, &answer.json());
            let fee = if upstream == "anthropic" { 10_000_000 } else { 0 };
            let expected = match upstream {
                "gemini" => "0.00".to_owned(),
                _ => format!("0.{:09}", input * 1_000 + output * 2_000 + fee),
            };
            let said = answer.header("x-omniroute-cost").unwrap();
            assert_eq!(said, zeros_cut(&expected), "{format} to {upstream}: {}", answer.text());
        }
    }
}

fn zeros_cut(digits: &str) -> &str {
    let cut = digits.trim_end_matches('0');
    &digits[..cut.len().max("0.00".len())]
}

#[tokio::test]
async fn streams_are_counted_and_unknown_prices_are_named() {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let prices = "pricing: { chat/*: { input: $1000000, output: $0 } }";
    let gateway = TestGateway::start(&all_formats_with(&sim, prices)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    for model in ["chat/echo", "anthropic-sim/echo"] {
        let (path, body) = ask("chat", model, true, "one two three");
        let answer = client.post(&path, &[], &body).await;
        assert!(answer.complete && answer.header("x-omniroute-cost").is_none(), "{answer:?}");
    }
    // The next request on the connection comes after the last one's end.
    client.get("/livez", &[]).await;

    let input =
        gateway.metric("omniroute_tokens_total{kind=\"input\",model=\"other\",provider=\"chat\"}");
    let cost = gateway.metric("omniroute_cost_dollars_total{model=\"other\",provider=\"chat\"}");
    assert!(input > 0.0 && (cost - input).abs() < 1e-9, "a dollar a token: {input} {cost}");
    let unknown = "omniroute_unpriced_requests_total{model=\"other\",provider=\"anthropic-sim\"}";
    assert!((gateway.metric(unknown) - 1.0).abs() < f64::EPSILON);
}
