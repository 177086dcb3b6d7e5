use serde_json::{Value, json};

use crate::chat::{
    AudioOutput, CallKind, ChatRequest, MediaSource, Part, PartKind, ReasoningAmount, Role,
    ToolChoice, ToolKind, Vendor,
};
use crate::codec::Target;
use crate::codec::{Codec, WireError};
use crate::model_facts::{ModelFacts, SamplingSupport};
use crate::notes::Notes;
use crate::openai_chat::OpenAiChat;

fn read(body: &str) -> Result<ChatRequest, WireError> {
    let peek = OpenAiChat.peek(body.as_bytes(), None)?;
    OpenAiChat.read_request(body.as_bytes(), &peek)
}

fn written(request: &ChatRequest, facts: &ModelFacts) -> (Value, Notes) {
    let mut notes = Notes::default();
    let body =
        OpenAiChat.write_request(request, &Target::new("m2", facts), &mut notes).unwrap().body;
    (serde_json::from_slice(&body).unwrap(), notes)
}

#[test]
fn faults_name_their_json_path() {
    let check = |messages: &str, expected: &str| {
        let body = format!("{{\"model\":\"m\",\"messages\":{messages}}}");
        let error = read(&body).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} should contain {expected}");
    };
    check("null", "messages: is missing");
    check("[]", "messages: is empty");
    check(r#"[{"role":"user","content":"a"},{"role":"robot"}]"#, "messages[1].role: `robot`");
    check(
        r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"hologram"}]}]"#,
        "messages[0].content[1].type: `hologram`",
    );
    check(r#"[{"role":"user","content":7}]"#, "messages[0].content: invalid type: integer `7`");
    check(r#"[{"role":"tool","content":"x"}]"#, "messages[0].tool_call_id: is missing");
    check(
        r#"[{"role":"assistant","tool_calls":[{"id":"a","function":{}}]}]"#,
        "messages[0].tool_calls[0].function.name: is missing",
    );
    check(
        r#"[{"role":"user","content":[{"type":"image_url"}]}]"#,
        "messages[0].content[0].image_url: is missing",
    );
    let error = read(r#"{"model":"m","messages":[{"role":"user"}],"temperature":"hot"}"#);
    assert!(error.unwrap_err().to_string().starts_with("temperature: invalid type"));
}

#[test]
fn null_stands_for_absent_everywhere() {
    let request = read(
        r#"{"model":"m","stream":null,"temperature":null,"tools":null,"stop":null,"user":null,
            "response_format":null,"reasoning_effort":null,"stream_options":null,"seed":null,
            "messages":[{"role":"assistant","content":null,"name":null,"tool_calls":null,
                         "refusal":null,"function_call":null},
                        {"role":"user","content":[{"type":"text","text":"a","cache_control":null}]}]}"#,
    )
    .unwrap();

    assert_eq!(request.turns.len(), 2);
    assert!(request.extra.is_empty(), "{:?}", request.extra);
    assert_eq!(request.tool_choice, ToolChoice::NotSaid);
}

#[test]
fn arguments_stay_the_same_characters() {
    let arguments = r#"{ "b": 1.0, "a": 12345678901234567890, "e": "\u00e9" }"#;
    let body = json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}]}]});

    let request = read(&body.to_string()).unwrap();
    let (sent, _) = written(&request, &ModelFacts::default());

    assert_eq!(sent["messages"][0]["tool_calls"][0]["function"]["arguments"], arguments);
}

#[test]
fn half_a_character_in_arguments_is_mended() {
    let request = read(
        r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[
            {"id":"c1","function":{"name":"f","arguments":"{\"a\":\"\ud83d\"}"}}]}]}"#,
    )
    .unwrap();

    let PartKind::ToolCall { arguments, .. } = &request.turns[0].parts[0].kind else {
        panic!("no call")
    };
    assert_eq!(arguments, "{\"a\":\"\u{fffd}\"}");
}

#[test]
fn legacy_functions_become_calls_with_made_ids() {
    let request = read(
        r#"{"model":"m","functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"},
            "messages":[{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},
                        {"role":"function","name":"f","content":"done"}]}"#,
    )
    .unwrap();

    let PartKind::ToolCall { id, .. } = &request.turns[0].parts[0].kind else { panic!("no call") };
    let PartKind::ToolResult { call, .. } = &request.turns[1].parts[0].kind else {
        panic!("no result")
    };
    assert_eq!(id, call, "the result names its call");
    assert!(id.starts_with("call_"));
    assert_eq!(request.tool_choice, ToolChoice::One("f".to_owned()));
}

