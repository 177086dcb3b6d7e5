//! Checks a written stream as strictly as the official library's helper, and more.

use std::collections::HashMap;

use serde_json::{Value, json};

/// A stream that was checked.
pub(super) struct Checked {
    pub(super) events: Vec<Value>,
    /// The response object at its end.
    pub(super) response: Value,
}

impl Checked {
    /// The types of all events between the first two and the last, without `response.`.
    pub(super) fn steps(&self) -> Vec<&str> {
        let kinds = self.events.iter().map(|event| event["type"].as_str().unwrap());
        let inner = kinds.skip(2).take(self.events.len() - 3);
        inner.map(|kind| kind.strip_prefix("response.").unwrap_or(kind)).collect()
    }

    pub(super) fn output(&self) -> &Vec<Value> {
        self.response["output"].as_array().unwrap()
    }

    /// Types of the items, in order.
    pub(super) fn items(&self) -> Vec<&str> {
        self.output().iter().map(|item| item["type"].as_str().unwrap()).collect()
    }
}

/// What stands open while a stream is followed.
#[derive(Default)]
struct Follow {
    /// The open item as it was announced.
    item: Option<Value>,
    /// The parts of the open item that are done, by the member they stand in.
    parts: HashMap<&'static str, Vec<Value>>,
    /// The open part, its joined deltas and its annotations.
    part: Option<(Value, String, Vec<Value>)>,
    /// Joined deltas of a call.
    input: String,
    done: Vec<Value>,
}

/// Checks framing, numbers, announcements and the repetition at the end.
pub(super) fn checked(text: &str) -> Checked {
    let mut follow = Follow::default();
    let mut events = Vec::new();
    for frame in text.split_terminator("\n\n").filter(|frame| !frame.starts_with(':')) {
        let (name, data) = frame.split_once('\n').unwrap();
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let kind = event["type"].as_str().unwrap();
        assert_eq!(name, format!("event: {kind}"));
        assert_eq!(event["sequence_number"], events.len(), "{text}");
        follow.take(kind, &event, text);
        events.push(event);
    }

    let lifecycle = |event: &&Value| event["response"].is_object();
    let of_reply: Vec<&Value> = events.iter().filter(lifecycle).collect();
    let kinds: Vec<&str> = of_reply.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"], "{text}");
    assert_eq!(kinds.len(), 3, "{text}");
    assert!(lifecycle(&events.first().unwrap()) && lifecycle(&events.last().unwrap()), "{text}");
    let response = of_reply[2]["response"].clone();
    assert!(of_reply.iter().all(|e| e["response"]["id"] == response["id"]), "{text}");
    assert!(follow.item.is_none(), "an item stays open: {text}");
    assert_eq!(response["output"], json!(follow.done), "{text}");
    for member in ["tools", "tool_choice", "parallel_tool_calls", "metadata", "text"] {
        assert!(!response[member].is_null(), "the library demands {member}");
    }
    Checked { events, response }
}

