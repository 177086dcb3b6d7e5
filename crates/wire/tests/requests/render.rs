//! Says a script as a client of a format would.

use omniroute_wire::WireFormat;
use serde_json::{Value, json};

use super::script::{CallSpec, Choice, Piece, ResultSpec, Script, Step, ToolSpec};

const PNG: &str = "iVBORw0KGgo=";
const PDF: &str = "JVBERi0=";

/// Returns the body of a request that holds the first `end` steps.
pub(crate) fn request(client: WireFormat, script: &Script, end: usize) -> String {
    let steps = &script.steps[..end];
    let members = match client {
        WireFormat::OpenAiChat => chat(script, steps),
        WireFormat::OpenAiResponses => responses(script, steps),
        WireFormat::Anthropic => messages(script, steps),
        WireFormat::Gemini => generate(script, steps),
    };
    let members: Vec<String> = members.into_iter().map(|(n, v)| format!("\"{n}\": {v}")).collect();
    format!("{{{}}}", members.join(",\n"))
}

type Members = Vec<(&'static str, String)>;

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<String>>().join(", "))
}

/// Settings whose members several formats share.
fn settings(script: &Script, limit: &'static str) -> Members {
    let mut members = vec![("model", quoted("m"))];
    members.extend(script.limit.map(|tokens| (limit, tokens.to_string())));
    members.extend(script.temperature.map(|value| ("temperature", value.to_string())));
    members.extend(script.top_p.map(|value| ("top_p", value.to_string())));
    members
}

/// What a call's arguments are where they are text.
fn arguments(call: &CallSpec) -> String {
    quoted(call.careless.as_deref().unwrap_or(&call.arguments))
}

fn openai_choice(script: &Script, one: &dyn Fn(&str) -> Value) -> Option<String> {
    Some(match script.choice {
        Choice::NotSaid => return None,
        Choice::Auto => quoted("auto"),
        Choice::None => quoted("none"),
        Choice::Required => quoted("required"),
        Choice::One => one(&script.tools[0].name).to_string(),
    })
}

fn chat(script: &Script, steps: &[Step]) -> Members {
    let mut said: Vec<String> = script
        .system
        .iter()
        .map(|text| json!({"role": "system", "content": text}).to_string())
        .collect();
    for step in steps {
        match step {
            Step::Instruction(text) => {
                said.push(json!({"role": "developer", "content": text}).to_string());
            }
            Step::User(pieces) => said.push(format!(
                "{{\"role\":\"user\",\"content\":{}}}",
                match pieces.as_slice() {
                    [Piece::Text(text)] => quoted(text),
                    several => list(several.iter().map(|piece| {
                        match piece {
                            Piece::Text(text) => json!({"type": "text", "text": text}),
                            Piece::Image => json!({"type": "image_url",
                            "image_url": {"url": format!("data:image/png;base64,{PNG}")}}),
                            Piece::Pdf => json!({"type": "file", "file": {"filename": "a.pdf",
                            "file_data": format!("data:application/pdf;base64,{PDF}")}}),
                        }
                        .to_string()
                    })),
                }
            )),
            Step::Answer { text, calls } => {
                let text = if text.is_empty() { "null".to_owned() } else { quoted(text) };
                let made = calls.iter().map(|call| format!(
                    "{{\"id\":{},\"type\":\"function\",\"function\":{{\"name\":{},\"arguments\":{}}}}}",
                    quoted(&call.id), quoted(&script.tools[call.tool].name), arguments(call),
                ));
                let made = if calls.is_empty() {
                    String::new()
                } else {
                    format!(",\"tool_calls\":{}", list(made))
                };
                said.push(format!("{{\"role\":\"assistant\",\"content\":{text}{made}}}"));
            }
            Step::Results(results) => said.extend(results.iter().map(|result| {
                json!({"role": "tool", "tool_call_id": result.call.id, "content": result.text})
                    .to_string()
            })),
        }
    }
    let mut members = settings(script, "max_completion_tokens");
    members.push(("messages", list(said)));
    let tool = |tool: &ToolSpec| {
        format!("{{\"type\":\"function\",\"function\":{{{}}}}}", declared(tool, "parameters"))
    };
    members.push(("tools", list(script.tools.iter().map(tool))));
    let one = |name: &str| json!({"type": "function", "function": {"name": name}});
    members.extend(openai_choice(script, &one).map(|choice| ("tool_choice", choice)));
    members.extend(script.parallel.map(|value| ("parallel_tool_calls", value.to_string())));
    if !script.stop.is_empty() {
        members.push(("stop", json!(script.stop).to_string()));
    }
    members
}

