use serde_json::{Value, json};

use super::*;
use crate::aftercare::Aftercare;
use crate::anthropic::Anthropic;
use crate::api_error::ErrorKind;
use crate::codec::{Peek, Target};
use crate::collect::collect;
use crate::model_facts::ModelFacts;
use crate::notes::Notes;
use crate::openai_chat::OpenAiChat;
use crate::openai_responses::OpenAiResponses;

const WHOLE: &str = "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n\
data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}\n\n\
data: [DONE]\n\n";

fn exact() -> Translator {
    Translator::new(&OpenAiChat, &OpenAiChat, ReplyContext::default())
}

fn joined(out: &[Bytes]) -> String {
    String::from_utf8(out.concat()).unwrap()
}

fn error() -> ApiError {
    as_api_error(&UpstreamError::server(502, "gone"))
}

#[test]
fn equal_formats_pass_the_same_bytes() {
    let mut stream = exact();
    let chunk = Bytes::from_static(WHOLE.as_bytes());
    let mut out = Vec::new();

    let progress = stream.push(&chunk, &mut out);
    stream.finish(&mut out);

    assert_eq!((progress, stream.mode()), (Progress::Complete, Mode::Exact));
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].as_ptr(), chunk.as_ptr(), "not a copy");
    assert_eq!(stream.usage().output, Some(1));
    assert_eq!(stream.end_reason(), Some(Finish::Stop));
    assert_eq!((stream.id(), stream.model()), ("c1", "m"));
}

#[test]
fn content_begins_with_the_first_delta_not_with_the_role() {
    let mut stream = exact();
    let (role, rest) = WHOLE.split_at(WHOLE.find("\n\n").unwrap() + 2);
    let mut out = Vec::new();

    stream.push(&Bytes::from_static(role.as_bytes()), &mut out);
    assert!(!stream.has_content());

    stream.push(&Bytes::from_static(rest.as_bytes()), &mut out);
    assert!(stream.has_content());
}

#[test]
fn a_cut_off_body_gets_an_error_on_a_clean_boundary() {
    let check = |cut: &str, joint: &str| {
        let mut stream = exact();
        let mut out = Vec::new();
        stream.push(&Bytes::copy_from_slice(cut.as_bytes()), &mut out);

        let progress = stream.finish(&mut out);

        assert_eq!(progress, Progress::Failed, "{cut:?}");
        let text = joined(&out);
        let added = text.strip_prefix(cut).unwrap();
        assert!(added.starts_with(&format!("{joint}data: {{\"error\"")), "{cut:?}: {added:?}");
        assert!(added.ends_with("data: [DONE]\n\n"));
        assert!(stream.error().is_some_and(|error| error.truncated));
        assert!(stream.interrupt(&error()).is_empty(), "one error is enough");
    };
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}";
    check(&format!("{event}\n\n"), "");
    check(&format!("{event}\r\n\r\n"), "");
    check(&format!("{event}\n"), "\n");
    check(&format!("{event}\r\n"), "\n");
    check(event, "\n\n");
    check(&format!("{event}\n\ndata: {{\"choi"), "\n\n");
}

#[test]
fn an_error_of_the_upstream_passes_untouched() {
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n";
    let mut stream = exact();
    let mut out = Vec::new();

    stream.push(&Bytes::from_static(body.as_bytes()), &mut out);
    stream.push(&Bytes::from_static(b"data: [DONE]\n\n"), &mut out);
    stream.finish(&mut out);

    assert_eq!(joined(&out), format!("{body}data: [DONE]\n\n"));
    assert_eq!(stream.error().map(|error| error.kind), Some(ErrorKind::RateLimit));
}

#[test]
fn an_interrupted_stream_ends_in_one_error() {
    let mut stream = exact();
    let mut out = Vec::new();
    stream.push(
        &Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n"),
        &mut out,
    );

    let last = stream.interrupt(&error());

    let text = String::from_utf8(last.to_vec()).unwrap();
    assert!(text.starts_with("\ndata: {\"error\":{\"message\":\"gone\""), "{text}");
    assert!(stream.interrupt(&error()).is_empty());
    stream.push(&Bytes::from_static(b"data: late\n\n"), &mut out);
    assert_eq!(out.len(), 1, "nothing follows the terminator");
}

#[test]
fn a_complete_stream_cannot_be_interrupted() {
    let mut stream = exact();
    stream.push(&Bytes::from_static(WHOLE.as_bytes()), &mut Vec::new());

    assert!(stream.interrupt(&error()).is_empty());
}

#[test]
fn signs_of_life_never_stand_inside_an_event() {
    let mut stream = exact();
    let mut out = Vec::new();
    assert_eq!(&stream.ping()[..], b": keep-alive\n\n");

    stream.push(&Bytes::from_static(b"data: {\"choi"), &mut out);
    assert!(stream.ping().is_empty());
}