#[test]
fn unknown_members_return_only_to_their_own_format() {
    let mut request = read(
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"min_p":0.1,"store":false,"verbosity":"low"}"#,
    )
    .unwrap();

    let (sent, notes) = written(&request, &ModelFacts::default());
    assert_eq!((&sent["min_p"], &sent["verbosity"]), (&json!(0.1), &json!("low")));
    assert_eq!(notes.dropped().count(), 0);

    request.origin = Some(crate::WireFormat::Gemini);
    let (sent, notes) = written(&request, &ModelFacts::default());
    assert!(sent.get("min_p").is_none());
    let dropped: Vec<_> = notes.dropped().collect();
    assert_eq!(dropped, ["verbosity", "min_p"]);
}

#[test]
fn facts_decide_names_and_what_is_left_out() {
    let request = read(
        r#"{"model":"m","stream":true,"messages":[{"role":"developer","content":"d"},{"role":"user","content":"a"}],
            "max_tokens":900,"temperature":0.2,"top_p":1,"user":"u","reasoning_effort":"high"}"#,
    )
    .unwrap();

    let (plain, _) = written(&request, &ModelFacts::default());
    let facts = ModelFacts {
        max_completion_tokens: true,
        developer_role: true,
        no_stream_usage: true,
        max_output_tokens: Some(500),
        sampling: SamplingSupport::None,
        ..ModelFacts::default()
    };
    let (strict, notes) = written(&request, &facts);

    assert_eq!(plain["max_tokens"], 900);
    assert_eq!(plain["messages"][0]["role"], "system");
    assert_eq!(plain["stream_options"]["include_usage"], true);
    assert_eq!(strict["max_completion_tokens"], 500);
    assert_eq!(strict["messages"][0]["role"], "developer");
    assert_eq!(strict["safety_identifier"], "u");
    assert!(strict.get("stream_options").is_none() && strict.get("temperature").is_none());
    assert_eq!(notes.dropped().collect::<Vec<_>>(), ["temperature"], "top_p was the default");
}

#[test]
fn media_of_results_follow_all_results_of_the_step() {
    let request = read(
        r#"{"model":"m","messages":[
            {"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"f"}}]},
            {"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
            {"role":"tool","tool_call_id":"b","content":"two"},
            {"role":"user","content":"go on"}]}"#,
    )
    .unwrap();

    let (sent, _) = written(&request, &ModelFacts::default());

    let roles: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "user"]);
    assert_eq!(sent["messages"][1]["content"], "(see attached)");
    assert_eq!(sent["messages"][0]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(sent["messages"][3]["content"][0]["text"], "Files returned by tool call a:");
    assert_eq!(sent["messages"][3]["content"][2]["text"], "go on");
}

