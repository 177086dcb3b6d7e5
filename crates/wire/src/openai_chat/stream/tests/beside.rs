//! What comes beside text and calls: sources, probabilities, free text for custom tools, sound, and
//! reasoning that belongs to a vendor.

use serde_json::{Value, json};

use super::{deltas, parts, read, written};
use crate::chat::{CallKind, Opaque, OpaqueKind, Vendor};
use crate::codec::ReplyContext;
use crate::collect::{Collected, collect};
use crate::event::{Citation, Event, PartHead, ReasoningKind, Usage};
use crate::openai_chat::reply;
use crate::openai_chat::stream::reader::read_reply;

fn start(part: u32, head: PartHead) -> Event {
    Event::PartStart { choice: 0, part, head }
}

fn text(part: u32, delta: &str) -> Event {
    Event::Text { choice: 0, part, delta: delta.to_owned() }
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn cite(part: u32, url: &str, span: Option<(u64, u64)>) -> Event {
    let citation = Citation { url: url.to_owned(), span, ..Citation::default() };
    Event::Cite { choice: 0, part, citation }
}

/// The `delta` members of a written stream by name, in order.
fn members(stream: &str, name: &str) -> Vec<Value> {
    let chunks = stream.split("\n\n").filter_map(|frame| frame.strip_prefix("data: {"));
    let values = chunks.map(|rest| serde_json::from_str::<Value>(&format!("{{{rest}")).unwrap());
    values
        .flat_map(|chunk| chunk["choices"].as_array().cloned().unwrap_or_default())
        .filter_map(|choice| choice.pointer(name).cloned())
        .collect()
}

fn citations(whole: &Collected) -> Vec<Citation> {
    whole.choices[0].parts.iter().flat_map(|part| part.citations.clone()).collect()
}

#[test]
fn sources_are_read_from_annotations_and_from_the_top() {
    let annotated = deltas(&[
        r#"{"content":"Grüße"}"#,
        r#"{"annotations":[{"type":"url_citation","url_citation":{"url":"u","title":"t","start_index":0,"end_index":5}},{"type":"file_citation"}]}"#,
    ]);
    let expected = Citation {
        url: "u".to_owned(),
        title: Some("t".to_owned()),
        span: Some((0, 5)),
        ..Citation::default()
    };
    assert_eq!(citations(&annotated), [expected]);
    assert_eq!(parts(&annotated), ["text:Grüße"]);

    let chunk = |content: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}},\"finish_reason\":\"stop\"}}],\
             \"citations\":[\"u\",\"v\"]}}\n\n"
        )
    };
    let whole = collect(&read(&format!("{}{}", chunk("a"), chunk("b"))));
    let urls: Vec<String> = citations(&whole).into_iter().map(|citation| citation.url).collect();
    assert_eq!(
        (urls, parts(&whole)),
        (vec!["u".to_owned(), "v".to_owned()], vec!["text:ab".to_owned()])
    );

    let nonsense = deltas(&[r#"{"content":"a","annotations":{"no":"list"}}"#]);
    assert!(nonsense.complete && citations(&nonsense).is_empty());
}

#[test]
fn sources_are_written_by_their_place_in_the_whole_text() {
    let events = [
        start(0, PartHead::Text),
        text(0, "Grüße 👍"),
        end(0),
        start(1, PartHead::Text),
        cite(1, "https://a", None),
        text(1, "from A"),
        cite(1, "https://b", Some((0, 4))),
        cite(1, "", Some((0, 4))),
        end(1),
        Event::End,
    ];

    let stream = written(&events, &ReplyContext::default());
    let body: Value =
        serde_json::from_slice(&reply::write(&events, &ReplyContext::default())).unwrap();

    let cited = |url: &str, start: u64, end: u64| {
        json!({"type": "url_citation", "url_citation":
            {"url": url, "title": url, "start_index": start, "end_index": end}})
    };
    let expected = json!([cited("https://a", 7, 13), cited("https://b", 7, 11)]);
    assert_eq!(body["choices"][0]["message"]["annotations"], expected);
    assert_eq!(members(&stream, "/delta/annotations"), [expected]);
}

#[test]
fn probabilities_and_free_text_go_through() {
    let token = r#"{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}"#;
    let stream = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}},\"logprobs\":{{\"content\":[{token}],\"refusal\":null}}}}]}}\n\n\
         data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"c\",\"type\":\"custom\",\"custom\":{{\"name\":\"p\",\"input\":\"\"}}}}]}}}}]}}\n\n\
         data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"custom\":{{\"input\":\"x\\n\"}}}}]}},\"finish_reason\":\"tool_calls\"}}]}}\n\n\
         data: [DONE]\n\n"
    );
    let events = read(&stream);
    let whole = collect(&events);

    assert_eq!(whole.choices[0].logprobs, [serde_json::from_str::<Value>(token).unwrap()]);
    let kind = CallKind::Custom;
    let head = PartHead::ToolCall { id: "c".to_owned(), name: "p".to_owned(), kind };
    assert_eq!((&whole.choices[0].parts[1].head, &*whole.choices[0].parts[1].text), (&head, "x\n"));
    assert_eq!(collect(&read(&written(&events, &ReplyContext::default()))), whole);
    let body = reply::write(&events, &ReplyContext::default());
    assert_eq!(collect(&read_reply(&body)).choices, whole.choices);
}

