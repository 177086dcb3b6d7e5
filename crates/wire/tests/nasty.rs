//! Requests and streams that no well-behaved client or provider sends, and some that are only large.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use bytes::Bytes;
use omniroute_wire::chat::PartKind;
use omniroute_wire::codec::{Change, PathModel};
use omniroute_wire::translator::{Progress, translate_reply};
use omniroute_wire::{
    ChatRequest, Codec, Event, Notes, ReplyContext, Target, Translator, WireError, WireFormat,
    declared,
};

fn codecs() -> impl Iterator<Item = &'static dyn Codec> {
    WireFormat::ALL.into_iter().map(WireFormat::codec)
}

fn read(client: &dyn Codec, body: &str) -> Result<ChatRequest, WireError> {
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let path = (client.format() == WireFormat::Gemini).then_some(path);
    let peek = client.peek(body.as_bytes(), path.as_ref())?;
    client.read_request(body.as_bytes(), &peek)
}

fn write(target: &dyn Codec, request: &ChatRequest) -> Result<String, WireError> {
    let facts = declared::facts(target.format());
    let written =
        target.write_request(request, &Target::new("m", &facts), &mut Notes::default())?;
    Ok(String::from_utf8(written.body).unwrap())
}

/// A request of one user message with this JSON text for its text.
fn saying(client: WireFormat, text: &str) -> String {
    match client {
        WireFormat::OpenAiChat => {
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":{text}}}]}}"#)
        }
        WireFormat::OpenAiResponses => {
            format!(r#"{{"model":"m","input":[{{"role":"user","content":{text}}}]}}"#)
        }
        WireFormat::Anthropic => format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":{text}}}]}}"#
        ),
        WireFormat::Gemini => format!(r#"{{"contents":[{{"parts":[{{"text":{text}}}]}}]}}"#),
    }
}

/// A request whose one tool takes arguments of this schema, and whose history calls it with these.
fn calling(client: WireFormat, schema: &str, arguments: &str) -> String {
    let text = serde_json::Value::from(arguments).to_string();
    match client {
        WireFormat::OpenAiChat => format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"a"}},
            {{"role":"assistant","tool_calls":[{{"id":"c","type":"function","function":{{"name":"f","arguments":{text}}}}}]}},
            {{"role":"tool","tool_call_id":"c","content":"b"}}],
            "tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}"#
        ),
        WireFormat::OpenAiResponses => format!(
            r#"{{"model":"m","input":[{{"role":"user","content":"a"}},
            {{"type":"function_call","call_id":"c","name":"f","arguments":{text}}},
            {{"type":"function_call_output","call_id":"c","output":"b"}}],
            "tools":[{{"type":"function","name":"f","strict":false,"parameters":{schema}}}]}}"#
        ),
        WireFormat::Anthropic => format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"a"}},
            {{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"f","input":{arguments}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c","content":"b"}}]}}],
            "tools":[{{"name":"f","input_schema":{schema}}}]}}"#
        ),
        WireFormat::Gemini => format!(
            r#"{{"contents":[{{"parts":[{{"text":"a"}}]}},
            {{"role":"model","parts":[{{"functionCall":{{"name":"f","args":{arguments}}}}}]}},
            {{"role":"user","parts":[{{"functionResponse":{{"name":"f","response":{{"output":"b"}}}}}}]}}],
            "tools":[{{"functionDeclarations":[{{"name":"f","parametersJsonSchema":{schema}}}]}}]}}"#
        ),
    }
}

const SCHEMA: &str = r#"{"type":"object","properties":{}}"#;

/// Checks that arguments reach every format as the characters they are.
fn check_arguments(arguments: &str) {
    for client in codecs() {
        let request = read(client, &calling(client.format(), SCHEMA, arguments)).unwrap();
        for target in codecs() {
            let written = write(target, &request).unwrap();
            let takes_text =
                matches!(target.format(), WireFormat::OpenAiChat | WireFormat::OpenAiResponses);
            let sent = if takes_text {
                serde_json::Value::from(arguments).to_string()
            } else {
                arguments.to_owned()
            };
            assert!(
                written.contains(&sent),
                "{} to {}: {written}",
                client.format(),
                target.format()
            );
        }
    }
}

