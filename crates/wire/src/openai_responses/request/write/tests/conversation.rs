use super::*;

#[test]
fn instructions_are_items_wherever_they_stand() {
    let turns = vec![
        turn(Role::System, vec![Part::text("a"), Part::text(""), Part::text("b")]),
        turn(Role::Developer, vec![Part::text("c")]),
        user("hi"),
        assistant(vec![Part::text("hello")]),
        turn(Role::System, vec![Part::text("be brief")]),
        user("go on"),
    ];

    assert_eq!(
        input_of(turns),
        json!([
            {"type": "message", "role": "system", "content": [
                {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
            {"type": "message", "role": "developer", "content": "c"},
            {"type": "message", "role": "user", "content": "hi"},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "hello"}]},
            {"type": "message", "role": "system", "content": "be brief"},
            {"type": "message", "role": "user", "content": "go on"},
        ])
    );
}

#[test]
fn a_step_keeps_its_order_and_its_results_stand_before_what_the_user_adds() {
    let turns = vec![
        user("hi"),
        assistant(vec![
            reasoning("think", encrypted("e1")),
            Part::text("I look"),
            function("a", "{ \"n\": 1.0 }"),
            call("b", "patch", CallKind::Custom, "*** Begin"),
            function("c", " "),
        ]),
        turn(
            Role::User,
            vec![
                Part::text("quick"),
                result("b", vec![Part::text("two")]),
                result("a", vec![Part::text("one"), Part::text("more")]),
                result("c", Vec::new()),
            ],
        ),
    ];

    let (body, notes) = written(&chat(turns));

    assert_eq!(
        body["input"],
        json!([
            {"type": "message", "role": "user", "content": "hi"},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "think"}],
             "encrypted_content": "e1"},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "I look"}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{ \"n\": 1.0 }"},
            {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "*** Begin"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call_output", "call_id": "b", "output": "two"},
            {"type": "function_call_output", "call_id": "a", "output": "one\nmore"},
            {"type": "function_call_output", "call_id": "c", "output": ""},
            {"type": "message", "role": "user", "content": "quick"},
        ])
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn reasoning_goes_back_only_to_who_encrypted_it_and_before_what_it_led_to() {
    let from = |family: &str, account| {
        let origin = Some(Origin { family: family.to_owned(), account });
        encrypted("e").map(|data| Opaque { origin, item: Some("rs_1".to_owned()), ..data })
    };
    let signed = Some(Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, "s"));
    let check = |parts: Vec<Part>, kinds: &[&str], expected: &[&str]| {
        let mut request = chat(vec![user("hi"), assistant(parts), user("go on")]);
        request.origin = Some(WireFormat::Anthropic);
        let (body, notes) = written(&request);
        let items = body["input"].as_array().unwrap();
        let found: Vec<&str> = items[1..items.len() - 1]
            .iter()
            .map(|item| {
                assert!(item.get("id").is_none(), "{item}");
                item["type"].as_str().unwrap()
            })
            .collect();
        assert_eq!(
            (found.as_slice(), notes),
            (kinds, expected.iter().map(|&s| s.into()).collect())
        );
    };
    let call = || function("a", "{}");
    check(vec![reasoning("", from("gpt-5", 0)), call()], &["reasoning", "function_call"], &[]);
    check(vec![reasoning("x", from("gpt-5", 7)), call()], &["function_call"], &["-thinking"]);
    check(vec![reasoning("x", from("o3", 0)), call()], &["function_call"], &["-thinking"]);
    check(vec![reasoning("x", signed), call()], &["function_call"], &["-thinking"]);
    check(vec![reasoning("x", None), call()], &["function_call"], &["-thinking"]);
    check(vec![call(), reasoning("", encrypted("e"))], &["function_call"], &["-thinking"]);
    check(
        vec![Part::text("a"), reasoning("", encrypted("e")), Part::text("b")],
        &["message", "reasoning", "message"],
        &[],
    );
}

#[test]
fn a_text_and_its_encrypted_form_come_together_again() {
    let parts = vec![reasoning("hm", None), reasoning("", encrypted("e")), Part::text("a")];

    let (body, notes) = written(&chat(vec![user("hi"), assistant(parts), user("b")]));

    assert_eq!(
        body["input"][1],
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
               "encrypted_content": "e"})
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn signatures_of_other_vendors_stay_behind() {
    let mut signed = function("a", "{}");
    signed.opaque = Some(Opaque::new(Vendor::Google, OpaqueKind::Signature, "s"));
    let mut request = chat(vec![user("hi"), assistant(vec![signed]), user("b")]);
    request.origin = Some(WireFormat::Gemini);

    assert_eq!(written(&request).1, ["-thoughtSignature"]);
}