#[test]
fn a_whole_reply_of_the_same_format_is_the_same_bytes() {
    let body = Bytes::from_static(
        b"{\"id\":\"c\",\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":5}}",
    );

    let whole = translate_reply(&OpenAiChat, &OpenAiChat, &body, &ReplyContext::default());

    assert_eq!(whole.body.as_ptr(), body.as_ptr());
    assert_eq!((whole.finish, whole.usage.output), (Some(Finish::Length), Some(5)));
    assert_eq!(whole.error, None);
}

#[test]
fn a_whole_body_that_is_no_reply_is_an_error() {
    let check = |body: &'static str| {
        let body = Bytes::from_static(body.as_bytes());
        let whole = translate_reply(&OpenAiChat, &OpenAiChat, &body, &ReplyContext::default());
        assert!(whole.error.is_some(), "{body:?}");
    };
    check("");
    check("<html></html>");
    check("{\"contentType\":\"x\"}");
    check("{\"error\":{\"message\":\"x\"}}");
    check("[]");
}

#[test]
fn a_translator_may_live_in_a_request_context() {
    fn shared<T: Send + Sync>() {}

    shared::<Translator>();
}

#[test]
fn an_error_behind_a_passed_responses_stream_goes_on_counting_under_its_id() {
    let codec = WireFormat::OpenAiResponses.codec();
    let passed = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"odd-1\",\"model\":\"m\",\"status\":\"in_progress\",\"output\":[]}}\n\n";
    let mut stream = Translator::new(codec, codec, ReplyContext::default());
    let mut out = Vec::new();

    stream.push(&Bytes::from_static(passed.as_bytes()), &mut out);
    stream.finish(&mut out);

    let written = joined(&out);
    let added = written.strip_prefix(passed).unwrap();
    assert!(
        added.starts_with("event: error\ndata: {\"type\":\"error\",\"sequence_number\":1,"),
        "{added}"
    );
    assert!(added.contains("event: response.failed\n"), "{added}");
    assert!(added.contains("\"id\":\"odd-1\"") && !added.contains("response.created"), "{added}");
}

/// A stream of Messages with one text, ending for a reason.
fn said(text: &str, reason: &str) -> Bytes {
    let data = [
        format!(
            r#"{{"type":"message_start","message":{{"id":"msg_{text}","model":"m","usage":{{"input_tokens":5,"output_tokens":1}}}}}}"#
        ),
        format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"text","text":"{text}"}}}}"#
        ),
        r#"{"type":"content_block_stop","index":0}"#.to_owned(),
        format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":3}}}}"#
        ),
        r#"{"type":"message_stop"}"#.to_owned(),
    ];
    data.map(|data| format!("data: {data}\n\n")).concat().into()
}

/// The context of a reply whose provider was given tools that it runs itself.
fn with_server_tools() -> ReplyContext {
    let aftercare = Aftercare { server_tools: true, ..Aftercare::default() };
    ReplyContext { include_usage: true, aftercare, ..ReplyContext::default() }
}

#[test]
fn a_stream_goes_on_where_its_provider_paused() {
    let body = br#"{"messages":[{"role":"user","content":"q"}]}"#;
    for client in WireFormat::ALL.into_iter().filter(|format| *format != WireFormat::Anthropic) {
        let mut stream = Translator::new(&Anthropic, client.codec(), with_server_tools());
        let mut out = Vec::new();

        stream.push(&said("one", "pause_turn"), &mut out);
        let asked = stream.end_body(&Anthropic, body, &mut out).unwrap();
        stream.go_on(&Anthropic);
        let progress = stream.push(&said("two", "end_turn"), &mut out);
        assert_eq!(stream.end_body(&Anthropic, body, &mut out), None);
        stream.finish(&mut out);

        assert!(String::from_utf8(asked).unwrap().contains(r#""text":"one""#), "{client}");
        assert_eq!(progress, Progress::Complete, "{client}");
        assert_eq!((stream.usage().input, stream.usage().output), (Some(10), Some(6)), "{client}");
        let mut events = Vec::new();
        let mut reader = client.codec().event_reader();
        reader.push(joined(&out).as_bytes(), &mut events);
        reader.finish(&mut events);
        let whole = collect(&events);
        let texts = whole.choices[0].parts.iter().map(|part| &*part.text);
        assert_eq!(texts.collect::<String>(), "onetwo", "{client}");
        let is_end = |event: &&Event| matches!(event, Event::Finish { .. } | Event::End);
        assert_eq!(events.iter().filter(is_end).count(), 2, "{client}");
        assert_eq!(whole.usage.output, Some(6), "{client}");
    }
}

#[test]
fn a_paused_stream_that_nobody_goes_on_with_ends_where_it_stands() {
    let mut stream = Translator::new(&Anthropic, &OpenAiChat, with_server_tools());
    let mut out = Vec::new();
    stream.push(&said("one", "pause_turn"), &mut out);

    let progress = stream.finish(&mut out);

    let text = joined(&out);
    assert_eq!(progress, Progress::Complete);
    assert!(
        text.contains("\"finish_reason\":\"stop\"") && text.ends_with("data: [DONE]\n\n"),
        "{text}"
    );
}

#[test]
fn an_error_after_a_pause_ends_the_stream() {
    let mut stream = Translator::new(&Anthropic, &OpenAiChat, with_server_tools());
    let mut out = Vec::new();
    stream.push(&said("one", "pause_turn"), &mut out);
    stream.go_on(&Anthropic);

    let interrupted = stream.interrupt(&error());

    assert!(interrupted.starts_with(b"data: {\"error\""));
    assert!(interrupted.ends_with(b"data: [DONE]\n\n"));
}

/// The aftercare of a client's request at a Chat provider, and the request as it is sent.
fn written_for_chat(client: &dyn Codec, asked: &Value) -> (ReplyContext, Value) {
    let asked = client.read_request(asked.to_string().as_bytes(), &Peek::default()).unwrap();
    let facts = ModelFacts::default();
    let target = Target::new("m", &facts);
    let written = OpenAiChat.write_request(&asked, &target, &mut Notes::default()).unwrap();
    let context = ReplyContext { aftercare: written.aftercare, ..ReplyContext::default() };
    (context, serde_json::from_slice(&written.body).unwrap())
}

#[test]
fn nulls_that_a_strict_tool_had_to_allow_do_not_reach_the_client() {
    let asked = json!({
        "model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "f.g", "strict": true, "input_schema": {
            "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
            "required": ["b"], "additionalProperties": false,
        }}],
    });
    let (context, sent) = written_for_chat(&Anthropic, &asked);
    let function = &sent["tools"][0]["function"];
    let call = json!({"id": "t", "type": "function", "function": {
        "name": function["name"], "arguments": r#"{"a":null,"b":1.0}"#,
    }});
    let answer = json!({"id": "c", "model": "m", "choices": [{
        "index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": [call]},
    }]});

    let answer = Bytes::from(answer.to_string());
    let reply = translate_reply(&OpenAiChat, &Anthropic, &answer, &context);

    assert_eq!(function["parameters"]["required"], json!(["a", "b"]));
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["content"][0]["input"].to_string(), r#"{"b":1.0}"#);
}

