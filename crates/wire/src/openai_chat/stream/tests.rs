mod beside;

use super::reader::{ChatReader, read_reply};
use super::writer::ChatWriter;
use crate::api_error::ErrorKind;
use crate::chat::{CallKind, Vendor};
use crate::codec::{EventReader, EventWriter, ReplyContext};
use crate::collect::{Collected, collect};
use crate::event::{Event, Finish, PartHead};

fn read(stream: &str) -> Vec<Event> {
    let mut reader = ChatReader::default();
    let mut events = Vec::new();
    reader.push(stream.as_bytes(), &mut events);
    reader.finish(&mut events);
    events
}

fn deltas(deltas: &[&str]) -> Collected {
    let chunks: Vec<String> = deltas
        .iter()
        .map(|delta| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n"))
        .collect();
    collect(&read(&format!("{}data: [DONE]\n\n", chunks.concat())))
}

/// The parts of the first answer as `kind:name:text`.
fn parts(whole: &Collected) -> Vec<String> {
    let parts = whole.choices[0].parts.iter();
    parts
        .map(|part| match &part.head {
            PartHead::Text => format!("text:{}", part.text),
            PartHead::Reasoning(_) => format!("reasoning:{}", part.text),
            PartHead::Refusal => format!("refusal:{}", part.text),
            PartHead::ToolCall { id, name, .. } => format!("call:{id}:{name}:{}", part.text),
            PartHead::Media { mime, data } => format!("media:{mime}:{data}"),
            PartHead::Server { .. } => "server".to_owned(),
        })
        .collect()
}

#[test]
fn calls_are_told_apart_whatever_index_and_id_say() {
    let check = |fragments: &[&str], expected: &[&str]| {
        let members: Vec<String> =
            fragments.iter().map(|call| format!("{{\"tool_calls\":[{call}]}}")).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        assert_eq!(parts(&deltas(&members)), expected);
    };
    // Interleaved by index, starting at 1.
    check(
        &[
            r#"{"index":1,"id":"a","function":{"name":"f","arguments":"{\"x\""}}"#,
            r#"{"index":2,"id":"b","function":{"name":"g","arguments":"{}"}}"#,
            r#"{"index":1,"function":{"arguments":":1}"}}"#,
        ],
        &["call:a:f:{\"x\":1}", "call:b:g:{}"],
    );
    // Index 0 for all, another id.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}"#,
        ],
        &["call:a:f:{}", "call:b:f:{}"],
    );
    // Id and name repeated on each fragment; arguments null or missing.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":null}}"#,
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            r#"{"index":0,"id":"a","function":{"name":"f"}}"#,
        ],
        &["call:a:f:{}"],
    );
    // No index at all.
    check(
        &[
            r#"{"id":"a","function":{"name":"f","arguments":"{"}}"#,
            r#"{"function":{"arguments":"}"}}"#,
            r#"{"function":{"name":"g","arguments":{"y": 1.0}}}"#,
        ],
        &["call:a:f:{}", "call::g:{\"y\": 1.0}"],
    );
    // The name comes late.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"","arguments":"{"}}"#,
            r#"{"index":0,"function":{"name":"f","arguments":"}"}}"#,
        ],
        &["call:a:f:{}"],
    );
    // Cut in the middle of a character.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"\ud83d"}}"#,
            r#"{"index":0,"function":{"arguments":"\"}"}}"#,
        ],
        &["call:a:f:{\"x\":\"\u{fffd}\"}"],
    );
}

#[test]
fn every_convention_for_reasoning_is_read() {
    let check = |delta: &str, expected: &[&str]| {
        assert_eq!(parts(&deltas(&[delta])), expected, "{delta}");
    };
    check(r#"{"reasoning_content":"a","content":"b"}"#, &["reasoning:a", "text:b"]);
    check(r#"{"reasoning_content":"","reasoning":"a"}"#, &["reasoning:a"]);
    check(
        r#"{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a"}]}"#,
        &["reasoning:a"],
    );
    check(
        r#"{"reasoning_details":[{"type":"reasoning.summary","summary":"a"}]}"#,
        &["reasoning:a"],
    );
    check(
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]},{"type":"text","text":"b"}]}"#,
        &["reasoning:a", "text:b"],
    );
}

#[test]
fn signatures_stay_with_their_part() {
    let whole = deltas(&[
        r#"{"reasoning":"a"}"#,
        r#"{"reasoning_details":[{"type":"reasoning.text","signature":"s1","format":"anthropic-claude-v1"}]}"#,
        r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"r1","format":"anthropic-claude-v1"}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"g1"}}}]}"#,
    ]);

    let opaque: Vec<(&str, Vendor)> = whole.choices[0]
        .parts
        .iter()
        .map(|part| (part.opaque[0].data.as_str(), part.opaque[0].vendor))
        .collect();
    let expected = [("s1", Vendor::Anthropic), ("r1", Vendor::Anthropic), ("g1", Vendor::Google)];
    assert_eq!(opaque, expected);
    assert_eq!(parts(&whole), ["reasoning:a", "reasoning:", "call:c:f:{}"]);
}

