//! Log probabilities: `logprobsResult`, and the entries that Chat Completions has for each token.

use serde_json::{Value, json};

use super::sources::list;
use crate::json as out_json;

/// Reads `logprobsResult`.
pub(super) fn read(result: &Value) -> Vec<Value> {
    let tops = list(result, "topCandidates", "top_candidates");
    let chosen = list(result, "chosenCandidates", "chosen_candidates").iter().enumerate();
    let entry = |(place, chosen): (usize, &Value)| {
        let mut entry = token(chosen);
        let others = tops.get(place).and_then(|top| top.get("candidates"));
        let others = others.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        entry["top_logprobs"] = others.iter().map(token).collect();
        entry
    };
    chosen.map(entry).collect()
}

/// Appends `,"logprobsResult":{…}`, or nothing if there are none.
pub(super) fn write(tokens: &[Value], out: &mut Vec<u8>) {
    if tokens.is_empty() {
        return;
    }
    let candidate =
        |entry: &Value| json!({"token": entry["token"], "logProbability": entry["logprob"]});
    let chosen: Vec<Value> = tokens.iter().map(candidate).collect();
    let others = |entry: &Value| {
        let list = entry["top_logprobs"].as_array().map_or(&[][..], Vec::as_slice);
        json!({"candidates": list.iter().map(candidate).collect::<Vec<_>>()})
    };
    let tops: Vec<Value> = tokens.iter().map(others).collect();
    let mut result = json!({"chosenCandidates": chosen});
    let any =
        tokens.iter().any(|entry| entry["top_logprobs"].as_array().is_some_and(|l| !l.is_empty()));
    if any {
        result["topCandidates"] = Value::Array(tops);
    }
    out.extend_from_slice(b",\"logprobsResult\":");
    out_json::value(&result, out);
}

fn token(candidate: &Value) -> Value {
    let text = candidate.get("token").and_then(Value::as_str).unwrap_or_default();
    let number = candidate.get("logProbability").or_else(|| candidate.get("log_probability"));
    json!({
        "token": text,
        "logprob": number.unwrap_or(&Value::Null),
        "bytes": text.as_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_go_both_ways() {
        let result = json!({
            "chosenCandidates": [{"token": "hi", "tokenId": 7, "logProbability": -0.5}],
            "topCandidates": [{"candidates": [{"token": "hi", "logProbability": -0.5}]}],
        });
        let tokens = read(&result);
        assert_eq!(
            tokens,
            [json!({
                "token": "hi", "logprob": -0.5, "bytes": [104, 105],
                "top_logprobs": [{"token": "hi", "logprob": -0.5, "bytes": [104, 105]}],
            })]
        );
        let mut out = Vec::new();
        write(&tokens, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#","logprobsResult":{"chosenCandidates":[{"token":"hi","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"hi","logProbability":-0.5}]}]}"#
        );
    }
}
