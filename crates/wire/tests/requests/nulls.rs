//! `null` for a member that may be missing says the same as leaving it out, wherever it stands, and the
//! order of members says nothing.

use omniroute_wire::WireFormat;
use omniroute_wire::declared;
use serde_json::{Map, Value, json};

use super::{read, write};

/// Optional members of every object of a format that are not in the samples by themselves.
const OPTIONAL: &[&str] = &[
    "name",
    "title",
    "detail",
    "filename",
    "file_data",
    "file_id",
    "file_url",
    "cache_control",
    "prompt_cache_breakpoint",
    "citations",
    "annotations",
    "phase",
    "id",
    "status",
    "tool_calls",
    "function_call",
    "refusal",
    "audio",
    "reasoning_content",
    "reasoning_details",
    "extra_content",
    "is_error",
    "description",
    "strict",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "n",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "reasoning",
    "reasoning_effort",
    "text",
    "thinking",
    "output_config",
    "metadata",
    "user",
    "safety_identifier",
    "service_tier",
    "store",
    "system",
    "instructions",
    "previous_response_id",
    "conversation",
    "prompt",
    "include",
    "truncation",
    "background",
    "stop_sequences",
    "verbosity",
    "modalities",
    "prediction",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "presence_penalty",
    "frequency_penalty",
    "functions",
    "web_search_options",
    "prompt_cache_key",
    "container",
    "mcp_servers",
    "context_management",
    "systemInstruction",
    "generationConfig",
    "toolConfig",
    "safetySettings",
    "cachedContent",
    "labels",
    "thought",
    "thoughtSignature",
    "videoMetadata",
    "mediaResolution",
    "displayName",
    "parameters",
    "parametersJsonSchema",
    "behavior",
    "response",
    "candidateCount",
    "stopSequences",
    "maxOutputTokens",
    "topP",
    "topK",
    "responseMimeType",
    "responseSchema",
    "thinkingConfig",
    "responseModalities",
    "speechConfig",
    "thinkingLevel",
    "includeThoughts",
    "budget_tokens",
];

/// Members whose value is the client's own, where `null` may mean something.
const OPAQUE: &[&str] = &[
    "args",
    "input",
    "parameters",
    "input_schema",
    "parametersJsonSchema",
    "responseSchema",
    "schema",
    "metadata",
    "labels",
    "logit_bias",
    "response",
    "made_up",
    "madeUp",
    "cache_control",
    "location",
    "user_location",
    "action",
    "custom",
    "prediction",
    "moderation",
];

fn sample(client: WireFormat, sample: &str) -> Value {
    let mut request: Value = serde_json::from_str(declared::base(client)).unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    for (name, value) in sample.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// Does something to every object of a request.
fn each(value: &mut Value, change: &dyn Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                let is_conversation = name == "input" && value.is_array();
                if is_conversation || !OPAQUE.contains(&name.as_str()) {
                    each(value, change);
                }
            }
            change(object);
        }
        Value::Array(list) => list.iter_mut().for_each(|value| each(value, change)),
        _ => {}
    }
}

/// What the other formats make of a request.
fn said(client: WireFormat, body: &[u8]) -> String {
    let request = match read(client.codec(), body) {
        Ok(request) => request,
        Err(error) => return error.to_string(),
    };
    let others = WireFormat::ALL.into_iter().filter(|format| *format != client);
    let written = others.map(|target| match write(target.codec(), &request) {
        Ok(body) => body,
        Err(error) => error.to_string(),
    });
    written.collect::<Vec<String>>().join("\n")
}

fn check(change: &dyn Fn(&Value) -> Vec<String>) {
    let mut wrong = Vec::new();
    for client in WireFormat::ALL {
        for field in declared::of(client) {
            let plain = sample(client, field.sample);
            let expected = said(client, plain.to_string().as_bytes());
            for changed in change(&plain) {
                let found = said(client, changed.as_bytes());
                if found != expected {
                    let field = field.field;
                    wrong.push(format!("{client} {field}: {changed}\n{expected}\n{found}"));
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn null_is_the_same_as_nothing() {
    check(&|plain| {
        let with_null = |name: &&str| {
            let mut changed = plain.clone();
            each(&mut changed, &|object| {
                object.entry(*name).or_insert(json!(null));
            });
            changed.to_string()
        };
        OPTIONAL.iter().map(with_null).collect()
    });
}

#[test]
fn members_may_come_in_any_order() {
    check(&|plain| {
        let mut changed = plain.clone();
        each(&mut changed, &|object| {
            let members: Vec<(String, Value)> = std::mem::take(object).into_iter().collect();
            object.extend(members.into_iter().rev());
        });
        vec![changed.to_string()]
    });
}
