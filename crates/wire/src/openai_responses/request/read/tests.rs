use serde_json::{Value, json};

use crate::chat::{
    CallKind, ChatRequest, Effort, MediaSource, OutputFormat, Part, PartKind, ReasoningAmount,
    Role, ToolChoice, ToolKind, Vendor,
};
use crate::codec::{Codec, WireError};
use crate::openai_responses::OpenAiResponses;

mod history;
mod recorded;

/// Reads a request of these members beside a model and, unless given, an input.
fn read(members: &Value) -> Result<ChatRequest, WireError> {
    let mut body = json!({"model": "m", "input": "hi"});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    let body = body.to_string();
    let peek = OpenAiResponses.peek(body.as_bytes(), None)?;
    OpenAiResponses.read_request(body.as_bytes(), &peek)
}

fn with(members: Value) -> ChatRequest {
    read(&members).unwrap()
}

fn input(items: Value) -> ChatRequest {
    with(json!({"input": items}))
}

#[test]
fn faults_name_their_json_path() {
    let check = |members: Value, expected: &str| {
        let error = read(&members).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} should contain {expected}");
    };
    let items = |items: Value| json!({"input": items});
    check(json!({"input": null}), "input: is missing");
    check(items(json!([])), "input: is empty");
    check(items(json!("")), "input: is empty");
    check(items(json!(7)), "input: must be a text or a list");
    check(items(json!([{"role": "user"}, {"role": "robot"}])), "input[1].role: `robot`");
    check(items(json!([{"type": "message"}])), "input[0].role: is missing");
    check(items(json!([{"type": "hologram"}])), "input[0].type: `hologram`");
    check(items(json!([7])), "input[0]: invalid type: integer `7`");
    check(
        items(json!([{"role": "user", "content": [{"type": "input_text"}, {"type": "x"}]}])),
        "input[0].content[1].type: `x`",
    );
    check(
        items(json!([{"role": "user", "content": [{"type": "input_image"}]}])),
        "input[0].content[0]: needs `image_url` or `file_id`",
    );
    check(
        items(json!([{"role": "user", "content": [{"type": "input_file"}]}])),
        "input[0].content[0]: needs `file_data`",
    );
    check(
        items(json!([{"role": "user", "content": [
            {"type": "input_image", "image_url": "data:image/png,x"}]}])),
        "input[0].content[0].image_url: is a data URL that is not base64",
    );
    check(items(json!([{"type": "function_call", "call_id": "a"}])), "input[0].name: is missing");
    check(items(json!([{"type": "function_call", "name": "f"}])), "input[0].call_id: is missing");
    check(items(json!([{"type": "function_call_output"}])), "input[0].call_id: is missing");
    check(
        items(json!([{"type": "function_call_output", "call_id": "a", "output": [{"type": "y"}]}])),
        "input[0].output[0].type: `y`",
    );
    check(json!({"temperature": "hot"}), "temperature: invalid type");
    check(json!({"tools": [{"type": "function"}]}), "tools[0].name: is missing");
    check(json!({"tool_choice": "perhaps"}), "tool_choice: `perhaps`");
    check(json!({"tool_choice": {"type": "function"}}), "tool_choice.name: is missing");
    check(json!({"reasoning": {"effort": "huge"}}), "reasoning.effort: `huge`");
    check(json!({"text": {"format": {"type": "xml"}}}), "text.format.type: `xml`");
    check(json!({"text": {"format": {"type": "json_schema"}}}), "text.format.schema: is missing");
}

#[test]
fn null_stands_for_absent_everywhere() {
    let request = with(json!({
        "stream": null, "store": null, "previous_response_id": null, "conversation": null,
        "prompt": null, "background": null, "include": null, "instructions": null, "tools": null,
        "tool_choice": null, "parallel_tool_calls": null, "temperature": null, "top_p": null,
        "top_logprobs": null, "max_output_tokens": null, "max_tool_calls": null, "metadata": null,
        "reasoning": {"effort": null, "summary": null, "context": null},
        "text": {"format": null, "verbosity": null}, "truncation": null, "user": null,
        "service_tier": null, "prompt_cache_key": null, "context_management": null,
        "input": [
            {"type": null, "role": "assistant", "content": null, "id": null, "status": null},
            {"role": "user", "content": [{"type": "input_text", "text": "a", "cache_control": null}]},
            {"type": "reasoning", "summary": [], "content": null, "encrypted_content": "x"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": null,
             "namespace": null},
            {"type": "function_call_output", "call_id": "c", "output": null},
        ],
    }));

    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool]);
    assert!(request.extra.is_empty(), "{:?}", request.extra);
    assert!(request.notes.entries().is_empty(), "{:?}", request.notes);
    assert_eq!(request.tool_choice, ToolChoice::NotSaid);
}