#[test]
fn arguments_keep_their_numbers_escapes_and_double_names() {
    check_arguments(r#"{"big":12345678901234567890123456789,"small":1e-400,"one":1.0}"#);
    check_arguments(r#"{"lone":"\ud83d","pair":"\ud83d\ude00","slash":"\/"}"#);
    check_arguments(r#"{"nul":"\u0000","twice":1,"twice":2}"#);
    check_arguments(&format!("{{\"deep\":{}1{}}}", "[".repeat(100), "]".repeat(100)));
}

#[test]
fn text_with_lone_surrogates_and_nul_is_carried() {
    for client in codecs() {
        let request =
            read(client, &saying(client.format(), r#""a\ud83d\u0000b\ude00\ud83d\ude00""#));
        let request = request.unwrap();
        let PartKind::Text(text) = &request.turns[0].parts[0].kind else { panic!("no text") };
        assert_eq!(text, "a\u{fffd}\0b\u{fffd}\u{1f600}", "{}", client.format());
        for target in codecs() {
            let again = read(target, &write(target, &request).unwrap()).unwrap();
            let PartKind::Text(again) = &again.turns[0].parts[0].kind else { panic!("no text") };
            assert_eq!(again, text, "{}", target.format());
        }
    }
}

#[test]
fn depth_is_an_answer_and_no_crash() {
    let deep = |depth: usize| {
        let (open, close) = (r#"{"type":"object","properties":{"a":"#, "}}");
        format!("{}{SCHEMA}{}", open.repeat(depth), close.repeat(depth))
    };
    for client in codecs() {
        for (depth, levels) in [(20, 200), (100, 200), (5_000, 100_000)] {
            let arguments = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
            let body = calling(client.format(), &deep(depth), &arguments);
            let Ok(request) = read(client, &body) else { continue };
            for target in codecs() {
                if let Ok(written) = write(target, &request) {
                    assert!(written.starts_with('{'));
                }
            }
        }
    }
}

#[test]
fn a_member_given_twice_counts_once_or_is_refused() {
    for client in codecs() {
        let body = saying(client.format(), r#""first","role":"user","content":"last""#);
        let body = body.replace(
            r#""first","role":"user","content":"last"}]}]"#,
            r#""first","text":"last"}]}]"#,
        );
        match read(client, &body) {
            Ok(request) => {
                let [turn] = request.turns.as_slice() else { panic!("one turn") };
                let [part] = turn.parts.as_slice() else { panic!("one part") };
                let PartKind::Text(text) = &part.kind else { panic!("no text") };
                assert_eq!(text, "last", "{}", client.format());
            }
            Err(error) => assert!(error.to_string().contains("duplicate"), "{error}"),
        }
    }
}

#[test]
fn a_hundred_thousand_messages_are_translated() {
    const PAIRS: usize = 50_000;
    for (place, client) in codecs().enumerate() {
        let (asked, answered) = match client.format() {
            WireFormat::OpenAiResponses | WireFormat::OpenAiChat | WireFormat::Anthropic => {
                (r#"{"role":"user","content":"hi"}"#, r#"{"role":"assistant","content":"ho"}"#)
            }
            WireFormat::Gemini => (
                r#"{"role":"user","parts":[{"text":"hi"}]}"#,
                r#"{"role":"model","parts":[{"text":"ho"}]}"#,
            ),
        };
        let history = format!("{asked},{answered},").repeat(PAIRS);
        let plain = declared::base(client.format()).replace("\"input\":\"hi\"", "\"input\":[]");
        let body = plain.replacen('[', &format!("[{history}"), 1);
        let body = body.replace(",]", &format!(",{asked}]"));
        let request = read(client, &body).unwrap();
        assert_eq!(request.turns.len(), 2 * PAIRS + 1, "{}", client.format());
        let target = codecs().nth((place + 1) % WireFormat::ALL.len()).unwrap();
        let written = write(target, &request).unwrap();
        assert_eq!(written.matches("\"hi\"").count(), PAIRS + 1, "{}", target.format());
    }
}

#[test]
fn ten_thousand_calls_find_their_results() {
    const CALLS: usize = 10_000;
    let call = |n: usize| {
        format!(
            "{{\"type\":\"function_call\",\"call_id\":\"c{n}\",\"name\":\"f\",\"arguments\":\"{{}}\"}},"
        )
    };
    let result = |n: usize| {
        format!("{{\"type\":\"function_call_output\",\"call_id\":\"c{n}\",\"output\":\"b\"}},")
    };
    let in_turn: String = (0..CALLS).map(|n| call(n) + &result(n)).collect();
    let at_once: String = (0..CALLS).map(call).chain((0..CALLS).map(result)).collect();
    let user = r#"{"role":"user","content":"hi"}"#;
    let client = WireFormat::OpenAiResponses.codec();
    for steps in [in_turn, at_once] {
        let body = format!("{{\"model\":\"m\",\"input\":[{user},{steps}{user}]}}");
        let request = read(client, &body).unwrap();
        for target in codecs() {
            let sent = read(target, &write(target, &request).unwrap()).unwrap();
            let parts = sent.turns.iter().flat_map(|turn| &turn.parts);
            let answers = parts.filter(
                |part| matches!(&part.kind, PartKind::ToolResult { call, .. } if !call.is_empty()),
            );
            assert_eq!(answers.count(), CALLS, "{}", target.format());
        }
    }
}

/// A whole stream that says one text.
fn stream(provider: WireFormat, text: &str) -> String {
    match provider {
        WireFormat::OpenAiChat => format!(
            "data: {{\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n"
        ),
        WireFormat::OpenAiResponses => format!(
            "data: {{\"type\":\"response.created\",\"response\":{{\"id\":\"r\",\"model\":\"m\"}}}}\n\n\
             data: {{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\",\"content\":[]}}}}\n\n\
             data: {{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"item_id\":\"i\",\"delta\":\"{text}\"}}\n\n\
             data: {{\"type\":\"response.completed\",\"response\":{{\"id\":\"r\",\"status\":\"completed\",\"model\":\"m\",\"output\":[]}}}}\n\n"
        ),
        WireFormat::Anthropic => format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"1\",\"model\":\"m\",\"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}}}}\n\n\
             event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n\
             event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n\
             event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n\
             event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":1}}}}\n\n\
             event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        ),
        WireFormat::Gemini => format!(
            "data: {{\"candidates\":[{{\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":\"{text}\"}}]}},\"finishReason\":\"STOP\"}}]}}\n\n"
        ),
    }
}

/// The text that a client reads out of a stream of its format.
fn heard(client: &dyn Codec, bytes: &[u8]) -> String {
    let (mut reader, mut events) = (client.event_reader(), Vec::new());
    reader.push(bytes, &mut events);
    reader.finish(&mut events);
    let text = |event: &Event| match event {
        Event::Text { delta, .. } => Some(delta.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// Translates a stream cut into pieces of one length; returns what the client hears.
fn carried(provider: &dyn Codec, client: &'static dyn Codec, body: &str, piece: usize) -> String {
    let mut stream = Translator::new(provider, client, ReplyContext::default());
    let mut out = Vec::new();
    for piece in body.as_bytes().chunks(piece) {
        stream.push(&Bytes::copy_from_slice(piece), &mut out);
    }
    assert_eq!(stream.finish(&mut out), Progress::Complete, "{}", provider.format());
    heard(client, &out.concat())
}

#[test]
fn an_event_of_sixteen_mebibytes_is_carried() {
    let text = "x".repeat((16 << 20) - 1_000);
    for (place, provider) in codecs().enumerate() {
        let body = stream(provider.format(), &text);
        // The reader does the work, so one of the others is enough.
        let client = codecs().nth((place + 1) % WireFormat::ALL.len()).unwrap();
        let heard = carried(provider, client, &body, 64 << 10);
        assert_eq!(heard.len(), text.len(), "{} to {}", provider.format(), client.format());
    }
}

#[test]
fn streams_with_lone_surrogates_and_nul_are_carried() {
    for provider in codecs() {
        let body = stream(provider.format(), r"a\ud83d\u0000b\ude00");
        for client in codecs().filter(|client| client.format() != provider.format()) {
            let heard = carried(provider, client, &body, 7);
            assert_eq!(
                heard,
                "a\u{fffd}\0b\u{fffd}",
                "{} to {}",
                provider.format(),
                client.format()
            );
        }
    }
}

#[test]
fn replies_of_great_depth_are_an_answer_and_no_crash() {
    for provider in codecs() {
        for depth in [200, 100_000] {
            let body = Bytes::from(format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)));
            for client in codecs() {
                translate_reply(provider, client, &body, &ReplyContext::default());
                provider.read_error(500, &body);
            }
            let deep = format!("data: {}\n\n", String::from_utf8_lossy(&body));
            for client in codecs() {
                let mut stream = Translator::new(provider, client, ReplyContext::default());
                stream.push(&Bytes::from(deep.clone()), &mut Vec::new());
            }
        }
    }
}

#[test]
fn a_body_that_is_a_list_is_no_request() {
    for client in codecs() {
        for body in [r#"["m",true]"#, "[]", "\"m\"", "7", "null", "", " "] {
            let read = read(client, body);
            assert!(
                matches!(read, Err(WireError::Malformed { .. })),
                "{}: {body}",
                client.format()
            );
        }
        let body = Bytes::from_static(b"{\"model\":\"m\"}");
        if let Ok(peek) = client.peek(&body, None) {
            assert_eq!(client.splice(&body, &peek, &Change::model("m")), body);
        }
    }
}

#[test]
fn what_is_written_of_odd_requests_can_be_read_again() {
    let check = |client: WireFormat, part: &str, is_request: bool| {
        let list = format!("[{{\"type\":\"text\",\"text\":\"a\"}},{part}]");
        let body = match client {
            WireFormat::Gemini => {
                format!("{{\"contents\":[{{\"parts\":[{{\"text\":\"a\"}},{part}]}}]}}")
            }
            _ => saying(client, &list),
        };
        match read(client.codec(), &body) {
            Ok(request) => {
                assert!(is_request, "{client}: {body}");
                for target in codecs() {
                    let Ok(written) = write(target, &request) else { continue };
                    let again = read(target, &written);
                    assert!(again.is_ok(), "{client} to {}: {written}", target.format());
                }
            }
            Err(error) => assert!(!is_request, "{client}: {error}"),
        }
    };
    let image = |mime: &str, data: &str| {
        format!(
            r#"{{"type":"image","source":{{"type":"base64","media_type":"{mime}","data":"{data}"}}}}"#
        )
    };
    check(WireFormat::Anthropic, &image("image/png", "iVBO"), true);
    check(WireFormat::Anthropic, &image("image/png", "iV*O"), false);
    check(WireFormat::Anthropic, &image("image/png", ""), false);
    check(WireFormat::Anthropic, &image("image/x,y", "iVBO"), true);
    let inline = |mime: &str, data: &str| {
        format!(r#"{{"inlineData":{{"mimeType":"{mime}","data":"{data}"}}}}"#)
    };
    check(WireFormat::Gemini, &inline("image/png", "iV-_"), true);
    check(WireFormat::Gemini, &inline("image/png", ""), false);
    check(WireFormat::Gemini, &inline("application/x;y", "iVBO"), true);
    let sent = |url: &str| format!(r#"{{"type":"input_image","image_url":"{url}"}}"#);
    check(WireFormat::OpenAiResponses, &sent("data:image/png;base64,iV-_"), true);
    check(WireFormat::OpenAiResponses, &sent("data:image/png;base64,iV*O"), false);
}

#[test]
fn an_unknown_part_of_the_models_message_stays_in_a_message() {
    let body = r#"{"model":"m","input":[{"role":"user","content":"a"},
        {"role":"assistant","content":[{"type":"made_up","x":1.0}]},{"role":"user","content":"b"}]}"#;
    let codec = WireFormat::OpenAiResponses.codec();
    let written = write(codec, &read(codec, body).unwrap()).unwrap();
    let message = r#"{"type":"message","role":"assistant","content":[{"type":"made_up","x":1.0}]}"#;
    assert!(written.contains(message), "{written}");
    assert_eq!(read(codec, &written).unwrap().turns.len(), 3);
}
