//! Tools and the choice among them.

use super::*;
use crate::chat::{ToolChoice, WebSearch};

#[test]
fn tools_are_declared_in_order() {
    let mut request = hello();
    let mut second = tool("g", Some("{\"properties\" : {}}"));
    second.description = Some("does g".to_owned());
    second.cache = Some(json!({"type": "ephemeral"}));
    let mut server = tool("web_search", None);
    server.kind = ToolKind::Server {
        format: WireFormat::Anthropic,
        raw: raw("{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}"),
    };
    request.tools = vec![tool("f", None), second, server];
    let expected = json!([
        {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        {
            "name": "g", "description": "does g",
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "web_search_20250305", "name": "web_search"},
    ]);
    assert_eq!(written(&request).body["tools"], expected);
}

#[test]
fn strict_tools_need_a_model_that_can() {
    let mut request = hello();
    request.tools = vec![Tool { strict: Some(true), ..tool("f", Some("{\"type\":\"object\"}")) }];
    let without = written(&request);
    assert_eq!(without.dropped(), ["tools[].function.strict"]);
    assert!(without.body["tools"][0]["strict"].is_null());

    let with = written_for(&request, &facts(|facts| facts.structured_output = true));
    assert_eq!(with.body["tools"][0]["strict"], true);
    assert_eq!(with.body["tools"][0]["input_schema"]["additionalProperties"], false);
}

#[test]
fn tools_that_cannot_be_sent_are_refused() {
    let mut request = hello();
    let mut foreign = tool("googleSearch", None);
    foreign.kind =
        ToolKind::Server { format: WireFormat::Gemini, raw: raw("{\"googleSearch\":{}}") };
    request.tools = vec![tool("f", None), tool("f", None), foreign];
    assert_eq!(refused(&request), ["tools[1].name", "tools[2]"]);
}

#[test]
fn names_that_cannot_be_sent_are_changed_everywhere_and_back_in_the_reply() {
    let mut request = hello();
    request.tools = vec![tool("a.b", None), tool("f", None)];
    request.tool_choice = ToolChoice::One("a.b".to_owned());
    request.turns.push(turn(Role::Assistant, vec![call("c", "a.b", "{}")]));
    request.turns.push(turn(Role::User, vec![result("c", vec![])]));
    let body = written(&request).body;
    let name = body["tools"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("a_b_"), "{name}");
    assert_eq!(body["tool_choice"]["name"], name);
    assert_eq!(body["messages"][1]["content"][0]["name"], name);
    let names = sent(&request, &ModelFacts::default()).aftercare.names;
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [(name.to_owned(), "a.b".to_owned())]);
}

#[test]
fn tools_of_free_text_are_functions_of_one_text() {
    let grammar = |format: &str, expected: &str| {
        let mut custom = tool("patch", None);
        custom.description = Some("Edits.".to_owned());
        custom.kind = ToolKind::Custom { format: Some(raw(format)) };
        let mut request = hello();
        request.tools = vec![custom];
        let found = written(&request);
        assert_eq!(found.body["tools"][0]["description"], expected, "{format}");
        assert_eq!(
            found.body["tools"][0]["input_schema"]["properties"],
            json!({"input": {"type": "string"}})
        );
        assert_eq!(found.noted(), ["tools[].custom"]);
        let custom = sent(&request, &ModelFacts::default()).aftercare.custom;
        assert!(custom.contains("patch"));
    };
    grammar("{\"type\":\"text\"}", "Edits.");
    let expected = "Edits.\n\nThe input must follow this grammar:\nstart: x";
    grammar("{\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"start: x\"}", expected);
    grammar("{\"type\":\"grammar\",\"grammar\":{\"definition\":\"start: x\"}}", expected);

    let custom = Part::new(PartKind::ToolCall {
        id: "c".to_owned(),
        name: "patch".to_owned(),
        kind: crate::chat::CallKind::Custom,
        arguments: "a \"b\"\n".to_owned(),
    });
    let mut request = hello();
    request.turns.push(turn(Role::Assistant, vec![custom]));
    request.turns.push(turn(Role::User, vec![result("c", vec![])]));
    let body = written(&request).body;
    assert_eq!(body["messages"][1]["content"][0]["input"], json!({"input": "a \"b\"\n"}));
}

#[test]
fn every_tool_of_another_vendor_is_refused_for_what_it_is() {
    let mut request = hello();
    let mut server = tool("mcp", None);
    server.kind =
        ToolKind::Server { format: WireFormat::OpenAiResponses, raw: raw("{\"type\":\"mcp\"}") };
    request.tools = vec![server.clone(), server];
    assert_eq!(refused(&request), ["tools[0]", "tools[1]"]);
}

#[test]
fn a_web_search_of_another_vendor_is_asked_for_here() {
    let search = |search: WebSearch| {
        let mut request = hello();
        let mut tool = tool("web_search_options", None);
        tool.kind = ToolKind::WebSearch { format: WireFormat::OpenAiChat, raw: raw("{}"), search };
        request.tools = vec![tool];
        written(&request)
    };
    let plain = search(WebSearch::default());
    assert_eq!(plain.body["tools"], json!([{"type": "web_search_20250305", "name": "web_search"}]));
    assert_eq!(plain.noted(), ["web_search_options"]);

    let limited = search(WebSearch {
        allowed_domains: vec!["a.org".to_owned()],
        blocked_domains: vec!["b.org".to_owned()],
        location: Some(json!({"city": "Bonn"})),
        max_uses: Some(2),
        context_size: None,
    });
    let expected = json!([{
        "type": "web_search_20250305", "name": "web_search", "max_uses": 2,
        "allowed_domains": ["a.org"],
        "user_location": {"type": "approximate", "city": "Bonn"},
    }]);
    assert_eq!(limited.body["tools"], expected, "the API takes one of the lists");
    assert_eq!(limited.dropped(), ["web_search_options.filters"]);
}

#[test]
fn choices_among_tools_are_written() {
    let check = |choice: ToolChoice, parallel: Option<bool>, expected: Value, is_noted: bool| {
        let mut request = hello();
        request.tools = vec![tool("f", None), tool("g", None)];
        request.tool_choice = choice.clone();
        request.parallel_calls = parallel;
        let found = written(&request);
        assert_eq!(found.body["tool_choice"], expected, "{choice:?} {parallel:?}");
        assert_eq!(!found.noted().is_empty(), is_noted, "{choice:?}");
        request.tools.clear();
        assert!(
            written(&request).body["tool_choice"].is_null(),
            "without tools there is no choice"
        );
    };
    let allowed = |required, names: &[&str]| ToolChoice::Allowed {
        required,
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    check(ToolChoice::NotSaid, None, Value::Null, false);
    check(ToolChoice::NotSaid, Some(true), Value::Null, false);
    check(
        ToolChoice::NotSaid,
        Some(false),
        json!({"type": "auto", "disable_parallel_tool_use": true}),
        false,
    );
    check(ToolChoice::Auto, None, json!({"type": "auto"}), false);
    check(ToolChoice::None, Some(false), json!({"type": "none"}), false);
    check(
        ToolChoice::Required,
        Some(false),
        json!({"type": "any", "disable_parallel_tool_use": true}),
        false,
    );
    check(ToolChoice::One("f".to_owned()), None, json!({"type": "tool", "name": "f"}), false);
    check(allowed(true, &["g"]), None, json!({"type": "tool", "name": "g"}), false);
    check(allowed(true, &["f", "g"]), None, json!({"type": "any"}), true);
    check(allowed(false, &["f"]), None, json!({"type": "auto"}), true);
}