#[test]
fn long_and_missing_ids_are_made_and_agree() {
    let long = "x".repeat(70);
    let turns = vec![
        user("hi"),
        assistant(vec![function(&long, "{}"), function("", "{}")]),
        turn(
            Role::Tool,
            vec![
                result(&long, vec![Part::text("one")]),
                Part::new(PartKind::ToolResult {
                    call: String::new(),
                    name: Some("f".to_owned()),
                    parts: vec![Part::text("two")],
                    is_error: None,
                }),
            ],
        ),
    ];

    let input = input_of(turns);

    let id = |position: usize| input[position]["call_id"].as_str().unwrap();
    assert_eq!((id(1), id(2)), (id(3), id(4)));
    assert_ne!(id(1), id(2));
    assert!(id(1).len() <= 64, "{}", id(1));
}

#[test]
fn files_stay_inside_results_and_errors_say_so() {
    let pdf = Media {
        name: Some("report".to_owned()),
        ..media("application/pdf", MediaSource::Base64("JVBE".to_owned()))
    };
    let mut failed = result("b", vec![Part::text("no such file")]);
    if let PartKind::ToolResult { is_error, .. } = &mut failed.kind {
        *is_error = Some(true);
    }
    let mut request = chat(vec![
        user("hi"),
        assistant(vec![function("a", "{}"), function("b", "{}")]),
        turn(
            Role::User,
            vec![result("a", vec![Part::text("here"), Part::new(PartKind::Document(pdf))]), failed],
        ),
    ]);
    request.origin = Some(WireFormat::Anthropic);

    let (body, notes) = written(&request);

    assert_eq!(
        body["input"][3]["output"],
        json!([
            {"type": "input_text", "text": "here"},
            {"type": "input_file", "filename": "report.pdf",
             "file_data": "data:application/pdf;base64,JVBE"},
        ])
    );
    assert_eq!(body["input"][4]["output"], "Error: no such file");
    assert_eq!(notes, ["~tool_result.is_error"]);
}

#[test]
fn media_are_sent_by_their_source_or_refused() {
    let image = |source| PartKind::Image(media("image/jpeg", source));
    let document = |mime, source| PartKind::Document(media(mime, source));
    let url = |url: &str| MediaSource::Url(url.to_owned());
    let check = |kind: PartKind, expected: Value| {
        let input = input_of(vec![turn(Role::User, vec![Part::text("a"), Part::new(kind)])]);
        assert_eq!(input[0]["content"][1], expected);
    };
    check(
        image(MediaSource::Base64("AAAA".to_owned())),
        json!({"type": "input_image", "image_url": "data:image/jpeg;base64,AAAA"}),
    );
    check(
        image(url("https://x/y.jpg")),
        json!({"type": "input_image", "image_url": "https://x/y.jpg"}),
    );
    check(
        image(MediaSource::FileId("file_1".to_owned())),
        json!({"type": "input_image", "file_id": "file_1"}),
    );
    check(
        document("", url("https://x/y.pdf")),
        json!({"type": "input_file", "file_url": "https://x/y.pdf"}),
    );
    check(
        document("text/plain", MediaSource::Base64("aGk=".to_owned())),
        json!({"type": "input_text", "text": "hi"}),
    );

    let refused = |origin, kind: PartKind, field: &str| {
        let mut request = chat(vec![turn(Role::User, vec![Part::new(kind)])]);
        request.origin = Some(origin);
        assert!(refusals(&request).contains(&field.to_owned()), "{field}");
    };
    let stored = MediaSource::FileId("file_1".to_owned());
    refused(WireFormat::Anthropic, image(stored.clone()), "image");
    refused(WireFormat::Gemini, document("", url("gs://b/o")), "inlineData");
    refused(WireFormat::Anthropic, document("", stored), "document");
    let sound = || media("audio/wav", MediaSource::Base64("AAAA".to_owned()));
    refused(WireFormat::OpenAiChat, PartKind::Audio(sound()), "input_audio");
    refused(WireFormat::Gemini, PartKind::Video(sound()), "inlineData");
}

#[test]
fn an_empty_conversation_is_refused() {
    let check = |turns: Vec<Turn>| assert_eq!(refusals(&chat(turns)), ["messages"]);
    check(Vec::new());
    check(vec![user(""), assistant(vec![reasoning("hm", None)])]);
}

