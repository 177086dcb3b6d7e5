//! Tools, choices, sampling, reasoning and the members around the contents.

use super::*;

#[test]
fn tools_are_declared_in_the_dialect_of_the_model() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string", "format": "email"}},
        "additionalProperties": false});
    let mut request = hi();
    request.tools = vec![tool("f", Some(schema.clone())), tool("g", None)];

    let facts = ModelFacts { json_schema: true, ..ModelFacts::default() };
    let (body, notes) = written(&request, &facts);
    assert_eq!(
        body["tools"],
        json!([{"functionDeclarations": [
            {"name": "f", "description": "d", "parametersJsonSchema": schema},
            {"name": "g", "description": "d"}
        ]}])
    );
    assert!(notes.is_empty());
    assert_eq!(body["toolConfig"], Value::Null);

    let (body, notes) = written(&request, &ModelFacts::default());
    let parameters = &body["tools"][0]["functionDeclarations"][0]["parameters"];
    assert_eq!(
        parameters,
        &json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "description": "(format: email)"}}})
    );
    assert_eq!(notes, ["~tools[0]"]);
}

#[test]
fn own_tools_go_back_and_web_search_is_translated() {
    let server = |format, name: &str, value: Value| Tool {
        kind: ToolKind::Server { format, raw: raw(&value) },
        ..tool(name, None)
    };
    let mut request = hi();
    request.tools = vec![
        server(WireFormat::Gemini, "codeExecution", json!({"codeExecution": {}})),
        Tool {
            kind: ToolKind::WebSearch {
                format: WireFormat::Anthropic,
                raw: raw(&json!({"type": "web_search_20250305", "name": "web_search"})),
                search: crate::chat::WebSearch::default(),
            },
            ..tool("web_search", None)
        },
    ];
    let (body, notes) = written(&request, &ModelFacts::default());
    assert_eq!(body["tools"], json!([{"codeExecution": {}}, {"googleSearch": {}}]));
    assert_eq!(notes, ["~web_search_options"]);
}

#[test]
fn choices_become_modes() {
    let check = |choice: ToolChoice, expected: Value, marks: &[&str]| {
        let mut request = hi();
        request.tools = vec![tool("f", None), tool("g", None)];
        request.tool_choice = choice;
        let (body, notes) = written(&request, &ModelFacts::default());
        assert_eq!(body["toolConfig"]["functionCallingConfig"], expected);
        assert_eq!(notes, marks, "{expected}");
    };
    let names = || vec!["f".to_owned()];
    check(ToolChoice::NotSaid, Value::Null, &[]);
    check(ToolChoice::Auto, json!({"mode": "AUTO"}), &[]);
    check(ToolChoice::None, json!({"mode": "NONE"}), &[]);
    check(ToolChoice::Required, json!({"mode": "ANY"}), &[]);
    let named = json!({"mode": "ANY", "allowedFunctionNames": ["f"]});
    check(ToolChoice::One("f".to_owned()), named.clone(), &[]);
    check(ToolChoice::Allowed { required: true, names: names() }, named, &[]);
    let auto = json!({"mode": "AUTO"});
    check(ToolChoice::Allowed { required: false, names: names() }, auto, &["~tool_choice"]);

    let mut request = hi();
    request.tool_choice = ToolChoice::Required;
    assert_eq!(written(&request, &ModelFacts::default()).0["toolConfig"], Value::Null, "no tools");
}

#[test]
fn strict_tools_need_a_model_with_validated_mode() {
    let mut request = hi();
    request.tools = vec![Tool { strict: Some(true), ..tool("f", None) }];
    let facts = ModelFacts { json_schema: true, ..ModelFacts::default() };
    let (body, notes) = written(&request, &facts);
    assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], "VALIDATED");
    assert_eq!(notes, ["~tools[].function.strict"]);
    assert_eq!(written(&request, &ModelFacts::default()).1, ["-tools[].function.strict"]);
}