/// Name, description and schema of a tool.
fn declared(tool: &ToolSpec, schema: &str) -> String {
    let mut members = vec![format!("\"name\":{}", quoted(&tool.name))];
    members.extend(tool.description.iter().map(|text| format!("\"description\":{}", quoted(text))));
    members.extend(tool.schema.iter().map(|json| format!("\"{schema}\":{json}")));
    members.join(",")
}

fn responses(script: &Script, steps: &[Step]) -> Members {
    let mut input = Vec::new();
    for step in steps {
        match step {
            Step::Instruction(text) => {
                input.push(json!({"role": "developer", "content": text}).to_string());
            }
            Step::User(pieces) => {
                let parts: Vec<Value> = pieces.iter().map(|piece| match piece {
                    Piece::Text(text) => json!({"type": "input_text", "text": text}),
                    Piece::Image => json!({"type": "input_image",
                        "image_url": format!("data:image/png;base64,{PNG}")}),
                    Piece::Pdf => json!({"type": "input_file", "filename": "a.pdf",
                        "file_data": format!("data:application/pdf;base64,{PDF}")}),
                }).collect();
                input.push(json!({"role": "user", "content": parts}).to_string());
            }
            Step::Answer { text, calls } => {
                if !text.is_empty() {
                    let parts = json!([{"type": "output_text", "text": text, "annotations": []}]);
                    let message = json!({"type": "message", "role": "assistant", "content": parts});
                    input.push(message.to_string());
                }
                input.extend(calls.iter().map(|call| format!(
                    "{{\"type\":\"function_call\",\"call_id\":{},\"name\":{},\"arguments\":{}}}",
                    quoted(&call.id), quoted(&script.tools[call.tool].name), arguments(call),
                )));
            }
            Step::Results(results) => input.extend(results.iter().map(|result| {
                let output = if result.with_image {
                    json!([{"type": "input_text", "text": result.text},
                        {"type": "input_image", "image_url": format!("data:image/png;base64,{PNG}")}])
                } else {
                    json!(result.text)
                };
                json!({"type": "function_call_output", "call_id": result.call.id, "output": output})
                    .to_string()
            })),
        }
    }
    let mut members = settings(script, "max_output_tokens");
    if !script.system.is_empty() {
        members.push(("instructions", quoted(&script.system.join("\n"))));
    }
    members.push(("input", list(input)));
    let tool = |tool: &ToolSpec| {
        format!("{{\"type\":\"function\",\"strict\":false,{}}}", declared(tool, "parameters"))
    };
    members.push(("tools", list(script.tools.iter().map(tool))));
    let one = |name: &str| json!({"type": "function", "name": name});
    members.extend(openai_choice(script, &one).map(|choice| ("tool_choice", choice)));
    members.extend(script.parallel.map(|value| ("parallel_tool_calls", value.to_string())));
    members
}

fn messages(script: &Script, steps: &[Step]) -> Members {
    let mut said = Vec::new();
    for step in steps {
        let (role, blocks): (&str, Vec<String>) = match step {
            Step::Instruction(text) => ("system", vec![text_block(text)]),
            Step::User(pieces) => (
                "user",
                pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Text(text) => text_block(text),
                        Piece::Image => image_block(),
                        Piece::Pdf => json!({"type": "document", "title": "a.pdf", "source":
                    {"type": "base64", "media_type": "application/pdf", "data": PDF}})
                        .to_string(),
                    })
                    .collect(),
            ),
            Step::Answer { text, calls } => {
                let text = Some(text).filter(|text| !text.is_empty());
                let calls = calls.iter().map(|call| {
                    format!(
                        "{{\"type\":\"tool_use\",\"id\":{},\"name\":{},\"input\":{}}}",
                        quoted(&call.id),
                        quoted(&script.tools[call.tool].name),
                        call.arguments,
                    )
                });
                ("assistant", text.map(|text| text_block(text)).into_iter().chain(calls).collect())
            }
            Step::Results(results) => ("user", results.iter().map(result_block).collect()),
        };
        said.push(format!("{{\"role\":\"{role}\",\"content\":{}}}", list(blocks)));
    }
    let mut members = settings(script, "max_tokens");
    if !script.system.is_empty() {
        members.push(("system", list(script.system.iter().map(|text| text_block(text)))));
    }
    members.push(("messages", list(said)));
    let tool = |tool: &ToolSpec| format!("{{{}}}", declared(tool, "input_schema"));
    members.push(("tools", list(script.tools.iter().map(tool))));
    members.extend(messages_choice(script).map(|choice| ("tool_choice", choice)));
    if !script.stop.is_empty() {
        members.push(("stop_sequences", json!(script.stop).to_string()));
    }
    members
}