#[test]
fn all_state_is_refused_at_once_with_the_way_out() {
    let error = read(&json!({
        "previous_response_id": "resp_1", "conversation": {"id": "conv_1"}, "background": true,
        "prompt": {"id": "pmpt_1"},
        "input": [
            {"type": "item_reference", "id": "msg_1"},
            {"id": "msg_2"},
            {"type": "compaction", "encrypted_content": "x"},
            {"type": "computer_call", "call_id": "a", "action": {}},
            {"type": "shell_call_output", "call_id": "b", "output": []},
            {"role": "user", "content": "hi"},
        ],
    }))
    .unwrap_err();

    let WireError::Unsupported { fields } = error else { panic!("{error}") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "previous_response_id",
            "conversation",
            "prompt",
            "background",
            "input[0]",
            "input[1]",
            "input[2]",
            "input[3]",
            "input[4]"
        ]
    );
    assert!(fields[0].1.contains("store: false"), "{}", fields[0].1);
    assert!(fields[5].1.contains("item_reference"), "{}", fields[5].1);
}

#[test]
fn a_reference_without_input_is_refused_for_the_reference() {
    let error = read(&json!({"previous_response_id": "resp_1", "input": null})).unwrap_err();
    assert!(matches!(error, WireError::Unsupported { .. }), "{error}");
}

#[test]
fn settings_are_read() {
    let request = with(json!({
        "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 100, "parallel_tool_calls": false,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs",
                    "web_search_call.results"],
        "top_logprobs": 3, "reasoning": {"effort": "none", "summary": "detailed", "mode": "pro"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n",
            "description": "d", "strict": true, "schema": {"type": "object", "x": 1.0}}},
        "metadata": {"a": "b"}, "user": "old", "safety_identifier": "new",
        "prompt_cache_key": "k", "prompt_cache_retention": "24h", "service_tier": "flex",
        "store": true, "truncation": "auto", "max_tool_calls": 3,
        "stream_options": {"include_obfuscation": false}, "moderation": {"model": "x"},
    }));

    assert_eq!((request.sampling.temperature, request.sampling.top_p), (Some(0.5), Some(0.9)));
    assert_eq!((request.sampling.logprobs, request.sampling.top_logprobs), (Some(true), Some(3)));
    assert_eq!((request.max_output_tokens, request.parallel_calls), (Some(100), Some(false)));
    assert_eq!(request.reasoning.amount, ReasoningAmount::Off);
    assert_eq!(request.reasoning.show, Some(true));
    assert_eq!(request.verbosity.as_deref(), Some("low"));
    let OutputFormat::JsonSchema { name, schema, strict, .. } = &request.output else {
        panic!("{:?}", request.output)
    };
    assert_eq!((name.as_deref(), *strict), (Some("n"), Some(true)));
    assert_eq!(schema.get(), r#"{"type":"object","x":1.0}"#);
    assert_eq!(request.metadata["a"], "b");
    assert_eq!(request.end_user.as_deref(), Some("new"));
    assert_eq!(request.cache_key.as_deref(), Some("k"));
    assert_eq!(request.cache_retention.as_deref(), Some("24h"));
    assert_eq!(request.service_tier.as_deref(), Some("flex"));
    let mut extra: Vec<&str> = request.extra.keys().map(String::as_str).collect();
    extra.sort_unstable();
    assert_eq!(extra, ["include", "max_tool_calls", "moderation", "reasoning.mode", "truncation"]);
    assert_eq!(request.extra["include"], json!(["web_search_call.results"]));
}

#[test]
fn what_only_states_a_default_is_not_kept() {
    let request = with(json!({
        "store": true, "truncation": "disabled", "context_management": [], "background": false,
        "text": {"format": {"type": "text"}}, "metadata": {}, "top_logprobs": 0, "include": [],
    }));

    assert!(request.extra.is_empty(), "{:?}", request.extra);
    assert_eq!(request.sampling.top_logprobs, None);
}

