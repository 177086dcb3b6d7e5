//! Reading requests.

use serde_json::{Value, json};

use super::*;
use crate::chat::{MediaSource, Opaque, OpaqueKind, ToolKind, Vendor};
use crate::splice;

fn read_text(body: &str) -> Result<ChatRequest, WireError> {
    read(body.as_bytes(), &splice::peek_body(body.as_bytes()).unwrap())
}

fn read_value(body: &Value) -> ChatRequest {
    read_text(&body.to_string()).unwrap()
}

/// Reads a request with these members beside a model and one message.
fn with(members: &str) -> Result<ChatRequest, WireError> {
    read_text(&format!(
        "{{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}],{members}}}"
    ))
}

/// Reads one message's parts.
fn parts(role: &str, content: &Value) -> Vec<Part> {
    let body = json!({"model": "m", "messages": [{"role": role, "content": content}]});
    read_value(&body).turns.remove(0).parts
}

#[test]
fn a_request_is_read_whole() {
    let request = read_value(&json!({
        "model": "m", "max_tokens": 9, "stream": true,
        "system": [
            {"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "two"},
        ],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "be brief"},
            {"role": "assistant", "content": [{"type": "text", "text": "yes"}]},
        ],
        "temperature": 0.5, "top_p": 0.9, "top_k": 4, "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
        "service_tier": "auto", "container": null, "mcp_servers": [{"name": "x"}],
    }));

    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::System, Role::System, Role::User, Role::System, Role::Assistant]);
    assert_eq!(request.turns[0].parts[0].cache, Some(json!({"type": "ephemeral"})));
    assert_eq!(request.turns[1].parts[0].cache, None);
    assert_eq!(request.max_output_tokens, Some(9));
    assert!(request.delivery.stream);
    let sampling = &request.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k),
        (Some(0.5), Some(0.9), Some(4))
    );
    assert_eq!(sampling.stop, ["END"]);
    assert_eq!(request.end_user.as_deref(), Some("u1"));
    assert_eq!(request.origin, Some(WireFormat::Anthropic));
    let extra: Vec<&String> = request.extra.keys().collect();
    assert_eq!(extra, ["mcp_servers"], "known and null members are not extra");
    assert_eq!(request.service_tier.as_deref(), Some("auto"));
}