impl Follow {
    fn take(&mut self, kind: &str, event: &Value, text: &str) {
        if event["output_index"].is_u64() {
            assert_eq!(event["output_index"], self.done.len(), "{text}");
        }
        if let Some(id) = event.get("item_id") {
            assert_eq!(id, &self.item.as_ref().expect(text)["id"], "{text}");
        }
        match kind {
            "response.output_item.added" => self.begin(&event["item"], text),
            "response.output_item.done" => self.end(&event["item"], text),
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                assert!(self.part.is_none(), "{text}");
                self.part = Some((event["part"].clone(), String::new(), Vec::new()));
                self.check_place(event, text);
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                self.check_place(event, text);
                let (head, joined, annotations) = self.part.take().unwrap();
                let part = &event["part"];
                assert_eq!((&part["type"], whole(part)), (&head["type"], joined.as_str()));
                assert_eq!(
                    part["annotations"].as_array().cloned().unwrap_or_default(),
                    annotations
                );
                self.parts.entry(member_of(event)).or_default().push(part.clone());
            }
            "response.output_text.annotation.added" => {
                self.check_place(event, text);
                let (_, _, annotations) = self.part.as_mut().unwrap();
                assert_eq!(event["annotation_index"], annotations.len());
                annotations.push(event["annotation"].clone());
            }
            _ if kind.ends_with("call_input.delta") || kind.ends_with("arguments.delta") => {
                self.input.push_str(event["delta"].as_str().unwrap());
            }
            _ if kind.ends_with("call_input.done") || kind.ends_with("arguments.done") => {
                let member = if kind.ends_with("input.done") { "input" } else { "arguments" };
                assert_eq!(event[member], self.input.as_str(), "{text}");
            }
            _ if kind.ends_with(".delta") => {
                self.check_place(event, text);
                let (head, joined, _) = self.part.as_mut().unwrap();
                let of_part = head["type"].as_str().unwrap();
                assert!(kind.contains(of_part), "{kind} in {of_part}: {text}");
                joined.push_str(event["delta"].as_str().unwrap());
            }
            _ if kind.ends_with("text.done") || kind.ends_with("refusal.done") => {
                self.check_place(event, text);
                assert_eq!(whole(event), self.part.as_ref().unwrap().1, "{text}");
            }
            "error" => assert!(event["error"]["message"].is_string(), "{text}"),
            _ if event["response"].is_object() => {}
            "response.web_search_call.in_progress"
            | "response.web_search_call.searching"
            | "response.web_search_call.completed"
            | "response.image_generation_call.in_progress"
            | "response.image_generation_call.generating"
            | "response.image_generation_call.completed" => {}
            _ => panic!("{kind} is no event of this format"),
        }
    }

    fn check_place(&self, event: &Value, text: &str) {
        assert!(self.part.is_some(), "a part that was not announced: {text}");
        let member = member_of(event);
        let index = if member == "summary" { "summary_index" } else { "content_index" };
        let done = self.parts.get(member).map_or(0, Vec::len);
        assert_eq!(event[index], done, "{text}");
    }

    fn begin(&mut self, item: &Value, text: &str) {
        assert!(self.item.is_none(), "two open items: {text}");
        assert_eq!(item["status"], "in_progress");
        let id = item["id"].as_str().unwrap();
        assert!(self.done.iter().all(|done| done["id"] != id), "an id twice: {text}");
        let prefix = match item["type"].as_str().unwrap() {
            "message" => "msg_",
            "reasoning" => "rs_",
            "function_call" => "fc_",
            "custom_tool_call" => "ctc_",
            "web_search_call" => "ws_",
            "image_generation_call" => "ig_",
            kind => panic!("{kind}"),
        };
        assert!(id.starts_with(prefix), "{id}");
        self.item = Some(item.clone());
    }

    fn end(&mut self, item: &Value, text: &str) {
        let begun = self.item.take().expect(text);
        assert!(self.part.is_none(), "a part stays open: {text}");
        for member in ["id", "type", "call_id", "name", "namespace"] {
            assert_eq!(item[member], begun[member], "{text}");
        }
        assert_ne!(item["status"], "in_progress");
        for member in ["content", "summary"] {
            let listed = item[member].as_array().cloned().unwrap_or_default();
            assert_eq!(listed, self.parts.remove(member).unwrap_or_default(), "{text}");
        }
        let input = std::mem::take(&mut self.input);
        for member in ["arguments", "input"] {
            assert!(item[member].is_null() || item[member] == input.as_str(), "{text}");
        }
        self.done.push(item.clone());
    }
}

/// The list of an item in which the part of an event stands.
fn member_of(event: &Value) -> &'static str {
    if event["summary_index"].is_u64() { "summary" } else { "content" }
}

fn whole(value: &Value) -> &str {
    value["text"].as_str().or(value["refusal"].as_str()).unwrap()
}