#[test]
fn what_has_no_place_in_the_history_is_noted() {
    let server = PartKind::Server { format: WireFormat::Anthropic, raw: raw(&json!({})) };
    let image = PartKind::Image(media("image/png", MediaSource::Base64("AAAA".to_owned())));
    let mut named = user("hi");
    named.name = Some("ann".to_owned());
    let parts = vec![Part::new(server), Part::new(image), Part::text("a")];

    let (body, notes) = written(&chat(vec![named, assistant(parts)]));

    assert_eq!(body["input"].as_array().unwrap().len(), 2);
    let noted = ["-messages[].name", "-messages[].content", "~messages[].content", "~messages"];
    assert_eq!(notes, noted);
}

#[test]
fn pictures_of_the_assistant_follow_in_the_next_message_of_the_user() {
    let image = PartKind::Image(media("image/png", MediaSource::Base64("AAAA".to_owned())));
    let drawn = vec![Part::text("there"), Part::new(image), function("c", "{}")];
    let answered = turn(Role::Tool, vec![result("c", vec![Part::text("ok")])]);

    let (body, notes) = written(&chat(vec![user("draw"), assistant(drawn), answered]));

    assert_eq!(
        body["input"].as_array().unwrap()[3..],
        [
            json!({"type": "function_call_output", "call_id": "c", "output": "ok"}),
            json!({"type": "message", "role": "user", "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            ]}),
        ]
    );
    assert_eq!(notes, ["~messages[].content"]);
}

#[test]
fn what_the_tools_of_other_vendors_gave_is_told() {
    let server =
        |value: &Value| Part::new(PartKind::Server { format: WireFormat::Gemini, raw: raw(value) });
    let parts = vec![
        server(&json!({"executableCode": {"code": "1+1"}})),
        server(&json!({"codeExecutionResult": {"output": "2"}})),
        Part::text("It is 2."),
    ];

    let (body, notes) = written(&chat(vec![user("hi"), assistant(parts), user("b")]));

    assert_eq!(
        body["input"][1]["content"],
        json!([
            {"type": "output_text", "text": "```\n1+1\n```"},
            {"type": "output_text", "text": "2"},
            {"type": "output_text", "text": "It is 2."},
        ])
    );
    assert_eq!(notes, ["~messages[].content"]);
}

#[test]
fn of_too_many_cache_marks_the_last_stay() {
    let marked = |role| {
        let cache = Some(json!({"type": "ephemeral"}));
        turn(role, vec![Part { cache, ..Part::text("a") }])
    };
    let mut turns = vec![marked(Role::System), marked(Role::Developer)];
    turns.extend((0..5).map(|_| marked(Role::User)));
    let facts = ModelFacts { cache_breakpoints: true, ..ModelFacts::default() };

    let (body, notes, _) = write(&chat(turns), &facts);

    let items = body["input"].as_array().unwrap();
    let sent: Vec<bool> = items
        .iter()
        .map(|item| item["content"][0].get("prompt_cache_breakpoint").is_some())
        .collect();
    assert_eq!(sent, [false, true, false, false, true, true, true]);
    assert_eq!(notes, ["~cache_control"]);
}

#[test]
fn items_of_its_own_hosted_tools_go_back() {
    let item = json!({"type": "web_search_call", "id": "ws_1"});
    let server = PartKind::Server { format: WireFormat::OpenAiResponses, raw: raw(&item) };
    let parts = vec![Part::new(server), Part::text("a")];

    let input = input_of(vec![user("hi"), assistant(parts), user("b")]);

    assert_eq!(input[1], item);
    assert_eq!(input[2]["role"], "assistant");
}

#[test]
fn cache_marks_go_to_models_that_know_them() {
    let marked = |ttl: Value, part: Part| Part { cache: Some(ttl), ..part };
    let short = json!({"type": "ephemeral"});
    let long = json!({"type": "ephemeral", "ttl": "1h"});
    let mut request = chat(vec![
        turn(Role::System, vec![marked(long.clone(), Part::text("s"))]),
        user("hi"),
        assistant(vec![function("a", "{}")]),
        turn(Role::Tool, vec![marked(short, result("a", vec![Part::text("r")]))]),
    ]);
    request.tools = vec![Tool { cache: Some(long), ..tool("f", ToolKind::Function) }];
    let facts = ModelFacts { cache_breakpoints: true, ..ModelFacts::default() };

    let (plain, silence) = written(&request);
    let (body, notes, _) = write(&request, &facts);

    assert_eq!((&plain["input"][0]["content"], silence.len()), (&json!("s"), 0));
    assert_eq!(
        body["input"][0]["content"],
        json!([{"type": "input_text", "text": "s",
                "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}])
    );
    assert_eq!(
        body["input"][3]["output"],
        json!([{"type": "input_text", "text": "r",
                "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}])
    );
    assert_eq!(notes, ["-cache_control"], "of the tool");
}
