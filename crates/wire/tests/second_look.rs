//! Parts are read at once where all of a list are plain, else in a second look at the bytes. Both readings
//! must come to the same, whatever it is that has a list looked at again.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use omniroute_wire::WireFormat;
use omniroute_wire::chat::Part;
use omniroute_wire::codec::PathModel;

/// Reads the conversation of a request and returns its parts, each in words.
fn parts(format: WireFormat, body: &str) -> Vec<String> {
    let codec = format.codec();
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let path = (format == WireFormat::Gemini).then_some(path);
    let peek = codec.peek(body.as_bytes(), path.as_ref()).unwrap();
    let request = codec.read_request(body.as_bytes(), &peek).unwrap();
    let words = |part: &Part| format!("{part:?}");
    request.turns.iter().flat_map(|turn| &turn.parts).map(words).collect()
}

/// Checks that the plain list reads the same beside an odd part, and that this part is read as well.
fn check(format: WireFormat, around: &str, plain: &[&str], odd: &str) {
    let list = |parts: &[&str]| around.replace("LIST", &format!("[ {} ]", parts.join(" ,\n")));
    let alone = parts(format, &list(plain));
    assert_eq!(alone.len(), plain.len(), "{format}: every part says something");

    let mixed = parts(format, &list(&[plain, &[odd]].concat()));

    assert_eq!(mixed[..plain.len()], alone[..], "{format}: {odd}");
    assert_eq!(mixed.len(), plain.len() + 1, "{format}: {odd}");
}

#[test]
fn chat_parts() {
    let plain = [
        r#"{"type":"text","text":"a\n\"b\" \u00e9","cache_control":{"type":"ephemeral"}}"#,
        r#"{"text":"late","type":"text"}"#,
        r#"{"type":"refusal","refusal":"no"}"#,
        r#"{"type":"thinking","thinking":[{"type":"text","text":"t"}]}"#,
        r#"{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}}"#,
    ];
    let around = r#"{"model":"m","messages":[{"role":"assistant","content":LIST}]}"#;
    for odd in [r#"{"type":"strange","x":{"b": 1.0}}"#, r#""bare""#, r#"{"text":"untyped"}"#] {
        check(WireFormat::OpenAiChat, around, &plain, odd);
    }
}

#[test]
fn responses_parts_and_outputs() {
    let plain = [
        r#"{"type":"output_text","text":"a\n","annotations":[]}"#,
        r#"{"text":"late","type":"output_text"}"#,
        r#"{"type":"refusal","refusal":"no"}"#,
    ];
    let around = r#"{"model":"m","input":[{"type":"message","role":"assistant","content":LIST}]}"#;
    for odd in [r#"{"type":"strange","x":[1.0]}"#, r#""bare""#, r#"{"text":"untyped"}"#] {
        check(WireFormat::OpenAiResponses, around, &plain, odd);
    }
    let output = |output: &str| {
        let body = format!(
            r#"{{"model":"m","input":[{{"type":"function_call_output","call_id":"c","output":{output}}}]}}"#
        );
        parts(WireFormat::OpenAiResponses, &body)
    };
    let text = |text: &str| format!("Text({text:?})");
    assert!(output(r#""a\n""#)[0].contains(&text("a\n")));
    assert!(output(r#"{ "a": 1.0 }"#)[0].contains(&text(r#"{ "a": 1.0 }"#)), "as it was written");
    let listed = output(r#"[{"type":"input_text","text":"a"},"b"]"#);
    assert!(listed[0].contains(&text("a")) && listed[0].contains(&text("b")), "{listed:?}");
}

#[test]
fn messages_blocks_and_blocks_inside_them() {
    let assistant = [
        r#"{"type":"thinking","thinking":"t\n","signature":"s"}"#,
        r#"{"signature":"s","thinking":"late","type":"thinking"}"#,
        r#"{"type":"redacted_thinking","data":"d"}"#,
        r#"{"type":"text","text":"a\n"}"#,
        r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{ "a": 1.0, "b":"\u00e9" }}"#,
    ];
    let around = r#"{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":LIST}]}"#;
    for odd in [
        r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}}"#,
        r#"{"type":"code_execution_tool_result","tool_use_id":"x","content":{"type":"e","text":7}}"#,
    ] {
        check(WireFormat::Anthropic, around, &assistant, odd);
    }
    let user = [
        r#"{"type":"tool_result","tool_use_id":"toolu_1","content":"r\n","is_error":true}"#,
        r#"{"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"x"}]}"#,
        r#"{"type":"image","source":{"type":"url","url":"https://x/y.png"}}"#,
    ];
    let around = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":LIST}]}"#;
    for odd in [
        r#"{"type":"tool_result","tool_use_id":"toolu_3","content":[{"type":"tool_reference","tool_name":"f"}]}"#,
        r#"{"content":[{"type":"text","text":"in"}],"tool_use_id":"toolu_3","type":"tool_result"}"#,
    ] {
        check(WireFormat::Anthropic, around, &user, odd);
    }
}

#[test]
fn gemini_parts() {
    let model = [
        r#"{"text":"a\n"}"#,
        r#"{"thought":true,"text":"t","thoughtSignature":"c2ln"}"#,
        r#"{"functionCall":{"name":"f","id":"c1","args":{ "a": 1.0 }},"thoughtSignature":"c2ln"}"#,
    ];
    let around = r#"{"contents":[{"role":"model","parts":LIST}]}"#;
    for odd in [
        r#"{"executableCode":{"language":"PYTHON","code":"\ud83d"}}"#,
        r#"{"function_call":{"name":"g"}}"#,
        r#"{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}"#,
    ] {
        check(WireFormat::Gemini, around, &model, odd);
    }
    let user = [
        r#"{"functionResponse":{"name":"f","id":"c1","response":{"output":"o\n"}}}"#,
        r#"{"functionResponse":{"name":"f","id":"c2","response":{"error":"e"}}}"#,
        r#"{"functionResponse":{"name":"f","id":"c3"}}"#,
    ];
    let around = r#"{"contents":[{"role":"user","parts":LIST}]}"#;
    for odd in [
        r#"{"functionResponse":{"name":"f","id":"c4","response":{"degrees": 20.0, "output":"x"}}}"#,
        r#"{"functionResponse":{"name":"f","id":"c4","response":{"output":20}}}"#,
    ] {
        check(WireFormat::Gemini, around, &user, odd);
    }
}
