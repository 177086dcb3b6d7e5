//! Turns, parts and ids.

use super::*;
use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::ids;

fn messages(turns: Vec<Turn>) -> Value {
    written(&request(turns)).body["messages"].clone()
}

fn opaque(vendor: Vendor, kind: OpaqueKind, data: &str) -> Option<Opaque> {
    Some(Opaque::new(vendor, kind, data))
}

#[test]
fn a_plain_request_is_written_whole_with_the_messages_last() {
    let mut request = request(vec![text(Role::System, "be kind"), text(Role::User, "hi")]);
    request.delivery.stream = true;
    request.end_user = Some("u1".to_owned());

    let mut notes = Notes::default();
    let body =
        write(&request, &Target::new("claude", &ModelFacts::default()), &mut notes).unwrap().body;

    let expected = concat!(
        "{\"model\":\"claude\",\"max_tokens\":4096,\"stream\":true,\"metadata\":{\"user_id\":\"u1\"},",
        "\"system\":[{\"type\":\"text\",\"text\":\"be kind\"}],",
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"
    );
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    assert_eq!(notes, Notes::default());
}

#[test]
fn neighbours_are_joined_and_empty_text_is_left_out() {
    let found = messages(vec![
        text(Role::User, "a"),
        text(Role::Assistant, " \n"),
        text(Role::User, "b"),
        text(Role::User, ""),
        turn(Role::Assistant, vec![Part::text("c"), Part::text(""), Part::text("d")]),
    ]);
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]},
    ]);
    assert_eq!(found, expected);
}

#[test]
fn the_first_message_is_the_users() {
    let found = written(&request(vec![text(Role::Assistant, "hello"), text(Role::User, "hi")]));
    assert_eq!(
        found.body["messages"][0],
        json!({"role": "user", "content": [{"type": "text", "text": "."}]})
    );
    assert_eq!(found.noted(), ["messages"]);
}

#[test]
fn text_to_go_on_from_loses_its_trailing_white_space_only_at_the_end() {
    let request = request(vec![
        text(Role::User, "a "),
        text(Role::Assistant, "b \n"),
        text(Role::User, "c"),
        text(Role::Assistant, "d \n"),
    ]);
    assert_eq!(refused(&request), ["messages"], "not every model goes on from a text");
    let facts = ModelFacts { prefill: true, ..ModelFacts::default() };
    let body = written_for(&request, &facts).body;
    let texts: Vec<&Value> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["content"][0]["text"])
        .collect();
    assert_eq!(texts, ["a ", "b \n", "c", "d"]);
}

#[test]
fn nothing_left_to_send_is_refused() {
    assert_eq!(
        refused(&request(vec![text(Role::System, "s"), text(Role::User, " ")])),
        ["messages"]
    );
}

#[test]
fn instructions_without_anything_else_are_asked_by_the_user() {
    let found = written(&request(vec![
        text(Role::System, "be kind"),
        text(Role::Developer, "say hi"),
        text(Role::System, " "),
    ]));
    assert_eq!(found.body["system"], json!([{"type": "text", "text": "be kind"}]));
    let asked = json!([{"role": "user", "content": [{"type": "text", "text": "say hi"}]}]);
    assert_eq!(found.body["messages"], asked);
    assert_eq!(found.noted(), ["messages"]);
}

#[test]
fn leading_system_turns_are_one_block_each() {
    let mut cached = Part::text("two");
    cached.cache = Some(json!({"type": "ephemeral", "ttl": "1h"}));
    let found = written(&request(vec![
        text(Role::System, "one"),
        turn(Role::Developer, vec![cached]),
        text(Role::User, "hi"),
    ]));
    let expected = json!([
        {"type": "text", "text": "one"},
        {"type": "text", "text": "two", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]);
    assert_eq!(found.body["system"], expected);
}

#[test]
fn later_system_turns_stay_at_their_place() {
    let turns = || {
        vec![
            text(Role::User, "a"),
            text(Role::System, "be brief"),
            text(Role::Assistant, "b"),
            text(Role::Developer, "be kind"),
            text(Role::User, "c"),
        ]
    };
    let marked =
        |text: &str| json!({"type": "text", "text": format!("<system>\n{text}\n</system>")});
    let plain = |text: &str| json!({"type": "text", "text": text});

    let found = written(&request(turns()));
    let expected = json!([
        {"role": "user", "content": [plain("a"), marked("be brief")]},
        {"role": "assistant", "content": [plain("b")]},
        {"role": "user", "content": [marked("be kind"), plain("c")]},
    ]);
    assert_eq!(found.body["messages"], expected);
    assert_eq!(found.noted(), ["messages[].role"]);

    let facts = ModelFacts { system_inside: true, ..ModelFacts::default() };
    let found = written_for(&request(turns()), &facts);
    let expected = json!([
        {"role": "user", "content": [plain("a")]},
        {"role": "system", "content": [plain("be brief")]},
        {"role": "assistant", "content": [plain("b")]},
        // Behind an assistant message the API takes no system message.
        {"role": "user", "content": [marked("be kind"), plain("c")]},
    ]);
    assert_eq!(found.body["messages"], expected);
}

#[test]
fn results_stand_first_and_in_the_order_of_the_calls() {
    let ok = |text: &str| vec![Part::text(text)];
    let found = messages(vec![
        text(Role::User, "go"),
        turn(Role::Assistant, vec![call("c1", "f", "{\"b\" : 1.0}"), call("c2", "g", "")]),
        turn(Role::Tool, vec![result("c2", ok("two"))]),
        text(Role::System, "note"),
        text(Role::User, "and now"),
        turn(Role::Tool, vec![result("c1", vec![])]),
    ]);
    let expected = json!([
        {"type": "tool_result", "tool_use_id": "c1"},
        {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "two"}]},
        {"type": "text", "text": "<system>\nnote\n</system>"},
        {"type": "text", "text": "and now"},
    ]);
    assert_eq!(found[2]["content"], expected);
    assert_eq!(found.as_array().unwrap().len(), 3);
}