#[test]
fn a_custom_call_without_input_stays_empty() {
    let kind = CallKind::Custom;
    let head = PartHead::ToolCall { id: "c".to_owned(), name: "p".to_owned(), kind };
    let events = [start(0, head), end(0), Event::End];

    let inputs = members(&written(&events, &ReplyContext::default()), "/delta/tool_calls/0/custom");

    assert_eq!(inputs, [json!({"name": "p", "input": ""})]);
}

#[test]
fn pieces_of_sound_are_one_sound() {
    let whole = deltas(&[
        r#"{"audio":{"id":"a","transcript":"be"}}"#,
        r#"{"audio":{"data":"AAE="}}"#,
        r#"{"audio":{"data":"AgM=","transcript":"ep"}}"#,
    ]);
    assert_eq!(parts(&whole), ["media:audio/pcm;rate=24000:AAECAw=="]);

    let body =
        r#"{"choices":[{"message":{"audio":{"data":"T2dnUwACAAAAAAAA"}},"finish_reason":"stop"}]}"#;
    let whole = collect(&read_reply(body.as_bytes()));
    assert_eq!(parts(&whole), ["media:audio/ogg:T2dnUwACAAAAAAAA"]);
}

#[test]
fn every_signed_block_keeps_its_own_text() {
    let detail = |text: &str, signature: &str| {
        format!(
            r#"{{"type":"reasoning.text","text":"{text}","signature":"{signature}","format":"anthropic-claude-v1"}}"#
        )
    };
    let message = format!(
        r#"{{"choices":[{{"message":{{"reasoning":"onetwo","reasoning_details":[{},{}],"content":"hi"}}}}]}}"#,
        detail("one", "s1"),
        detail("two", "s2"),
    );
    let events = read_reply(message.as_bytes());
    let whole = collect(&events);
    assert_eq!(parts(&whole), ["reasoning:one", "reasoning:two", "text:hi"]);

    let stream = written(&events, &ReplyContext::default());
    let details = members(&stream, "/delta/reasoning_details/0");
    let shown: Vec<(&str, &str, u64)> = details
        .iter()
        .map(|detail| {
            let text = |name: &str| detail[name].as_str().unwrap();
            (text("text"), text("signature"), detail["index"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(shown, [("one", "s1", 0), ("two", "s2", 1)]);
    let thoughts = |whole: &Collected| {
        let parts = whole.choices[0].parts.iter();
        parts.map(|part| (part.text.clone(), part.opaque.clone())).collect::<Vec<_>>()
    };
    assert_eq!(thoughts(&collect(&read(&stream))), thoughts(&whole), "a gateway behind a gateway");
}

#[test]
fn a_summary_and_its_encrypted_form_are_one_part() {
    let whole = deltas(&[
        r#"{"reasoning":"sum","reasoning_details":[{"type":"reasoning.summary","summary":"sum","id":"rs_1","format":"openai-responses-v1"}]}"#,
        r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"e","id":"rs_1","format":"openai-responses-v1"}]}"#,
        r#"{"content":"hi"}"#,
    ]);

    assert_eq!(parts(&whole), ["reasoning:sum", "text:hi"]);
    let first = &whole.choices[0].parts[0];
    assert_eq!(first.head, PartHead::Reasoning(ReasoningKind::Summary));
    let item = Some("rs_1".to_owned());
    let opaque = Opaque { item, ..Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, "e") };
    assert_eq!(first.opaque, [opaque]);
}

#[test]
fn sound_is_told_apart_in_the_usage() {
    let usage = Usage {
        input: Some(5),
        output: Some(9),
        audio_output: Some(4),
        image_input: Some(2),
        ..Usage::default()
    };
    let context = ReplyContext { include_usage: true, ..ReplyContext::default() };
    let events = [start(0, PartHead::Text), end(0), Event::Usage(usage), Event::End];

    let stream = written(&events, &context);

    assert!(stream.contains(r#""prompt_tokens_details":{"image_tokens":2}"#), "{stream}");
    assert!(stream.contains(r#""completion_tokens_details":{"audio_tokens":4}"#), "{stream}");
    let searches = "data: {\"choices\":[],\"usage\":{\"num_search_queries\":3}}\n\n";
    assert_eq!(collect(&read(searches)).usage.web_searches, Some(3));
}