fn messages_choice(script: &Script) -> Option<String> {
    let kind = match script.choice {
        Choice::NotSaid => return None,
        Choice::Auto => "auto",
        Choice::None => "none",
        Choice::Required => "any",
        Choice::One => "tool",
    };
    let mut choice = json!({"type": kind});
    if kind == "tool" {
        choice["name"] = json!(script.tools[0].name);
    }
    if let (Some(parallel), true) = (script.parallel, kind != "none") {
        choice["disable_parallel_tool_use"] = json!(!parallel);
    }
    Some(choice.to_string())
}

fn text_block(text: &str) -> String {
    json!({"type": "text", "text": text}).to_string()
}

fn image_block() -> String {
    let source = json!({"type": "base64", "media_type": "image/png", "data": PNG});
    json!({"type": "image", "source": source}).to_string()
}

fn result_block(result: &ResultSpec) -> String {
    let text = Some(text_block(&result.text)).filter(|_| !result.text.is_empty());
    let content = list(text.into_iter().chain(result.with_image.then(image_block)));
    format!(
        "{{\"type\":\"tool_result\",\"tool_use_id\":{},\"is_error\":{},\"content\":{content}}}",
        quoted(&result.call.id),
        result.is_error,
    )
}

fn generate(script: &Script, steps: &[Step]) -> Members {
    let id = |call: &CallSpec| match script.with_ids {
        true => format!("\"id\":{},", quoted(&call.id)),
        false => String::new(),
    };
    let name = |call: &CallSpec| quoted(&script.tools[call.tool].name);
    let text = |text: &String| json!({"text": text}).to_string();
    let mut contents = Vec::new();
    for step in steps {
        let (role, parts): (&str, Vec<String>) = match step {
            Step::Instruction(said) => {
                ("user", vec![text(&format!("<system>\n{said}\n</system>"))])
            }
            Step::User(pieces) => ("user", pieces.iter().map(|piece| match piece {
                Piece::Text(said) => text(said),
                Piece::Image => json!({"inlineData": {"mimeType": "image/png", "data": PNG}})
                    .to_string(),
                Piece::Pdf => json!({"inlineData": {"mimeType": "application/pdf", "data": PDF,
                    "displayName": "a.pdf"}}).to_string(),
            }).collect()),
            Step::Answer { text: said, calls } => {
                let said = Some(said).filter(|said| !said.is_empty()).map(text);
                let calls = calls.iter().map(|call| format!(
                    "{{\"functionCall\":{{{}\"name\":{},\"args\":{}}}}}",
                    id(call), name(call), call.arguments,
                ));
                ("model", said.into_iter().chain(calls).collect())
            }
            Step::Results(results) => ("user", results.iter().map(|result| {
                let member = if result.is_error { "error" } else { "output" };
                let image = json!([{"inlineData": {"mimeType": "image/png", "data": PNG}}]);
                let image = if result.with_image { format!(",\"parts\":{image}") } else { String::new() };
                format!(
                    "{{\"functionResponse\":{{{}\"name\":{},\"response\":{{\"{member}\":{}}}{image}}}}}",
                    id(&result.call), name(&result.call), quoted(&result.text),
                )
            }).collect()),
        };
        contents.push(format!("{{\"role\":\"{role}\",\"parts\":{}}}", list(parts)));
    }
    let mut members = vec![("contents", list(contents))];
    members.extend(generate_settings(script));
    members
}

fn generate_settings(script: &Script) -> Members {
    let mut members = Vec::new();
    if !script.system.is_empty() {
        let parts = list(script.system.iter().map(|text| json!({"text": text}).to_string()));
        members.push(("systemInstruction", format!("{{\"parts\":{parts}}}")));
    }
    let tool = |tool: &ToolSpec| format!("{{{}}}", declared(tool, "parametersJsonSchema"));
    let tools = list(script.tools.iter().map(tool));
    members.push(("tools", format!("[{{\"functionDeclarations\":{tools}}}]")));
    let choice = match script.choice {
        Choice::NotSaid => None,
        Choice::Auto => Some(json!({"mode": "AUTO"})),
        Choice::None => Some(json!({"mode": "NONE"})),
        Choice::Required => Some(json!({"mode": "ANY"})),
        Choice::One => Some(json!({"mode": "ANY", "allowedFunctionNames": [script.tools[0].name]})),
    };
    let choice = choice.map(|choice| json!({"functionCallingConfig": choice}).to_string());
    members.extend(choice.map(|choice| ("toolConfig", choice)));
    let mut config = json!({});
    for (name, value) in [
        ("maxOutputTokens", script.limit.map(Value::from)),
        ("temperature", script.temperature.map(Value::from)),
        ("topP", script.top_p.map(Value::from)),
        ("stopSequences", Some(json!(script.stop)).filter(|_| !script.stop.is_empty())),
    ] {
        if let Some(value) = value {
            config[name] = value;
        }
    }
    members.push(("generationConfig", config.to_string()));
    members
}