#[test]
fn the_finish_follows_from_word_and_content() {
    let check = |choice: &str, reason: Finish, native: &str| {
        let stream = format!("data: {{\"choices\":[{{{choice}}}]}}\n\ndata: [DONE]\n\n");
        let whole = collect(&read(&stream));
        let finish = whole.choices[0].finish.clone().unwrap();
        assert_eq!((finish.reason, finish.native.as_str()), (reason, native), "{choice}");
        assert!(whole.complete);
    };
    let call = r#""delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"#;
    check(r#""delta":{"content":"a"},"finish_reason":"stop""#, Finish::Stop, "stop");
    check(&format!("{call},\"finish_reason\":\"stop\""), Finish::ToolCalls, "stop");
    check(&format!("{call},\"finish_reason\":\"length\""), Finish::Length, "length");
    check(call, Finish::ToolCalls, "");
    check(r#""delta":{"content":"a"},"finish_reason":"""#, Finish::Stop, "");
    check(r#""delta":{"content":"a"},"finish_reason":"MAX_TOKENS""#, Finish::Length, "MAX_TOKENS");
    check(r#""delta":{"content":"a"},"finish_reason":"vibes""#, Finish::Other, "vibes");
    check(r#""message":{"refusal":"no"},"finish_reason":"stop""#, Finish::Refusal, "stop");
    check(
        r#""delta":{"content":"a"},"finish_reason":"stop","stop_reason":"END""#,
        Finish::StopSequence,
        "stop",
    );
    check(
        r#""delta":{"content":"a"},"finish_reason":"stop","stop_reason":128"#,
        Finish::Stop,
        "stop",
    );
}

#[test]
fn only_a_known_end_is_complete() {
    let check = |stream: &str, complete: bool| {
        let events = read(stream);
        let ended = matches!(events.last(), Some(Event::End));
        assert_eq!(ended, complete, "{stream}: {events:?}");
        let ends = events.iter().filter(|e| matches!(e, Event::End | Event::Error(_))).count();
        assert_eq!(ends, 1, "exactly one: {events:?}");
    };
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    check(&format!("{text}{finish}data: [DONE]\n\n"), true);
    check(&format!("{text}{finish}"), true);
    check(&format!("{text}data: [DONE]\n\n"), true);
    check(&format!("{text}data: [DONE]"), true);
    check(text, false);
    check(&format!("{text}data: {{\"choi"), false);
    check("data: [DONE]\n\n", false);
    check("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\ndata: [DONE]\n\n", false);
    check("", false);
    check(&format!("{text}data: nonsense\n\n{finish}data: [DONE]\n\n"), false);
}

#[test]
fn an_error_after_the_finish_wins_and_the_finish_is_not_shown() {
    let events = read(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n\
         data: {\"error\":{\"message\":\"late\",\"code\":502},\"choices\":[]}\n\ndata: [DONE]\n\n",
    );

    assert!(matches!(events.last(), Some(Event::Error(error)) if error.status == 502));
    assert!(!events.iter().any(|event| matches!(event, Event::Finish { .. })));
}

#[test]
fn bodies_that_are_no_event_stream_are_found_out() {
    let check = |body: &str, kind: ErrorKind, message: &str| {
        let events = read(body);
        let Some(Event::Error(error)) = events.last() else { panic!("{body}: {events:?}") };
        assert_eq!(error.kind, kind, "{body}");
        assert!(error.message.contains(message), "{}", error.message);
    };
    check("{\"error\":{\"message\":\"slow\",\"code\":429}}", ErrorKind::RateLimit, "slow");
    check("{\n  \"error\": {\n    \"message\": \"slow\"\n  }\n}\n", ErrorKind::Server, "slow");
    check("<html>\n<body>busy</body>\n", ErrorKind::Server, "page");
    check(
        "event: error\ndata: {\"message\":\"x\",\"type\":\"overloaded_error\"}\n\n",
        ErrorKind::Overloaded,
        "x",
    );
    check("{\"detail\":\"Invalid API Key\"}\n", ErrorKind::Authentication, "Invalid");
    check("service unavailable\n", ErrorKind::Server, "neither");
}

#[test]
fn a_whole_reply_in_place_of_a_stream_is_played_as_one() {
    let body = "{\n \"id\":\"c\",\n \"choices\":[{\"message\":{\"content\":\"hi\"},\n \"finish_reason\":\"stop\"}]\n}";

    assert_eq!(read(body), read_reply(body.as_bytes()));
    assert!(matches!(read(body).last(), Some(Event::End)));
}

#[test]
fn half_an_emoji_and_a_doubled_member_do_not_end_the_reply() {
    let whole = deltas(&[
        r#"{"content":"a\ud83d"}"#,
        r#"{"content":"\ude00b"}"#,
        r#"{"content":"x","content":"c"}"#,
    ]);

    assert_eq!(parts(&whole), ["text:a\u{fffd}\u{fffd}bc"]);
    assert!(whole.complete);
}

#[test]
fn equal_ids_of_a_whole_reply_are_two_calls() {
    let call = r#"{"id":"","function":{"name":"f","arguments":"{}"}}"#;
    let body = format!(r#"{{"choices":[{{"message":{{"tool_calls":[{call},{call}]}}}}]}}"#);

    assert_eq!(parts(&collect(&read_reply(body.as_bytes()))), ["call::f:{}", "call::f:{}"]);
}

fn written(events: &[Event], context: &ReplyContext) -> String {
    let mut writer = ChatWriter::new(context);
    let mut out = Vec::new();
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn written_chunks_have_one_head_and_calls_are_counted_from_zero() {
    let start = |part, name: &str| {
        let head = PartHead::ToolCall {
            id: format!("call_{name}"),
            name: name.to_owned(),
            kind: CallKind::Function,
        };
        Event::PartStart { choice: 0, part, head }
    };
    let events = [
        Event::Start { id: String::new(), model: "m".to_owned(), created: None },
        Event::PartStart { choice: 0, part: 0, head: PartHead::Text },
        Event::Text { choice: 0, part: 0, delta: "a\"\n".to_owned() },
        Event::PartEnd { choice: 0, part: 0 },
        start(1, "f"),
        Event::Arguments { choice: 0, part: 1, delta: "{}".to_owned() },
        start(2, "g"),
        Event::PartEnd { choice: 0, part: 1 },
        Event::PartEnd { choice: 0, part: 2 },
        Event::End,
    ];
    let context = ReplyContext { id: "r1".to_owned(), created: 7, ..ReplyContext::default() };

    let text = written(&events, &context);

    let head = "data: {\"id\":\"r1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{";
    let chunks: Vec<&str> = text.split_terminator("\n\n").collect();
    assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk.starts_with(head)), "{text}");
    assert_eq!(chunks.last(), Some(&"data: [DONE]"));
    assert!(chunks[0].contains("\"role\":\"assistant\",\"content\":\"\""));
    assert!(chunks[1].contains("\"content\":\"a\\\"\\n\"}"));
    assert!(
        chunks[2].contains("\"index\":0,\"id\":\"call_f\"") && chunks[2].contains("\"name\":\"f\"")
    );
    assert!(
        chunks[4].contains("\"index\":1,\"id\":\"call_g\"") && chunks[4].contains("\"name\":\"g\"")
    );
    assert!(chunks[5].contains("\"arguments\":\"{}\""), "no arguments read as an empty object");
}

#[test]
fn what_was_written_reads_the_same_again() {
    let first = read(
        "data: {\"id\":\"c\",\"model\":\"m\",\"created\":5,\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\"}},{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
         data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,\"total_tokens\":13,\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n\
         data: [DONE]\n\n",
    );
    let context = ReplyContext { include_usage: true, ..ReplyContext::default() };

    let again = read(&written(&first, &context));

    assert_eq!(collect(&again), collect(&first));
    assert!(!written(&first, &ReplyContext::default()).contains("usage"), "only if asked for");
}

#[test]
fn nothing_follows_an_error() {
    let error = crate::UpstreamError::server(502, "gone");
    let text = written(&[Event::Error(error), Event::End, Event::Ping], &ReplyContext::default());

    assert!(text.starts_with("data: {\"error\":{\"message\":\"gone\""), "{text}");
    assert_eq!(text.matches("[DONE]").count(), 1);
    assert!(text.ends_with("[DONE]\n\n"));
}

#[test]
fn reasoning_that_is_only_partly_signed_is_not_cut_to_the_signed_part() {
    let body = r#"{"id":"c","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",
        "content":"ho","reasoning_content":"signed and more","reasoning_details":[{"type":"reasoning.text",
        "text":"signed","signature":"s","format":"anthropic-claude-v1","index":0}]}}]}"#;

    let whole = collect(&read_reply(body.as_bytes()));

    let parts = &whole.choices[0].parts;
    assert_eq!(parts[0].text, "signed and more", "{parts:?}");
}

#[test]
fn usage_alone_is_no_answer() {
    let mut reader = ChatReader::default();
    let mut events = Vec::new();
    reader.push(
        b"data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
        &mut events,
    );
    reader.finish(&mut events);

    assert!(matches!(events.last(), Some(Event::Error(error)) if error.truncated), "{events:?}");
}