#[test]
fn sampling_fields_follow_the_facts() {
    let mut request = hi();
    let sampling = &mut request.sampling;
    sampling.temperature = Some(1.0);
    sampling.top_p = Some(0.5);
    sampling.top_k = Some(40);
    sampling.seed = Some(7);
    sampling.presence_penalty = Some(0.5);
    sampling.frequency_penalty = Some(-0.5);
    sampling.n = Some(2);
    sampling.logprobs = Some(true);
    sampling.top_logprobs = Some(3);
    sampling.stop = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
    request.max_output_tokens = Some(100);

    let (body, notes) = written(&request, &ModelFacts::default());
    assert_eq!(
        body["generationConfig"],
        json!({"temperature": 1.0, "topP": 0.5, "topK": 40, "presencePenalty": 0.5,
            "frequencyPenalty": -0.5, "seed": 7, "candidateCount": 2, "responseLogprobs": true,
            "logprobs": 3, "stopSequences": ["a", "b", "c", "d", "e"], "maxOutputTokens": 100})
    );
    assert_eq!(notes, ["~stop"]);

    let facts = ModelFacts { sampling: SamplingSupport::NotBoth, ..ModelFacts::default() };
    assert_eq!(written(&request, &facts).1, ["-top_p", "~stop"]);
    let facts = ModelFacts { sampling: SamplingSupport::None, ..ModelFacts::default() };
    let (body, notes) = written(&request, &facts);
    assert_eq!(body["generationConfig"]["seed"], 7);
    assert_eq!(
        notes,
        ["-temperature", "-top_p", "-top_k", "-presence_penalty", "-frequency_penalty", "~stop"]
    );
    let facts = ModelFacts { max_output_tokens: Some(50), ..ModelFacts::default() };
    let (body, notes) = written(&request, &facts);
    assert_eq!(body["generationConfig"]["maxOutputTokens"], 50);
    assert_eq!(notes, ["~stop", "~max_tokens"]);
}

#[test]
fn reasoning_is_a_budget_or_a_level_by_model() {
    let check = |amount: &ReasoningAmount, budget: Value, level: Value, exact: [bool; 2]| {
        let mut request = hi();
        request.reasoning.amount = amount.clone();
        for (control, member, expected, exact) in [
            (ThinkingControl::Budget, "thinkingBudget", &budget, exact[0]),
            (ThinkingControl::Level, "thinkingLevel", &level, exact[1]),
        ] {
            let (body, notes) = written(&request, &thinking(control));
            assert_eq!(&body["generationConfig"]["thinkingConfig"][member], expected, "{amount:?}");
            assert_eq!(notes.is_empty(), exact, "{amount:?} {notes:?}");
        }
        let facts = thinking(ThinkingControl::None);
        assert_eq!(written(&request, &facts).0["generationConfig"], Value::Null);
    };
    let null = || Value::Null;
    check(&ReasoningAmount::NotSaid, null(), null(), [true, true]);
    check(&ReasoningAmount::Off, json!(0), json!("LOW"), [true, false]);
    check(&ReasoningAmount::Adaptive, json!(-1), null(), [true, true]);
    let effort = ReasoningAmount::Effort;
    check(&effort(Effort::Minimal), json!(512), json!("MINIMAL"), [true, true]);
    check(&effort(Effort::Low), json!(1_024), json!("LOW"), [true, true]);
    check(&effort(Effort::Medium), json!(8_192), json!("MEDIUM"), [true, true]);
    check(&effort(Effort::High), json!(24_576), json!("HIGH"), [true, true]);
    check(&effort(Effort::XHigh), json!(24_576), json!("HIGH"), [false, false]);
    check(&effort(Effort::Max), json!(24_576), json!("HIGH"), [false, false]);
    for (tokens, word) in
        [(512, "MINIMAL"), (4_096, "LOW"), (16_384, "MEDIUM"), (28_672, "HIGH"), (99_999, "HIGH")]
    {
        check(&ReasoningAmount::Budget(tokens), json!(tokens), json!(word), [true, false]);
    }
}

