//! What filters change in a request: instructions of the operator's, and a cap on reasoning.

use omniroute_testkit::{Client, Protocol, Running, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::{FORMATS, all_formats, all_formats_with, ask, prefix};

const PROMPT: &str = "answer \"in verse\"";

/// A request with instructions of its own.
fn instructed(format: &str, model: &str, stream: bool) -> (String, Value) {
    let (path, mut body) = ask(format, model, stream, "hello");
    match format {
        "chat" => {
            let own = json!({ "role": "system", "content": "be brief" });
            body["messages"].as_array_mut().unwrap().insert(0, own);
        }
        "responses" => body["instructions"] = "be brief".into(),
        "anthropic" => {
            let cache = json!({ "type": "ephemeral" });
            body["system"] =
                json!([{ "type": "text", "text": "be brief", "cache_control": cache }]);
        }
        _ => body["systemInstruction"] = json!({ "parts": [{ "text": "be brief" }] }),
    }
    (path, body)
}

/// The instructions that a provider of a format was sent, as one text.
fn instructions(format: &str, sent: &Value) -> String {
    let texts = |list: &Value| -> String {
        let all = list.as_array().into_iter().flatten();
        all.map(|part| format!("{}\n", part["text"].as_str().unwrap_or_default())).collect()
    };
    let of_messages = |list: &Value| -> String {
        let all = list.as_array().into_iter().flatten();
        let own = all.filter(|item| item["role"] == "system" || item["role"] == "developer");
        own.map(|item| match item["content"].as_str() {
            Some(text) => format!("{text}\n"),
            None => texts(&item["content"]),
        })
        .collect()
    };
    match format {
        "chat" => of_messages(&sent["messages"]),
        "responses" => {
            let text = sent["instructions"].as_str().unwrap_or_default();
            format!("{text}\n{}", of_messages(&sent["input"]))
        }
        "anthropic" => match sent["system"].as_str() {
            Some(text) => text.to_owned(),
            None => texts(&sent["system"]),
        },
        _ => texts(&sent["systemInstruction"]["parts"]),
    }
}

async fn sent(gateway: &TestGateway, sim: &Running, (path, body): &(String, Value)) -> String {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let answer = client.post(path, &[], body).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    sim.take_seen().pop().unwrap().text()
}

#[tokio::test]
async fn the_operators_instructions_reach_every_provider_before_or_behind_the_clients() {
    let sim = simulator().await;
    for position in ["prepend", "append"] {
        let filters = format!(
            "filters: [{{ system_prompt: {{ text: '{PROMPT}', position: {position} }} }}]\n"
        );
        let gateway = TestGateway::start(&all_formats_with(&sim, &filters)).await;
        for client_format in FORMATS {
            for provider_format in FORMATS {
                for stream in [false, true] {
                    let model = format!("{}/echo", prefix(provider_format));
                    let request = instructed(client_format, &model, stream);

                    let sent = sent(&gateway, &sim, &request).await;

                    let case = format!("{client_format} at {provider_format}, {position}: {sent}");
                    let said = instructions(provider_format, &serde_json::from_str(&sent).unwrap());
                    let ours = said.find(PROMPT).unwrap_or_else(|| panic!("not added: {case}"));
                    let own = said.find("be brief").unwrap_or_else(|| panic!("lost: {case}"));
                    assert_eq!(ours < own, position == "prepend", "{case}");
                    assert_eq!(sent.matches("in verse").count(), 1, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_same_format_request_stays_as_it_was_round_the_instructions() {
    let sim = simulator().await;
    let filters = "filters: [{ system_prompt: { text: 'in verse' } }]\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, filters)).await;
    for (format, added) in [
        ("chat", r#"{"role":"system","content":"in verse"},"#),
        ("responses", r"in verse\n\n"),
        ("anthropic", r#"{"type":"text","text":"in verse"},"#),
        ("gemini", r#"{"text":"in verse"},"#),
    ] {
        let model = format!("{}/echo", prefix(format));
        let (path, mut body) = instructed(format, &model, false);
        // No parser would print this number again as it is.
        body["unknown"] = serde_json::from_str(r#"{"z":[1.50,"\u00e9"]}"#).unwrap();

        let sent = sent(&gateway, &sim, &(path, body.clone())).await;

        let written = body.to_string().replace(&model, "echo");
        assert_eq!(sent.matches(added).count(), 1, "{format}: {sent}");
        assert_eq!(sent.replace(added, ""), written, "{format}");
    }
}

#[tokio::test]
async fn a_key_may_have_instructions_of_its_own_and_counts_have_none() {
    let sim = simulator().await;
    let more = "client_keys:
  - { name: plain, key: key-of-plain }
  - { name: poet, key: key-of-poet, system_prompt: in rhymes }
  - { name: none, key: key-of-none, system_prompt: '' }
filters: [api_key, { system_prompt: { text: in verse } }]
";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("anthropic", "anthropic-sim/echo", false, "hello");
    for (key, expected) in
        [("plain", json!("in verse")), ("poet", json!("in rhymes")), ("none", Value::Null)]
    {
        let bearer = format!("Bearer key-of-{key}");
        let headers = [("authorization", bearer.as_str())];
        client.post(&path, &headers, &body).await;
        let sent = sim.take_seen().pop().unwrap().json().unwrap();
        assert_eq!(sent["system"], expected, "{key}");
        client.post("/v1/messages/count_tokens", &headers, &body).await;
        let counted = sim.take_seen().pop().unwrap().json().unwrap();
        assert_eq!(counted["system"], Value::Null, "{key}");
    }
}

#[tokio::test]
async fn instructions_that_only_a_provider_could_understand_are_refused() {
    let sim = simulator().await;
    let filters = "filters: [{ system_prompt: { text: in verse } }]\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, filters)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, mut body) = ask("responses", "responses-sim/echo", false, "hello");
    body["instructions"] = json!([{ "type": "input_text", "text": "be rude" }]);

    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("instructions: must be a string"), "{}", answer.text());
    assert!(sim.seen().is_empty());
}

/// Puts an amount of reasoning into a request: as `high` as it can be, or as the cap of 8192 has it.
fn reasoning(format: &str, body: &mut Value, is_high: bool) {
    let word = if is_high { "high" } else { "medium" };
    let tokens = if is_high { 20_000 } else { 8192 };
    match format {
        "chat" => body["reasoning_effort"] = word.into(),
        "responses" => body["reasoning"] = json!({ "effort": word, "summary": "auto" }),
        "anthropic" => {
            body["max_tokens"] = 30_000.into();
            body["thinking"] = json!({ "type": "enabled", "budget_tokens": tokens });
        }
        _ => {
            let thinking = json!({ "thinkingBudget": tokens, "includeThoughts": true });
            body["generationConfig"] = json!({ "thinkingConfig": thinking });
        }
    }
}

#[tokio::test]
async fn reasoning_above_the_cap_is_asked_for_as_the_cap_in_every_format() {
    let sim = simulator().await;
    let filters = "filters: [{ thinking_budget: { max_tokens: 8192 } }]\n";
    let capped = TestGateway::start(&all_formats_with(&sim, filters)).await;
    let free = TestGateway::start(&all_formats(&sim)).await;
    for client_format in FORMATS {
        for provider_format in FORMATS {
            let model = format!("{}/echo", prefix(provider_format));
            let (path, body) = ask(client_format, &model, true, "hello");
            let with = |is_high| {
                let mut body = body.clone();
                reasoning(client_format, &mut body, is_high);
                (path.clone(), body)
            };

            let lowered = sent(&capped, &sim, &with(true)).await;
            let at_the_cap = sent(&free, &sim, &with(false)).await;
            let as_asked = sent(&free, &sim, &with(true)).await;
            let below = sent(&capped, &sim, &with(false)).await;

            let case = format!("{client_format} at {provider_format}");
            assert_eq!(lowered, at_the_cap, "{case}");
            assert_ne!(lowered, as_asked, "the filter does something: {case}");
            assert_eq!(below, at_the_cap, "what is below stays: {case}");
        }
    }
}