#[test]
fn a_system_message_does_not_part_results_from_their_calls() {
    let facts = ModelFacts { system_inside: true, ..ModelFacts::default() };
    let found = written_for(
        &request(vec![
            text(Role::User, "go"),
            turn(Role::Assistant, vec![call("c1", "f", "{}"), call("c2", "g", "{}")]),
            turn(Role::Tool, vec![result("c1", vec![])]),
            text(Role::System, "note"),
            turn(Role::Tool, vec![result("c2", vec![])]),
        ]),
        &facts,
    );
    let roles: Vec<&Value> =
        found.body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user", "system"]);
    assert_eq!(found.body["messages"][2]["content"].as_array().unwrap().len(), 2);
}

#[test]
fn arguments_keep_their_characters() {
    let mut request = request(vec![
        text(Role::User, "go"),
        turn(
            Role::Assistant,
            vec![
                call("c1", "f", "{\"b\" : 1.0, \"a\":12345678901234567890}"),
                call("c2", "f", "[1]"),
            ],
        ),
    ]);
    let mut notes = Notes::default();
    let body = write(&request, &Target::new("m", &ModelFacts::default()), &mut notes).unwrap().body;
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("\"input\":{\"b\" : 1.0, \"a\":12345678901234567890}"), "{body}");
    assert!(body.contains("\"input\":{\"value\":[1]}"), "{body}");
    assert_eq!(notes.entries()[0].field, "tool_calls[].function.arguments");

    request.turns[1].parts[1] = call("c2", "f", "{broken");
    let found = written(&request);
    assert_eq!(
        found.body["messages"][1]["content"][1]["input"],
        json!({"_invalid_json": "{broken"})
    );
}

#[test]
fn ids_and_names_of_the_history_become_legal() {
    let found = messages(vec![
        text(Role::User, "go"),
        turn(Role::Assistant, vec![call("call:1", "my.tool", "{}"), call("call:1", "f", "{}")]),
        turn(Role::Tool, vec![result("call:1", vec![]), result("call:1", vec![])]),
    ]);
    let id = ids::legal("toolu_", "call:1");
    assert_eq!(found[1]["content"][0]["id"], id);
    assert_eq!(found[1]["content"][1]["id"], format!("{id}_2"));
    assert!(found[1]["content"][0]["name"].as_str().unwrap().starts_with("my_tool_"));
    assert_eq!(found[2]["content"][0]["tool_use_id"], id);
    assert_eq!(found[2]["content"][1]["tool_use_id"], format!("{id}_2"));
}

#[test]
fn results_carry_text_images_documents_and_errors() {
    let png = media("image/png", MediaSource::Base64("AAAA".to_owned()));
    let pdf = media("application/pdf", MediaSource::Base64("BBBB".to_owned()));
    let mut failed = Part::new(PartKind::ToolResult {
        call: "c1".to_owned(),
        name: None,
        parts: vec![
            Part::text("bad"),
            Part::text(""),
            Part::new(PartKind::Image(png)),
            Part::new(PartKind::Document(pdf)),
        ],
        is_error: Some(true),
    });
    failed.cache = Some(json!({"mode": "explicit"}));
    let found = messages(vec![
        text(Role::User, "go"),
        turn(Role::Assistant, vec![call("c1", "f", "{}")]),
        turn(Role::User, vec![failed]),
    ]);
    let base64 = |mime, data| json!({"type": "base64", "media_type": mime, "data": data});
    let expected = json!([{
        "type": "tool_result", "tool_use_id": "c1", "is_error": true,
        "content": [
            {"type": "text", "text": "bad"},
            {"type": "image", "source": base64("image/png", "AAAA")},
            {"type": "document", "source": base64("application/pdf", "BBBB")},
        ],
        "cache_control": {"type": "ephemeral"},
    }]);
    assert_eq!(found[2]["content"], expected);
}