#[test]
fn reasoning_of_other_dialects_is_read() {
    let check = |members: &str, expected: ReasoningAmount| {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}],{members}}}"#);
        assert_eq!(read(&body).unwrap().reasoning.amount, expected, "{members}");
    };
    check(r#""reasoning_effort":"none""#, ReasoningAmount::Off);
    check(r#""reasoning":{"max_tokens":2000}"#, ReasoningAmount::Budget(2000));
    check(r#""reasoning":{"max_tokens":0}"#, ReasoningAmount::Off);
    check(r#""reasoning":{"enabled":false}"#, ReasoningAmount::Off);
    let hidden = with(r#""reasoning_effort":"low","reasoning":{"exclude":true}"#);
    assert_eq!(hidden.reasoning.show, Some(false));
}

#[test]
fn reasoning_and_its_signature_come_together_again() {
    let request = read(
        r#"{"model":"m","messages":[{"role":"assistant","content":"hi","reasoning_content":"hm",
            "reasoning_details":[{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1"}]}]}"#,
    )
    .unwrap();

    let first = &request.turns[0].parts[0];
    assert!(matches!(&first.kind, PartKind::Reasoning(text) if text == "hm"));
    assert_eq!(first.opaque.as_ref().unwrap().data, "c2ln");
    assert_eq!(request.turns[0].role, Role::Assistant);
}

#[test]
fn a_longer_conversation_begins_with_the_shorter_one() {
    let turns = [
        r#"{"role":"system","content":"s"}"#,
        r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"https://x/y.png"}]}"#,
        r#"{"role":"assistant","content":"b","tool_calls":[{"id":"","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"role":"function","name":"f","content":"r"}"#,
        r#"{"role":"system","content":"late"}"#,
        r#"{"role":"user","content":"c"}"#,
    ];
    let write = |count: usize| {
        let body = format!(r#"{{"model":"m","messages":[{}]}}"#, turns[..count].join(","));
        let request = read(&body).unwrap();
        let bytes = OpenAiChat
            .write_request(
                &request,
                &Target::new("m", &ModelFacts::default()),
                &mut Notes::default(),
            )
            .unwrap()
            .body;
        String::from_utf8(bytes).unwrap()
    };
    for count in 1..turns.len() {
        let (short, long) = (write(count), write(count + 1));
        assert!(long.starts_with(short.trim_end_matches("]}")), "{short}\n{long}");
    }
}

/// Reads a request that has these members beside its model and one message.
fn with(members: &str) -> ChatRequest {
    let head = r#"{"model":"m","messages":[{"role":"user","content":"a"}]"#;
    read(&format!("{head},{members}}}")).unwrap()
}

#[test]
fn custom_tools_and_their_calls_are_free_text() {
    let request = read(
        r#"{"model":"m","tools":[{"type":"custom","custom":{"name":"patch","description":"d","format":{"type":"text"}}}],
            "tool_choice":{"type":"custom","custom":{"name":"patch"}},
            "messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{"name":"patch","input":"a\n"}}]}]}"#,
    )
    .unwrap();

    let tool = &request.tools[0];
    assert_eq!((tool.name.as_str(), tool.description.as_deref()), ("patch", Some("d")));
    assert!(matches!(&tool.kind, ToolKind::Custom { format: Some(_) }));
    assert_eq!(request.tool_choice, ToolChoice::One("patch".to_owned()));
    let PartKind::ToolCall { kind, arguments, .. } = &request.turns[0].parts[0].kind else {
        panic!("no call")
    };
    assert_eq!((*kind, arguments.as_str()), (CallKind::Custom, "a\n"));
}

#[test]
fn settings_with_a_canonical_field_are_no_extra() {
    let request = with(
        r#""metadata":{"a":"b"},"prompt_cache_key":"k","prompt_cache_retention":"24h","service_tier":"flex",
           "verbosity":"low","logit_bias":{"1":2},"store":true,"prediction":{}"#,
    );

    assert_eq!(request.metadata["a"], "b");
    assert_eq!(request.cache_key.as_deref(), Some("k"));
    assert_eq!(request.cache_retention.as_deref(), Some("24h"));
    assert_eq!(request.service_tier.as_deref(), Some("flex"));
    assert_eq!(request.verbosity.as_deref(), Some("low"));
    assert_eq!(request.sampling.logit_bias, Some(json!({"1": 2})));
    assert_eq!(request.extra.keys().collect::<Vec<_>>(), ["store", "prediction"]);
}

#[test]
fn sound_and_pictures_are_asked_for_by_modality() {
    let request = with(r#""modalities":["text","audio"],"audio":{"voice":"x","format":"mp3"}"#);
    let expected = AudioOutput { voice: Some("x".to_owned()), format: Some("mp3".to_owned()) };
    assert_eq!((request.audio, request.wants_images), (Some(expected), false));

    assert!(with(r#""modalities":["image"]"#).wants_images);
    let fault = read(r#"{"model":"m","messages":[{"role":"user"}],"modalities":["smell"]}"#);
    assert!(fault.unwrap_err().to_string().starts_with("modalities: `smell`"));
}

#[test]
fn a_web_search_is_a_tool() {
    let request = with(
        r#""web_search_options":{"user_location":{"type":"approximate","approximate":{"city":"Bonn"}}}"#,
    );

    let ToolKind::WebSearch { search, .. } = &request.tools[0].kind else { panic!("no search") };
    assert_eq!(search.location, Some(json!({"city": "Bonn"})));
    assert!(request.extra.is_empty());
}

/// The reasoning of a turn as vendor, data, item and text.
fn thoughts(parts: &[Part]) -> Vec<String> {
    let show = |part: &Part| {
        let PartKind::Reasoning(text) = &part.kind else { return None };
        let opaque = part.opaque.as_ref();
        let data = opaque.map(|data| format!("{}:{}", data.vendor.name(), data.data));
        let item = opaque.and_then(|data| data.item.clone()).unwrap_or_default();
        Some(format!("{}:{item}:{text}", data.unwrap_or_default()))
    };
    parts.iter().filter_map(show).collect()
}

#[test]
fn every_convention_for_reasoning_of_the_history_is_read() {
    let check = |members: &str, expected: &[&str]| {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"assistant","content":"hi",{members}}}]}}"#
        );
        let request = read(&body).unwrap();
        assert_eq!(thoughts(&request.turns[0].parts), expected, "{members}");
    };
    check(r#""reasoning_content":"a""#, &["::a"]);
    check(r#""reasoning":"a""#, &["::a"]);
    check(
        r#""thinking_blocks":[{"type":"thinking","thinking":"a","signature":"s"},{"type":"redacted_thinking","data":"r"}]"#,
        &["anthropic:s::a", "anthropic:r::"],
    );
    // Each block keeps its own text, whatever the member with all of it says.
    check(
        r#""reasoning_content":"ab","reasoning_details":[
            {"type":"reasoning.text","text":"a","signature":"s1","format":"anthropic-claude-v1"},
            {"type":"reasoning.text","text":"b","signature":"s2","format":"anthropic-claude-v1"}]"#,
        &["anthropic:s1::a", "anthropic:s2::b"],
    );
    // Summary and encrypted form of one item are one part.
    check(
        r#""reasoning_details":[
            {"type":"reasoning.summary","summary":"a","id":"rs_1","format":"openai-responses-v1"},
            {"type":"reasoning.encrypted","data":"e","id":"rs_1","format":"openai-responses-v1"},
            {"type":"reasoning.encrypted","data":"f","id":"rs_2","format":"openai-responses-v1"}]"#,
        &["openai:e:rs_1:a", "openai:f:rs_2:"],
    );
    check(
        r#""reasoning_content":"a","reasoning_details":[{"type":"reasoning.encrypted","data":"g","format":"google-gemini-v1"}]"#,
        &["google:g::a"],
    );
}

#[test]
fn a_signature_hidden_in_an_id_is_taken_out_of_it() {
    let request = read(
        r#"{"model":"m","messages":[
            {"role":"assistant","tool_calls":[{"id":"call_1__thought__c2ln","function":{"name":"f"}}]},
            {"role":"tool","tool_call_id":"call_1__thought__c2ln","content":"r"}]}"#,
    )
    .unwrap();

    let call = &request.turns[0].parts[0];
    let opaque = call.opaque.as_ref().unwrap();
    assert_eq!((opaque.vendor, opaque.data.as_str()), (Vendor::Google, "c2ln"));
    assert!(matches!(&call.kind, PartKind::ToolCall { id, .. } if id == "call_1"));
    let result = &request.turns[1].parts[0].kind;
    assert!(matches!(result, PartKind::ToolResult { call, .. } if call == "call_1"));
}

#[test]
fn files_are_checked_and_sound_of_the_history_is_refused() {
    let check = |message: &str, expected: &str| {
        let body = format!(r#"{{"model":"m","messages":[{message}]}}"#);
        let fault = read(&body).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault} should contain {expected}");
    };
    check(
        r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,?"}}]}"#,
        "messages[0].content[0].image_url.url: is not base64",
    );
    check(
        r#"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"?"}}]}"#,
        "messages[0].content[0].input_audio.data: is not base64",
    );
    check(r#"{"role":"assistant","audio":{"id":"audio_1"}}"#, "messages[0].audio");

    let request = read(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"JVBERi0xLjc"}}]}]}"#,
    )
    .unwrap();
    let PartKind::Document(media) = &request.turns[0].parts[0].kind else { panic!("no file") };
    assert_eq!(media.mime, "application/pdf");
    assert_eq!(media.source, MediaSource::Base64("JVBERi0xLjc=".to_owned()));
}