#[test]
fn nulls_that_a_strict_answer_had_to_allow_do_not_reach_the_client() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "null"}}});
    let asked = json!({"model": "m", "input": "hi", "text": {"format": {
        "type": "json_schema", "name": "n", "strict": true, "schema": schema,
    }}});
    let (context, sent) = written_for_chat(&OpenAiResponses, &asked);
    let mut stream = Translator::new(&OpenAiChat, &OpenAiResponses, context);
    let mut out = Vec::new();

    for piece in [r#"{"a":nu"#, r#"ll,"b""#, ":null}"] {
        let chunk = json!({"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]});
        stream.push(&Bytes::from(format!("data: {chunk}\n\n")), &mut out);
    }
    stream.push(&Bytes::from_static(b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"), &mut out);

    let sent = &sent["response_format"]["json_schema"]["schema"];
    assert_eq!(sent["properties"]["a"]["type"], json!(["string", "null"]));
    assert!(joined(&out).contains(r#""text":"{\"b\":null}""#), "{}", joined(&out));
}

#[test]
fn what_cannot_be_read_ends_an_exact_stream_with_an_error() {
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for bad in ["data: {not json\n\n", "data: [1]\n\n"] {
        let mut stream = exact();
        let mut out = Vec::new();
        stream.push(&Bytes::from(format!("{event}{bad}")), &mut out);

        assert_eq!(stream.progress(), Progress::Failed, "{bad}");
        assert!(stream.has_told());
        stream.push(&Bytes::from_static(event.as_bytes()), &mut out);
        stream.push(&Bytes::from_static(WHOLE.as_bytes()), &mut out);
        stream.finish(&mut out);
        let text = joined(&out);
        let told = text.strip_prefix(&format!("{event}{bad}")).unwrap();
        assert!(told.starts_with("data: {\"error\":{\"message\":\"the upstream sent an"), "{told}");
        assert!(told.ends_with("data: [DONE]\n\n") && !told.contains("choices"), "{told}");
        assert!(stream.interrupt(&error()).is_empty(), "one error is enough");
    }
}

#[test]
fn counts_that_no_call_can_have_are_none() {
    let absurd = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":18446744073709551615,\"completion_tokens\":1000000001}}\n\n";
    let mut stream = exact();
    stream.push(&Bytes::from(WHOLE.replace("data: [DONE]\n\n", absurd)), &mut Vec::new());

    let usage = stream.usage();
    assert!(usage.input.is_none_or(|count| count < 100), "{usage:?}");
    assert!(usage.output.is_none_or(|count| count < 100), "{usage:?}");
}

#[test]
fn an_end_marker_that_the_provider_left_out_is_added() {
    for closing in ["\n\n", "\n", ""] {
        let body = WHOLE.strip_suffix("\n\ndata: [DONE]\n\n").unwrap();
        let mut stream = exact();
        let mut out = Vec::new();
        stream.push(&Bytes::from(format!("{body}{closing}")), &mut out);
        assert_eq!(stream.finish(&mut out), Progress::Complete);
        assert_eq!(joined(&out), WHOLE, "{closing:?}");
    }
}
