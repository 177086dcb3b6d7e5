//! Events written as a stream of Gemini.

use super::*;
use crate::chat::CallKind;
use crate::event::ReasoningKind;

/// Writes events and returns the objects of the stream; the framing is checked on the way.
fn write(context: &ReplyContext, events: &[Event]) -> Vec<Value> {
    let mut writer = Writer::new(context);
    let mut out = Vec::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    let text = String::from_utf8(out).unwrap();
    if context.json_array {
        return serde_json::from_str(&text).unwrap();
    }
    let frames = text.split_terminator("\r\n\r\n");
    frames
        .map(|frame| serde_json::from_str(frame.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

fn context(json_array: bool) -> ReplyContext {
    ReplyContext {
        model: "m".to_owned(),
        id: "r1".to_owned(),
        json_array,
        ..ReplyContext::default()
    }
}

fn start() -> Event {
    Event::Start { id: String::new(), model: String::new(), created: None }
}

fn text(delta: &str) -> Event {
    Event::Text { choice: 0, part: 0, delta: delta.to_owned() }
}

fn finish(reason: Finish, native: &str) -> Event {
    Event::Finish {
        choice: 0,
        reason,
        native: native.to_owned(),
        stop_sequence: None,
        detail: Some("why".to_owned()),
    }
}

fn call_start(part: u32, id: &str) -> Event {
    let head =
        PartHead::ToolCall { id: id.to_owned(), name: "f".to_owned(), kind: CallKind::Function };
    Event::PartStart { choice: 0, part, head }
}

fn arguments(part: u32, delta: &str) -> Event {
    Event::Arguments { choice: 0, part, delta: delta.to_owned() }
}

fn part_end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn signed(part: u32, vendor: Vendor, data: &str) -> Event {
    let opaque = Opaque::new(vendor, OpaqueKind::Signature, data);
    Event::Opaque { choice: 0, part, opaque }
}

#[test]
fn a_text_stream_is_written_byte_for_byte_as_google_does() {
    let mut writer = Writer::new(&context(false));
    let mut out = Vec::new();
    for event in [
        start(),
        Event::PartStart { choice: 0, part: 0, head: PartHead::Text },
        text("a\"\n"),
        text(""),
        part_end(0),
        Event::Usage(Usage { input: Some(1), output: Some(2), ..Usage::default() }),
        Event::Finish {
            choice: 0,
            reason: Finish::Stop,
            native: String::new(),
            stop_sequence: None,
            detail: None,
        },
        Event::Usage(Usage { output: Some(3), ..Usage::default() }),
        Event::End,
    ] {
        writer.write(&event, &mut out);
    }
    let expected = concat!(
        r#"data: {"candidates":[{"content":{"parts":[{"text":"a\"\n"}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"r1"}"#,
        "\r\n\r\n",
        r#"data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":3,"totalTokenCount":4},"modelVersion":"m","responseId":"r1"}"#,
        "\r\n\r\n",
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn interleaved_calls_go_out_whole() {
    for json_array in [false, true] {
        let chunks = write(
            &context(json_array),
            &[
                start(),
                call_start(0, "call_a"),
                call_start(1, "call_b"),
                arguments(0, "{\"a\"\n"),
                arguments(1, ""),
                arguments(0, ":1.0}"),
                signed(0, Vendor::Google, "czE="),
                part_end(1),
                part_end(0),
                finish(Finish::ToolCalls, "tool_calls"),
                Event::End,
            ],
        );
        let part = |chunk: &Value| chunk["candidates"][0]["content"]["parts"][0].clone();
        assert_eq!(
            part(&chunks[0]),
            json!({"functionCall": {"id": "call_b", "name": "f", "args": {}}})
        );
        let first = part(&chunks[1]);
        assert_eq!(first["functionCall"]["args"].to_string(), "{\"a\":1.0}");
        assert_eq!(first["thoughtSignature"], "czE=");
        assert_eq!(first["functionCall"]["id"], "call_a");
        assert_eq!(chunks[2]["candidates"][0]["finishReason"], "STOP");
        assert_eq!(chunks.len(), 3);
    }
}

#[test]
fn thoughts_are_marked_and_other_vendors_data_goes_in_an_envelope() {
    let chunks = write(
        &context(false),
        &[
            start(),
            Event::PartStart {
                choice: 0,
                part: 0,
                head: PartHead::Reasoning(ReasoningKind::Summary),
            },
            Event::Reasoning { choice: 0, part: 0, delta: "hm".to_owned() },
            signed(0, Vendor::Google, "czE="),
            signed(0, Vendor::Anthropic, "czI="),
            signed(0, Vendor::Google, "not base64!"),
            part_end(0),
            Event::PartStart { choice: 0, part: 1, head: PartHead::Text },
            signed(1, Vendor::Google, "czM="),
            part_end(1),
            finish(Finish::Stop, "STOP"),
            Event::End,
        ],
    );
    let parts: Vec<&Value> =
        chunks.iter().map(|chunk| &chunk["candidates"][0]["content"]["parts"][0]).collect();
    assert_eq!(parts[0], &json!({"text": "hm", "thought": true}));
    assert_eq!(parts[1], &json!({"text": "", "thought": true, "thoughtSignature": "czE="}));
    let envelope = parts[2]["thoughtSignature"].as_str().unwrap();
    let blocks = crate::envelope::open(envelope, &[]).unwrap();
    let data: Vec<&str> =
        blocks.iter().filter_map(|block| Some(&*block.opaque.as_ref()?.data)).collect();
    assert_eq!(data, ["czI=", "not base64!", "czM="]);
    assert_eq!(parts.len(), 4);
}

#[test]
fn media_carry_their_signature_and_foreign_server_parts_are_left_out() {
    let head = PartHead::Media { mime: "image/png".to_owned(), data: "aGk=".to_owned() };
    let server = |raw: Value| PartHead::Server { raw, query: None };
    let chunks = write(
        &context(false),
        &[
            start(),
            Event::PartStart { choice: 0, part: 0, head },
            signed(0, Vendor::Google, "czE="),
            part_end(0),
            Event::PartStart { choice: 0, part: 1, head: server(json!({"executableCode": {}})) },
            part_end(1),
            Event::PartStart {
                choice: 0,
                part: 2,
                head: server(json!({"type": "server_tool_use"})),
            },
            part_end(2),
            finish(Finish::Stop, ""),
            Event::End,
        ],
    );
    let part = |place: usize| &chunks[place]["candidates"][0]["content"]["parts"][0];
    let media = json!({"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "czE="});
    assert_eq!(part(0), &media);
    assert_eq!(part(1), &json!({"executableCode": {}}));
    assert_eq!(chunks.len(), 3);
}

#[test]
fn an_empty_answer_has_an_empty_text_and_a_blocked_prompt_its_own_form() {
    let stop = write(&context(false), &[start(), finish(Finish::Stop, "stop"), Event::End]);
    assert_eq!(
        stop,
        [json!({"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": "STOP", "finishMessage": "why", "index": 0}],
            "modelVersion": "m", "responseId": "r1"})]
    );
    let blocked = |reason, native: &str| {
        write(&context(false), &[start(), finish(reason, native), Event::End]).remove(0)
    };
    assert_eq!(
        blocked(Finish::ContentFilter, "promptFeedback.MODEL_ARMOR")["promptFeedback"],
        json!({"blockReason": "MODEL_ARMOR", "blockReasonMessage": "why"})
    );
    assert_eq!(
        blocked(Finish::ContentFilter, "content_filter")["promptFeedback"]["blockReason"],
        "SAFETY"
    );
    let candidate = blocked(Finish::ContentFilter, "RECITATION");
    assert_eq!(candidate["candidates"][0]["finishReason"], "RECITATION");
}

#[test]
fn errors_end_the_stream_and_the_array_is_closed() {
    let own = ApiError {
        status: 504,
        kind: ErrorKind::Timeout,
        code: "upstream_timeout",
        message: "too slow".to_owned(),
        param: None,
        retry_after: None,
        request_id: None,
    };
    let theirs = Event::Error(UpstreamError::truncated("cut"));
    for json_array in [false, true] {
        for begun in [false, true] {
            let mut writer = Writer::new(&context(json_array));
            let (mut ours, mut out) = (Vec::new(), Vec::new());
            if begun {
                writer.write(&text("a"), &mut ours);
            }
            writer.error(&own, &mut ours);
            let ended = ours.len();
            writer.write(&Event::End, &mut ours);
            writer.ping(&mut ours);
            assert_eq!(ours.len(), ended, "nothing follows");
            let events = read(&String::from_utf8(ours).unwrap());
            assert_eq!(error_of(&events).kind, ErrorKind::Timeout);
            assert_eq!(error_of(&events).native_type, "DEADLINE_EXCEEDED");

            let mut writer = Writer::new(&context(json_array));
            if begun {
                writer.write(&text("a"), &mut out);
            }
            writer.write(&theirs, &mut out);
            let written = String::from_utf8(out).unwrap();
            assert!(!written.contains("finishReason"));
            if json_array {
                serde_json::from_str::<Vec<Value>>(&written).unwrap();
            }
            assert_eq!(error_of(&read(&written)).native_type, "UNAVAILABLE");
        }
    }
}

#[test]
fn signs_of_life_are_blank_and_never_comments() {
    for json_array in [false, true] {
        let mut writer = Writer::new(&context(json_array));
        let mut out = Vec::new();
        writer.ping(&mut out);
        assert_eq!(out, b"\r\n");
        writer.write(&text("a"), &mut out);
        writer.ping(&mut out);
        writer.write(&finish(Finish::Stop, ""), &mut out);
        writer.write(&Event::Ping, &mut out);
        writer.write(&Event::End, &mut out);
        let written = String::from_utf8(out).unwrap();
        assert_eq!(finish_of(&read(&written)), Finish::Stop, "{written}");
    }
}