#[test]
fn media_take_the_sources_the_api_has() {
    let image = |mime: &str, source| Part::new(PartKind::Image(media(mime, source)));
    let document = |mime: &str, source| Part::new(PartKind::Document(media(mime, source)));
    let base64 = |data: &str| MediaSource::Base64(data.to_owned());
    let url = |url: &str| MediaSource::Url(url.to_owned());
    let check = |part: Part, expected: Value| {
        let found = messages(vec![turn(Role::User, vec![part])]);
        assert_eq!(found[0]["content"][0]["source"], expected);
    };
    // The bytes are those of a PNG, whatever the client says.
    let png = "iVBORw0KGgoAAAANSUhEUgAA";
    check(
        image("image/jpeg", base64(png)),
        json!({"type": "base64", "media_type": "image/png", "data": png}),
    );
    check(
        image("image/jpg", base64("AAAA")),
        json!({"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}),
    );
    check(image("", url("https://x/y")), json!({"type": "url", "url": "https://x/y"}));
    check(document("", url("https://x/y.pdf")), json!({"type": "url", "url": "https://x/y.pdf"}));
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "hello"});
    check(document("text/csv", base64("aGVsbG8=")), plain.clone());
    check(document("text/plain", MediaSource::Text("hello".to_owned())), plain);
}

#[test]
fn media_the_api_has_not_are_refused_with_their_place() {
    let check = |kind: PartKind| {
        let turns =
            vec![text(Role::System, "s"), turn(Role::User, vec![Part::text("a"), Part::new(kind)])];
        assert_eq!(refused(&request(turns)), ["messages[1].content[1]"]);
    };
    let file = || MediaSource::FileId("file_1".to_owned());
    check(PartKind::Audio(media("audio/wav", MediaSource::Base64("AAAA".to_owned()))));
    check(PartKind::Video(media("video/mp4", MediaSource::Url("https://x".to_owned()))));
    check(PartKind::Image(media("image/tiff", MediaSource::Base64("AAAA".to_owned()))));
    check(PartKind::Image(media("image/png", file())));
    check(PartKind::Image(media("image/png", MediaSource::Url("gs://b/o".to_owned()))));
    check(PartKind::Document(media("application/zip", MediaSource::Base64("AAAA".to_owned()))));
    check(PartKind::Document(media("text/plain", MediaSource::Base64("/w==".to_owned()))));

    let mut gemini =
        request(vec![turn(Role::User, vec![Part::new(PartKind::Image(media("", file())))])]);
    gemini.origin = Some(WireFormat::Gemini);
    assert_eq!(refused(&gemini), ["contents[0].parts[0]"]);
    gemini.origin = Some(WireFormat::Anthropic);
    let own = written(&gemini).body["messages"][0]["content"][0]["source"].clone();
    assert_eq!(own, json!({"type": "file", "file_id": "file_1"}));
}

#[test]
fn media_of_the_assistant_move_to_the_next_user_message() {
    let png =
        || Part::new(PartKind::Image(media("image/png", MediaSource::Base64("AAAA".to_owned()))));
    let found = written(&request(vec![
        text(Role::User, "draw"),
        turn(Role::Assistant, vec![Part::text("here"), png()]),
        text(Role::User, "better"),
    ]));
    let kinds: Vec<&Value> = found.body["messages"][2]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["type"])
        .collect();
    assert_eq!(kinds, ["image", "text"]);
    assert_eq!(found.noted(), ["messages[].content"]);
    assert!(found.dropped().is_empty());

    let end = written(&request(vec![
        text(Role::User, "a"),
        turn(Role::Assistant, vec![Part::text("b"), png()]),
    ]));
    assert_eq!(end.dropped(), ["messages[].content"]);
}

