//! Streams of Chat Completions.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was seen of one answer.
#[derive(Default)]
struct Answer {
    calls: u64,
    ended: bool,
}

/// Every frame is one line of data that is not empty, the last is the marker, an answer begins with its
/// role and ends with its finish, a call is introduced once.
pub(super) fn check(text: &str) {
    let frames: Vec<&str> = text.split_terminator("\n\n").collect();
    let frames: Vec<&&str> = frames.iter().filter(|frame| !frame.starts_with(':')).collect();
    let (last, rest) = frames.split_last().unwrap();
    assert_eq!(**last, "data: [DONE]", "{text}");
    let mut answers: BTreeMap<u64, Answer> = BTreeMap::new();
    let mut failed = false;
    let mut counted = false;
    let mut head = None;
    for frame in rest {
        assert!(!failed && !counted, "nothing follows an error or the usage: {text}");
        let data = frame.strip_prefix("data: ").expect(text);
        let chunk: Value = serde_json::from_str(data).unwrap();
        failed = !chunk["error"].is_null();
        if failed {
            assert!(chunk["error"]["message"].is_string(), "{text}");
            continue;
        }
        assert_eq!(chunk["object"], "chat.completion.chunk", "{text}");
        let of = (chunk["id"].clone(), chunk["model"].clone(), chunk["created"].clone());
        assert!(of.0.is_string() && of.1.is_string() && of.2.is_u64(), "{text}");
        assert_eq!(*head.get_or_insert(of.clone()), of, "one reply is one id: {text}");
        counted = chunk["usage"].is_object();
        let choices = chunk["choices"].as_array().expect(text);
        assert_eq!(counted, choices.is_empty(), "usage has a chunk of its own: {text}");
        choices.iter().for_each(|choice| one(choice, &mut answers, text));
    }
    assert!(failed || (!answers.is_empty() && answers.values().all(|it| it.ended)), "{text}");
}

fn one(choice: &Value, answers: &mut BTreeMap<u64, Answer>, text: &str) {
    let index = choice["index"].as_u64().expect(text);
    let delta = choice["delta"].as_object().expect(text);
    assert_eq!(delta.contains_key("role"), !answers.contains_key(&index), "{text}");
    let answer = answers.entry(index).or_default();
    assert!(!answer.ended, "nothing follows a finish: {text}");
    answer.ended = choice["finish_reason"].is_string();
    for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let place = call["index"].as_u64().expect(text);
        let is_new = place == answer.calls;
        assert!(place <= answer.calls, "calls count from 0: {text}");
        answer.calls += u64::from(is_new);
        let named = call["function"]["name"].is_string() || call["custom"]["name"].is_string();
        for told in [call["id"].is_string(), call["type"].is_string(), named] {
            assert_eq!(told, is_new, "{text}");
        }
    }
}
