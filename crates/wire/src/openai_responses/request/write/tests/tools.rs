use super::*;

fn with(tools: Vec<Tool>) -> ChatRequest {
    ChatRequest { tools, ..hi() }
}

fn strict(schema: &Value) -> Tool {
    Tool { schema: Some(raw(schema)), strict: Some(true), ..tool("f", ToolKind::Function) }
}

#[test]
fn strict_is_always_said_and_parameters_may_be_null() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "text"});
    let tools = vec![
        tool("none", ToolKind::Function),
        Tool {
            description: Some("d".to_owned()),
            schema: Some(raw(&schema)),
            ..tool("some", ToolKind::Function)
        },
        tool("patch", ToolKind::Custom { format: Some(raw(&format)) }),
    ];

    let (body, notes) = written(&with(tools));

    assert_eq!(
        body["tools"],
        json!([
            {"type": "function", "name": "none", "parameters": null, "strict": false},
            {"type": "function", "name": "some", "description": "d", "parameters": schema,
             "strict": false},
            {"type": "custom", "name": "patch", "format": format},
        ])
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn strict_schemas_are_fitted_or_sent_as_not_strict() {
    let open =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});

    let (body, notes) = written(&with(vec![strict(&open)]));
    assert_eq!(body["tools"][0]["parameters"]["additionalProperties"], false);
    assert_eq!((&body["tools"][0]["strict"], notes.len()), (&json!(true), 1));

    let (body, notes) = written(&with(vec![strict(&map)]));
    assert_eq!(
        (&body["tools"][0]["parameters"], &body["tools"][0]["strict"]),
        (&map, &json!(false))
    );
    assert_eq!(notes, ["~tools[].function.strict"]);
}

#[test]
fn names_that_are_not_legal_are_changed_there_and_back() {
    let mut request = with(vec![tool("a.b", ToolKind::Function)]);
    request.tool_choice = ToolChoice::One("a.b".to_owned());
    request.turns.push(assistant(vec![call("c", "a.b", CallKind::Function, "{}")]));
    request.turns.push(turn(Role::Tool, vec![result("c", Vec::new())]));

    let (body, _, aftercare) = write(&request, &ModelFacts::default());

    let sent = body["tools"][0]["name"].as_str().unwrap();
    assert!(sent.starts_with("a_b_"), "{sent}");
    assert_eq!(body["tool_choice"], json!({"type": "function", "name": sent}));
    assert_eq!(body["input"][1]["name"], sent);
    assert_eq!(aftercare.names[sent], "a.b");
}

#[test]
fn two_tools_of_one_name_are_refused() {
    let tools = vec![tool("f", ToolKind::Function), tool("f", ToolKind::Custom { format: None })];
    assert_eq!(refusals(&with(tools)), ["tools[1].name"]);
}

#[test]
fn every_choice_is_said() {
    let search = ToolKind::WebSearch {
        format: WireFormat::Anthropic,
        raw: raw(&json!({})),
        search: WebSearch::default(),
    };
    let declared = || {
        let custom = ToolKind::Custom { format: None };
        vec![tool("f", ToolKind::Function), tool("p", custom), tool("search", search.clone())]
    };
    let check = |choice: ToolChoice, expected: Value| {
        let mut request = with(declared());
        request.tool_choice = choice;
        assert_eq!(written(&request).0["tool_choice"], expected);
        request.tools.clear();
        assert!(written(&request).0.get("tool_choice").is_none(), "no choice without tools");
    };
    check(ToolChoice::NotSaid, Value::Null);
    check(ToolChoice::Auto, json!("auto"));
    check(ToolChoice::None, json!("none"));
    check(ToolChoice::Required, json!("required"));
    check(ToolChoice::One("f".to_owned()), json!({"type": "function", "name": "f"}));
    check(ToolChoice::One("p".to_owned()), json!({"type": "custom", "name": "p"}));
    check(ToolChoice::One("search".to_owned()), json!({"type": "web_search"}));
    check(
        ToolChoice::Allowed { required: true, names: vec!["f".to_owned(), "p".to_owned()] },
        json!({"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "f"}, {"type": "custom", "name": "p"}]}),
    );
}

#[test]
fn parallel_calls_are_only_forbidden_where_there_are_tools() {
    let mut request = with(vec![tool("f", ToolKind::Function)]);
    request.parallel_calls = Some(false);
    assert_eq!(written(&request).0["parallel_tool_calls"], false);

    request.tools.clear();
    assert!(written(&request).0.get("parallel_tool_calls").is_none());
}

#[test]
fn web_search_of_others_becomes_its_own() {
    let search = WebSearch {
        allowed_domains: vec!["a.org".to_owned()],
        blocked_domains: vec!["b.org".to_owned()],
        location: Some(json!({"type": "approximate", "city": "Rome"})),
        max_uses: Some(3),
        context_size: Some("low".to_owned()),
    };
    let kind = ToolKind::WebSearch { format: WireFormat::Anthropic, raw: raw(&json!({})), search };
    let mut request = with(vec![tool("web_search", kind)]);
    request.origin = Some(WireFormat::Anthropic);

    let (body, notes) = written(&request);

    assert_eq!(
        body["tools"],
        json!([{"type": "web_search", "filters": {"allowed_domains": ["a.org"]},
                "search_context_size": "low",
                "user_location": {"type": "approximate", "city": "Rome"}}])
    );
    let expected = ["~tools[].web_search", "-tools[].blocked_domains", "-tools[].max_uses"];
    assert_eq!(notes, expected);
}

#[test]
fn its_own_hosted_tools_go_back_and_those_of_others_are_refused() {
    let declared = json!({"type": "file_search", "vector_store_ids": ["v"]});
    let server = |format| ToolKind::Server { format, raw: raw(&declared) };

    let own = with(vec![tool("file_search", server(WireFormat::OpenAiResponses))]);
    assert_eq!(written(&own).0["tools"], json!([declared]));

    let foreign = with(vec![tool("bash_20250124", server(WireFormat::Anthropic))]);
    assert_eq!(refusals(&foreign), ["tools[0]"]);
}

#[test]
fn pictures_are_asked_for_by_a_tool() {
    let mut request = hi();
    request.wants_images = true;

    let (body, notes) = written(&request);

    assert_eq!(body["tools"], json!([{"type": "image_generation"}]));
    assert_eq!(notes, ["~modalities"]);
}