#[test]
fn input_and_schemas_keep_their_characters() {
    let request = read_text(concat!(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[",
        "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"b\" : 1.0, \"a\":12345678901234567890}},",
        "{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"f\"}]}],",
        "\"tools\":[{\"name\":\"f\",\"input_schema\":{ \"type\":\"object\" , \"maximum\":1.0}}]}",
    ))
    .unwrap();

    let arguments: Vec<&str> = request.turns[0]
        .parts
        .iter()
        .map(|part| match &part.kind {
            PartKind::ToolCall { arguments, .. } => &**arguments,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(arguments, ["{\"b\" : 1.0, \"a\":12345678901234567890}", "{}"]);
    let schema = request.tools[0].schema.as_ref().unwrap();
    assert_eq!(schema.get(), "{ \"type\":\"object\" , \"maximum\":1.0}");
}

#[test]
fn images_and_documents_are_read_from_every_source() {
    let check = |block: Value, mime: &str, source: MediaSource, name: Option<&str>| {
        let parts = parts("user", &json!([block]));
        let (PartKind::Image(media) | PartKind::Document(media)) = &parts[0].kind else {
            panic!("{block}: {parts:?}")
        };
        assert_eq!(
            (&*media.mime, &media.source, media.name.as_deref()),
            (mime, &source, name),
            "{block}"
        );
    };
    let base64 = |data: &str| MediaSource::Base64(data.to_owned());
    let png = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
    check(json!({"type": "image", "source": png}), "image/png", base64("AAAA"), None);
    let url = MediaSource::Url("https://x/y.png".to_owned());
    check(
        json!({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}),
        "",
        url,
        None,
    );
    let file = MediaSource::FileId("file_1".to_owned());
    check(
        json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
        "",
        file,
        None,
    );
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="});
    check(
        json!({"type": "document", "title": "t", "source": pdf}),
        "application/pdf",
        base64("JVBERi0="),
        Some("t"),
    );
    let text = json!({"type": "text", "media_type": "text/plain", "data": "words"});
    check(
        json!({"type": "document", "source": text}),
        "text/plain",
        MediaSource::Text("words".to_owned()),
        None,
    );
    let content = json!({"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
    check(
        json!({"type": "document", "source": content}),
        "text/plain",
        MediaSource::Text("a\nb".to_owned()),
        None,
    );
}

#[test]
fn a_documents_context_stands_before_it_and_its_cache_mark_behind() {
    let text = json!({"type": "text", "media_type": "text/plain", "data": "words"});
    let parts = parts(
        "user",
        &json!([
            {"type": "document", "context": "why", "source": text, "cache_control": {"type": "ephemeral"}},
            {"type": "search_result", "title": "T", "source": "https://x", "content": [{"type": "text", "text": "c"}]},
        ]),
    );
    assert!(matches!(&parts[0].kind, PartKind::Text(text) if text == "why"));
    assert_eq!((parts[0].cache.is_some(), parts[1].cache.is_some()), (false, true));
    assert!(matches!(&parts[2].kind, PartKind::Text(text) if text == "T\nhttps://x\nc"));
}

#[test]
fn results_keep_their_content_and_errors() {
    let parts = parts(
        "user",
        &json!([
            {"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
            {"type": "tool_result", "tool_use_id": "t2", "is_error": true, "content": [
                {"type": "text", "text": "bad"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "tool_reference", "tool_name": "g"},
            ]},
            {"type": "tool_result", "tool_use_id": "t3"},
        ]),
    );
    let results: Vec<(&str, usize, Option<bool>)> = parts
        .iter()
        .map(|part| match &part.kind {
            PartKind::ToolResult { call, parts, is_error, .. } => (&**call, parts.len(), *is_error),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results, [("t1", 1, Some(false)), ("t2", 3, Some(true)), ("t3", 0, Some(false))]);
}

#[test]
fn reasoning_keeps_its_signature_and_order() {
    let parts = parts(
        "assistant",
        &json!([
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "c2Vj"},
            {"type": "thinking", "thinking": "unsigned", "signature": ""},
            {"type": "server_tool_use", "id": 7, "name": "web_search", "input": {}},
            {"type": "brand_new", "text": ["odd"]},
        ]),
    );
    let opaque = |kind, data: &str| Some(Opaque::new(Vendor::Anthropic, kind, data));
    assert_eq!(parts[0].opaque, opaque(OpaqueKind::Signature, "c2ln"));
    assert_eq!(parts[1].opaque, opaque(OpaqueKind::Redacted, "c2Vj"));
    assert_eq!(parts[2].opaque, None);
    for part in &parts[3..] {
        assert!(
            matches!(part.kind, PartKind::Server { format: WireFormat::Anthropic, .. }),
            "{part:?}"
        );
    }
}

#[test]
fn tools_of_the_vendor_stay_raw() {
    let request = with(concat!(
        "\"tools\":[{\"type\":\"custom\",\"name\":\"f\",\"description\":\"d\",\"input_schema\":{},",
        "\"strict\":true,\"cache_control\":{\"type\":\"ephemeral\"}},",
        "{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":5}]"
    ))
    .unwrap();
    let [own, server] = &request.tools[..] else { panic!("{:?}", request.tools) };
    assert_eq!((own.strict, own.cache.is_some(), !own.is_clients()), (Some(true), true, false));
    let (format, raw) = server.of_vendor().unwrap();
    assert_eq!((&*server.name, format), ("web_search", WireFormat::Anthropic));
    assert!(raw.get().contains("max_uses"));
}

#[test]
fn tool_choices_are_read() {
    let check = |choice: &str, expected: ToolChoice, parallel: Option<bool>| {
        let request = with(&format!("\"tool_choice\":{choice}")).unwrap();
        assert_eq!((request.tool_choice, request.parallel_calls), (expected, parallel), "{choice}");
    };
    check(r#"{"type":"auto"}"#, ToolChoice::Auto, None);
    check(r#"{"type":"any","disable_parallel_tool_use":true}"#, ToolChoice::Required, Some(false));
    check(r#"{"type":"none"}"#, ToolChoice::None, None);
    check(
        r#"{"type":"tool","name":"f","disable_parallel_tool_use":false}"#,
        ToolChoice::One("f".to_owned()),
        Some(true),
    );
    check("null", ToolChoice::NotSaid, None);
}

#[test]
fn reasoning_amounts_are_read() {
    use ReasoningAmount::*;
    let check = |members: &str, amount: ReasoningAmount, show: Option<bool>| {
        assert_eq!(with(members).unwrap().reasoning, Reasoning { amount, show }, "{members}");
    };
    check("\"thinking\":null", NotSaid, None);
    check(r#""thinking":{"type":"enabled","budget_tokens":2048}"#, Budget(2048), None);
    check(r#""thinking":{"type":"enabled","budget_tokens":0}"#, Off, None);
    check(r#""thinking":{"type":"disabled"}"#, Off, None);
    check(r#""thinking":{"type":"adaptive","display":"omitted"}"#, Adaptive, Some(false));
    check(
        r#""thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"xhigh"}"#,
        Effort(crate::chat::Effort::XHigh),
        Some(true),
    );
    check(r#""thinking":{"type":"between_tools"}"#, Effort(crate::chat::Effort::Low), None);
    check(r#""output_config":{"effort":"max"}"#, Effort(crate::chat::Effort::Max), None);
}

#[test]
fn structured_output_is_read() {
    let members =
        r#""output_config":{"format":{"type":"json_schema","schema":{"type" : "object"}}}"#;
    let OutputFormat::JsonSchema { schema, .. } = with(members).unwrap().output else { panic!() };
    assert_eq!(schema.get(), "{\"type\" : \"object\"}");
}

#[test]
fn faults_name_their_path() {
    let message = |content: &str| {
        format!(
            "{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}},{{\"role\":\"user\",\"content\":{content}}}]}}"
        )
    };
    let check = |body: &str, expected: &str| {
        let fault = read_text(body).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{body}\n{fault} should start with {expected}");
    };
    check(r#"{"model":"m"}"#, "messages: is missing");
    check(r#"{"model":"m","messages":{}}"#, "messages: invalid type: map");
    check(r#"{"model":"m","messages":[{"content":"x"}]}"#, "messages[0].role: is missing");
    check(
        r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#,
        "messages[0].role: is `tool`",
    );
    check(r#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content: is missing");
    check(
        r#"{"model":"m","messages":[{"role":"user","content":7}]}"#,
        "messages[0].content: invalid type",
    );
    check(r#"{"model":"m","max_tokens":"9","messages":[]}"#, "max_tokens: invalid type: string");
    check(
        r#"{"model":"m","system":[{"type":"image"}],"messages":[]}"#,
        "system[0].type: is `image`",
    );
    check(&message(r#"[{"text":"a"}]"#), "messages[1].content[0].type: is missing");
    check(
        &message(r#"[{"type":"text","text":"a"},{"type":"text","text":7}]"#),
        "messages[1].content[1].text: invalid type",
    );
    check(&message(r#"[{"type":"brand_new"}]"#), "messages[1].content[0].type: is `brand_new`");
    check(&message(r#"[7]"#), "messages[1].content[0]: invalid type");
    check(&message(r#"[{"type":"image"}]"#), "messages[1].content[0].source: is missing");
    check(
        &message(r#"[{"type":"image","source":{"type":"ftp"}}]"#),
        "messages[1].content[0].source.type: is `ftp`",
    );
    check(
        &message(r#"[{"type":"image","source":{"type":"url"}}]"#),
        "messages[1].content[0].source.url: is missing",
    );
    check(
        &message(r#"[{"type":"tool_result","content":"x"}]"#),
        "messages[1].content[0].tool_use_id: is missing",
    );
    check(
        &message(
            r#"[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":null}]}]"#,
        ),
        "messages[1].content[0].content[0].text: is missing",
    );
}

#[test]
fn calls_and_results_stand_with_those_who_make_them() {
    for (role, block, expected) in [
        (
            "user",
            r#"{"type":"tool_use","name":"f"}"#,
            "type: is `tool_use`; such blocks stand in messages of role `assistant`",
        ),
        ("assistant", r#"{"type":"tool_use","name":"f"}"#, "id: is missing"),
        ("assistant", r#"{"type":"tool_result","tool_use_id":"t"}"#, "type: is `tool_result`"),
    ] {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"{role}","content":[{block}]}}]}}"#);
        let fault = read_text(&body).unwrap_err().to_string();
        let expected = format!("messages[0].content[0].{expected}");
        assert!(fault.starts_with(&expected), "{body}\n{fault} should start with {expected}");
    }
}

#[test]
fn faults_of_settings_name_their_path() {
    for (members, expected) in [
        (r#""tools":[{"input_schema":{}}]"#, "tools[0].name: is missing"),
        (r#""tools":[{"name":7}]"#, "tools[0].name: invalid type"),
        (r#""tool_choice":{"type":"some"}"#, "tool_choice.type: is `some`"),
        (r#""tool_choice":{"type":"tool"}"#, "tool_choice.name: is missing"),
        (r#""thinking":{"type":"enabled"}"#, "thinking.budget_tokens: is missing"),
        (r#""thinking":{"type":"maybe"}"#, "thinking.type: is `maybe`"),
        (r#""output_config":{"effort":"huge"}"#, "output_config.effort: is `huge`"),
        (r#""output_config":{"format":{"type":"xml"}}"#, "output_config.format.type: must be"),
        (r#""temperature":"hot""#, "temperature: invalid type"),
    ] {
        let fault = with(members).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{members}\n{fault} should start with {expected}");
    }
}

#[test]
fn service_tiers_take_the_common_words() {
    let tier = |said: &str| with(&format!("\"service_tier\":\"{said}\"")).unwrap().service_tier;
    assert_eq!(tier("auto").as_deref(), Some("auto"));
    assert_eq!(tier("standard_only").as_deref(), Some("default"));
}

#[test]
fn a_web_search_says_what_it_keeps_to() {
    let request = with(concat!(
        r#""tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3,"#,
        r#""allowed_domains":["a.org"],"user_location":{"type":"approximate","city":"Bonn"}}]"#,
    ));
    let ToolKind::WebSearch { search, .. } = request.unwrap().tools.remove(0).kind else {
        panic!("no web search");
    };
    assert_eq!(search.allowed_domains, ["a.org"]);
    assert_eq!(search.location, Some(json!({"city": "Bonn"})));
    assert_eq!(search.max_uses, Some(3));
}

#[test]
fn tools_that_the_client_runs_are_functions() {
    let check = |tool: &str, expected: &str, noted: &[&str]| {
        let request = with(&format!("\"tools\":[{tool}]")).unwrap();
        let found = &request.tools[0];
        assert_eq!(found.name, expected);
        assert!(matches!(found.kind, ToolKind::Function), "{tool}");
        let fields: Vec<&str> = request.notes.entries().iter().map(|note| &*note.field).collect();
        assert_eq!(fields, noted, "{tool}");
    };
    check(r#"{"type":"bash_20250124","name":"bash"}"#, "bash", &["tools[].type"]);
    check(
        r#"{"type":"text_editor_20250728","name":"str_replace_based_edit_tool"}"#,
        "str_replace_based_edit_tool",
        &["tools[].type"],
    );
    check(r#"{"type":"memory_20250818","name":"memory"}"#, "memory", &["tools[].type"]);
    check(r#"{"name":"f","input_examples":[{}]}"#, "f", &["tools[].input_examples"]);
}

#[test]
fn what_only_this_format_says_of_content_is_noted() {
    let check = |role: &str, block: Value, dropped: &[&str], noted: usize| {
        let body = json!({"model": "m", "messages": [{"role": role, "content": [block]}]});
        let notes = read_value(&body).notes;
        assert_eq!(notes.dropped().collect::<Vec<_>>(), dropped);
        assert_eq!(notes.entries().len(), noted);
    };
    let document = json!({"type": "document", "citations": {"enabled": true},
        "source": {"type": "text", "media_type": "text/plain", "data": "d"}});
    check("user", document, &["citations"], 1);
    let result = json!({"type": "search_result", "source": "s", "title": "t",
        "content": [{"type": "text", "text": "w"}]});
    check("user", result, &[], 1);
    let cited = json!({"type": "text", "text": "t", "citations": [{"type": "char_location"}]});
    check("assistant", cited, &[], 1);
    check("assistant", json!({"type": "text", "text": "t", "citations": []}), &[], 0);
}

#[test]
fn what_only_the_vendor_can_go_on_with_is_refused() {
    for kind in ["mcp_tool_use", "mcp_tool_result", "container_upload", "compaction"] {
        let body = json!({"model": "m", "messages": [
            {"role": "assistant", "content": [{"type": kind, "encrypted_content": "x"}]},
        ]});
        let found = read_text(&body.to_string());
        assert!(matches!(found, Err(WireError::Unsupported { .. })), "{kind}: {found:?}");
    }
}

#[test]
fn a_compacted_conversation_begins_with_its_summary() {
    let request = read_value(&json!({"model": "m", "system": "s", "messages": [
        {"role": "user", "content": "long ago"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "old"},
            {"type": "compaction", "content": "in short"},
            {"type": "text", "text": "new"},
        ]},
        {"role": "user", "content": "on"},
    ]}));
    let texts: Vec<String> = request
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .map(|part| match &part.kind {
            PartKind::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["s", "in short", "new", "on"]);
}

#[test]
fn thinking_between_tools_is_a_low_effort_elsewhere() {
    let request = with("\"thinking\":{\"type\":\"between_tools\"}").unwrap();
    assert_eq!(request.reasoning.amount, ReasoningAmount::Effort(Effort::Low));
    assert_eq!(request.notes.entries().len(), 1);
}

#[test]
fn blocks_inside_blocks_end_somewhere() {
    let check = |before: &str, behind: &str| {
        let deep = [before.repeat(50_000), behind.repeat(50_000)].concat();
        let body = format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":[{deep}]}}]}}"#
        );

        let fault = read_text(&body).unwrap_err().to_string();

        assert!(fault.starts_with("messages[0].content[0]"), "{before}: {fault:.200}");
    };
    check(r#"{"type":"tool_result","tool_use_id":"t","content":["#, "]}");
    check(r#"{"tool_use_id":"t","content":["#, r#"],"type":"tool_result"}"#);
    check(r#"{"content":["#, r#"],"type":"search_result"}"#);
    check(r#"{"source":{"type":"content","content":["#, r#"]},"type":"document"}"#);
}