#[test]
fn own_reasoning_comes_back_in_order_and_foreign_does_not() {
    let reasoning = |text: &str, opaque| Part {
        kind: PartKind::Reasoning(text.to_owned()),
        opaque,
        cache: None,
    };
    let mut signed_call = call("c1", "f", "{}");
    signed_call.opaque = opaque(Vendor::Google, OpaqueKind::Signature, "Zm9v");
    let found = written(&request(vec![
        text(Role::User, "go"),
        turn(
            Role::Assistant,
            vec![
                reasoning("hm", opaque(Vendor::Anthropic, OpaqueKind::Signature, "c2ln")),
                reasoning("", opaque(Vendor::Anthropic, OpaqueKind::Redacted, "c2Vj")),
                reasoning("unsigned", None),
                reasoning("theirs", opaque(Vendor::Google, OpaqueKind::Signature, "Zm9v")),
                reasoning("", opaque(Vendor::OpenAi, OpaqueKind::Redacted, "YmFy")),
                signed_call,
                reasoning("", opaque(Vendor::Anthropic, OpaqueKind::Signature, "ZW1wdHk=")),
            ],
        ),
    ]));
    let expected = json!([
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2Vj"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
        {"type": "thinking", "thinking": "", "signature": "ZW1wdHk="},
    ]);
    assert_eq!(found.body["messages"][1]["content"], expected);
    assert_eq!(found.dropped(), ["reasoning_content", "thought_signature"]);
}

#[test]
fn blocks_of_own_server_tools_stay_raw_and_others_are_told() {
    let server = |format, text: &str| Part::new(PartKind::Server { format, raw: raw(text) });
    let found = written(&request(vec![
        text(Role::User, "go"),
        turn(
            Role::Assistant,
            vec![
                server(WireFormat::Anthropic, "{\"type\":\"server_tool_use\", \"id\":\"s\"}"),
                server(WireFormat::Gemini, "{\"executableCode\":{}}"),
                server(WireFormat::Gemini, "{\"codeExecutionResult\":{\"output\":\"7\"}}"),
            ],
        ),
        text(Role::User, "on"),
    ]));
    assert_eq!(
        found.body["messages"][1]["content"],
        json!([{"type": "server_tool_use", "id": "s"}, {"type": "text", "text": "7"}])
    );
    assert_eq!(found.dropped(), ["messages[].content"]);
}

#[test]
fn names_and_refusals_are_noted() {
    let mut named = text(Role::User, "hi");
    named.name = Some("bob".to_owned());
    let refusal = Part::new(PartKind::Refusal("no".to_owned()));
    let found = written(&request(vec![
        named,
        turn(Role::Assistant, vec![refusal]),
        text(Role::User, "why"),
    ]));
    assert_eq!(found.dropped(), ["messages[].name"]);
    assert_eq!(found.noted(), ["messages[].name", "messages[].refusal"]);
    assert_eq!(found.body["messages"][1]["content"][0]["text"], "no");
}

#[test]
fn at_most_four_cache_marks_go_out() {
    let mark = || Some(json!({"type": "ephemeral"}));
    let marked = |role, text: &str| {
        let mut part = Part::text(text);
        part.cache = mark();
        turn(role, vec![part])
    };
    let mut request = request(vec![
        marked(Role::System, "s"),
        marked(Role::User, "1"),
        marked(Role::Assistant, "2"),
        marked(Role::User, "3"),
        marked(Role::Assistant, "4"),
        text(Role::User, "5"),
    ]);
    request.tools = vec![Tool { cache: mark(), ..tool("f", None) }];

    let found = written(&request);

    let is_marked = |value: &Value| !value["cache_control"].is_null();
    assert!(!is_marked(&found.body["tools"][0]));
    assert!(is_marked(&found.body["system"][0]));
    let marks: Vec<bool> = found.body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| is_marked(&message["content"][0]))
        .collect();
    assert_eq!(marks, [false, true, true, true, false]);
    assert_eq!(found.noted(), ["cache_control"]);
}

#[test]
fn a_longer_conversation_begins_with_the_shorter_one() {
    let turns = vec![
        text(Role::System, "s"),
        text(Role::User, "a"),
        text(Role::System, "late"),
        turn(
            Role::Assistant,
            vec![Part::text("b"), call("c:1", "f", "{}"), call("c:1", "f", "{}")],
        ),
        turn(Role::Tool, vec![result("c:1", vec![Part::text("r1")])]),
        turn(Role::Tool, vec![result("c:1", vec![Part::text("r2")])]),
        text(Role::User, "c"),
        text(Role::Assistant, "d"),
        text(Role::User, "e"),
    ];
    let facts = ModelFacts { prefill: true, ..ModelFacts::default() };
    let mut longer = String::new();
    for count in (2..=turns.len()).rev() {
        let body = write(
            &request(turns[..count].to_vec()),
            &Target::new("m", &facts),
            &mut Notes::default(),
        );
        let body = String::from_utf8(body.unwrap().body).unwrap();
        let open = body.trim_end_matches([']', '}']);
        assert!(
            longer.is_empty() || longer.starts_with(open),
            "{open}\nis not the beginning of\n{longer}"
        );
        longer = body;
    }
}