#[test]
fn tools_are_read_in_their_order() {
    let request = with(json!({"tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"},
         "strict": true, "defer_loading": true},
        {"type": "function", "name": "g", "parameters": null, "strict": null, "output_schema": {}},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark"}},
        {"type": "namespace", "name": "mcp__files__", "tools": [
            {"type": "function", "name": "read"}, {"type": "custom", "name": "write"}]},
        {"type": "web_search", "filters": {"allowed_domains": ["a.org"]},
         "user_location": {"type": "approximate", "city": "Rome", "region": null}},
        {"type": "code_interpreter", "container": {"type": "auto"}},
    ]}));

    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    let expected = [
        "f",
        "g",
        "patch",
        "mcp__files__read",
        "mcp__files__write",
        "web_search",
        "code_interpreter",
    ];
    assert_eq!(names, expected);
    assert_eq!((request.tools[0].strict, request.tools[1].strict), (Some(true), None));
    assert!(request.tools[1].schema.is_none(), "null is absent");
    let ToolKind::Custom { format: Some(format) } = &request.tools[2].kind else {
        panic!("{:?}", request.tools[2])
    };
    assert_eq!(format.get(), r#"{"type":"grammar","syntax":"lark"}"#);
    assert!(matches!(request.tools[4].kind, ToolKind::Custom { format: None }));
    let ToolKind::WebSearch { search, .. } = &request.tools[5].kind else {
        panic!("{:?}", request.tools[5])
    };
    assert_eq!(search.allowed_domains, ["a.org"]);
    assert_eq!(search.location, Some(json!({"city": "Rome"})));
    assert!(matches!(request.tools[6].kind, ToolKind::Server { .. }));
    let dropped: Vec<&str> = request.notes.dropped().collect();
    assert_eq!(dropped, ["tools[].defer_loading", "tools[].output_schema"]);
}

#[test]
fn namespaces_do_not_nest() {
    let (before, behind) = (r#"{"type":"namespace","name":"a","tools":["#, "]}");
    let deep = [before.repeat(50_000), behind.repeat(50_000)].concat();
    let body = format!(r#"{{"model":"m","input":"hi","tools":[{deep}]}}"#);
    let peek = OpenAiResponses.peek(body.as_bytes(), None).unwrap();

    let fault = OpenAiResponses.read_request(body.as_bytes(), &peek).unwrap_err();

    assert!(fault.to_string().starts_with("tools[0].tools[0].type: "), "{fault}");
}

#[test]
fn every_choice_of_tools_is_read() {
    let check = |choice: Value, expected: ToolChoice| {
        let request = with(json!({"tool_choice": choice}));
        assert_eq!(request.tool_choice, expected, "{choice}");
    };
    check(json!("auto"), ToolChoice::Auto);
    check(json!("none"), ToolChoice::None);
    check(json!("required"), ToolChoice::Required);
    check(json!({"type": "function", "name": "f"}), ToolChoice::One("f".to_owned()));
    check(json!({"type": "custom", "name": "p"}), ToolChoice::One("p".to_owned()));
    let names = vec!["f".to_owned(), "ns__g".to_owned()];
    check(
        json!({"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "f"},
            {"type": "function", "name": "g", "namespace": "ns"}]}),
        ToolChoice::Allowed { required: true, names },
    );

    let refused = |choice: Value, field: &str| {
        let error = read(&json!({"tool_choice": choice})).unwrap_err();
        let WireError::Unsupported { fields } = error else { panic!("{error}") };
        assert_eq!(fields[0].0, field);
    };
    refused(json!({"type": "mcp", "server_label": "s"}), "tool_choice");
    refused(json!({"type": "file_search"}), "tool_choice");
    refused(
        json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "image_generation"}]}),
        "tool_choice.tools[0]",
    );
}

#[test]
fn effort_words_are_the_levels() {
    for effort in Effort::ALL {
        let request = with(json!({"reasoning": {"effort": effort.word()}}));
        assert_eq!(request.reasoning.amount, ReasoningAmount::Effort(effort));
        assert_eq!(request.reasoning.show, None, "no summary was asked for");
    }
}