#[test]
fn thoughts_are_asked_for_as_the_client_expects_them() {
    let shown = |origin, show, amount: ReasoningAmount, control| {
        let mut request = ChatRequest { origin: Some(origin), ..hi() };
        request.reasoning.show = show;
        request.reasoning.amount = amount;
        let body = written(&request, &thinking(control)).0;
        body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true
    };
    let (budget, unknown) = (ThinkingControl::Budget, ThinkingControl::Unknown);
    let not_said = || ReasoningAmount::NotSaid;
    assert!(shown(WireFormat::OpenAiChat, None, not_said(), budget));
    assert!(!shown(WireFormat::OpenAiChat, None, not_said(), unknown));
    assert!(!shown(WireFormat::OpenAiChat, None, ReasoningAmount::Off, budget));
    assert!(!shown(WireFormat::Anthropic, None, not_said(), budget));
    assert!(shown(WireFormat::Anthropic, None, ReasoningAmount::Budget(2_048), budget));
    assert!(!shown(WireFormat::Anthropic, Some(false), ReasoningAmount::Budget(2_048), budget));
    assert!(shown(WireFormat::Gemini, Some(true), not_said(), unknown));
}

#[test]
fn answer_forms_are_written() {
    let mut request = hi();
    request.output = OutputFormat::JsonObject;
    let config = |request: &ChatRequest, facts: &ModelFacts| {
        written(request, facts).0["generationConfig"].take()
    };
    let mime = json!({"responseMimeType": "application/json"});
    assert_eq!(config(&request, &ModelFacts::default()), mime);

    let schema = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
    request.output = OutputFormat::JsonSchema {
        name: Some("n".to_owned()),
        description: None,
        schema: raw(&schema),
        strict: Some(false),
    };
    let facts = ModelFacts { json_schema: true, ..ModelFacts::default() };
    assert_eq!(config(&request, &facts)["responseJsonSchema"], schema);
    assert_eq!(
        config(&request, &ModelFacts::default())["responseSchema"],
        json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": true}}})
    );
    assert_eq!(written(&request, &facts).1, ["~response_format"]);
}

#[test]
fn members_of_own_clients_go_back_and_others_are_noted() {
    let mut request = hi();
    request.extra.insert("safetySettings".to_owned(), json!([]));
    request.extra.insert("generationConfig.speechConfig".to_owned(), json!({"a": 1}));
    request.extra.insert("toolConfig.includeServerSideToolInvocations".to_owned(), json!(true));
    request.end_user = Some("u".to_owned());
    request.parallel_calls = Some(false);
    let (_, notes) = written(&request, &ModelFacts::default());
    assert_eq!(
        notes,
        [
            "-parallel_tool_calls",
            "-user",
            "-safetySettings",
            "-generationConfig.speechConfig",
            "-toolConfig.includeServerSideToolInvocations"
        ]
    );

    let own = ChatRequest {
        origin: Some(WireFormat::Gemini),
        end_user: None,
        parallel_calls: None,
        ..request
    };
    let (body, notes) = written(&own, &ModelFacts::default());
    assert!(notes.is_empty());
    assert_eq!(body["safetySettings"], json!([]));
    assert_eq!(body["generationConfig"], json!({"speechConfig": {"a": 1}}));
    assert_eq!(body["toolConfig"], json!({"includeServerSideToolInvocations": true}));
}

#[test]
fn marks_and_names_that_have_no_place_are_noted() {
    let mut request = hi();
    request.turns[0].name = Some("bob".to_owned());
    request.turns[0].parts[0].cache = Some(json!({"type": "ephemeral"}));
    let kept = Part::new(PartKind::Server { format: WireFormat::Anthropic, raw: raw(&json!({})) });
    request.turns[0].parts.push(kept);
    let (_, notes) = written(&request, &ModelFacts::default());
    assert_eq!(notes, ["-messages[].name", "-cache_control", "-messages[].content"]);
}
