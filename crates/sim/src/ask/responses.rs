//! Reads OpenAI Responses requests.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Ask, Choice, Refusal, Said, Tool, ToolKind, check_tool_name, count, list, needed_list,
};
use super::{needed_text, text};
use crate::route::Delivery;

/// The longest name of a function.
const LONGEST_NAME: usize = 64;

/// Reads a request, or says why OpenAI would refuse it.
pub(crate) fn read(body: &Value) -> Result<Ask, Refusal> {
    let is_stream = body["stream"].as_bool().unwrap_or(false);
    let delivery = if is_stream { Delivery::Events } else { Delivery::Whole };
    let mut ask = Ask::new(needed_text(body, "model")?, delivery);
    if let Some(instructions) = text(body, "instructions")? {
        ask.said.add_system(instructions);
    }
    if let Some(input) = body["input"].as_str() {
        ask.said.start_user();
        ask.said.add_user_text(input);
    } else {
        let has_history =
            !body["previous_response_id"].is_null() || !body["conversation"].is_null();
        read_items(needed_list(body, "input")?, has_history, &mut ask.said)?;
    }
    for tool in list(body, "tools") {
        read_tool(tool, &mut ask)?;
    }
    ask.choice = choice(&body["tool_choice"], &ask.tools)?;
    ask.calls_in_parallel = body["parallel_tool_calls"].as_bool().unwrap_or(true);
    ask.limit = count(body, "max_output_tokens")?;
    Ok(ask)
}

fn read_items(items: &[Value], has_history: bool, said: &mut Said) -> Result<(), Refusal> {
    let mut open_calls = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        match text(item, "type")?.unwrap_or("message") {
            "message" => read_message(item, index, said)?,
            "function_call" | "custom_tool_call" => {
                let id = needed_text(item, "call_id")?;
                let payload = if item["type"] == "function_call" { "arguments" } else { "input" };
                said.add_call(id, needed_text(item, "name")?, needed_text(item, payload)?);
                open_calls.insert(id);
            }
            "function_call_output" | "custom_tool_call_output" => {
                let id = needed_text(item, "call_id")?;
                if !open_calls.remove(id) && !has_history {
                    let message =
                        format!("No tool call found for function call output with call_id {id}.");
                    return Err(Refusal::at("input", message));
                }
                said.start_results();
                said.add_result(id, output_text(&item["output"])?);
            }
            _ => said.turns += 1,
        }
    }
    match open_calls.iter().next() {
        Some(id) => {
            Err(Refusal::at("input", format!("No tool output found for function call {id}.")))
        }
        None => Ok(()),
    }
}

fn read_message(item: &Value, index: usize, said: &mut Said) -> Result<(), Refusal> {
    let role = needed_text(item, "role")?;
    match role {
        "user" => said.start_user(),
        "assistant" => said.turns += 1,
        "system" | "developer" => {}
        _ => {
            let param = format!("input[{index}].role");
            return Err(Refusal::at(param, format!("Invalid value: '{role}'.")));
        }
    }
    let mut add = |text: &str| match role {
        "user" => said.add_user_text(text),
        "assistant" => said.count(text),
        _ => said.add_system(text),
    };
    if let Some(text) = item["content"].as_str() {
        add(text);
        return Ok(());
    }
    let (mut images, mut files) = (0, 0);
    for part in needed_list(item, "content")? {
        match (needed_text(part, "type")?, role) {
            ("output_text", "assistant") => add(needed_text(part, "text")?),
            ("refusal", "assistant") => add(needed_text(part, "refusal")?),
            ("input_text", "user" | "system" | "developer") => add(needed_text(part, "text")?),
            ("input_image", "user") => images += 1,
            ("input_file" | "input_audio", "user") => files += 1,
            (other, _) => {
                let param = format!("input[{index}].content");
                return Err(Refusal::at(param, format!("Invalid value: '{other}'.")));
            }
        }
    }
    said.images += images;
    said.files += files;
    Ok(())
}

fn output_text(output: &Value) -> Result<String, Refusal> {
    if let Some(text) = output.as_str() {
        return Ok(text.to_owned());
    }
    let Some(parts) = output.as_array() else {
        return Err(Refusal::at("input", "Invalid type for 'output': expected a string or list."));
    };
    let texts = parts.iter().map(|part| match part["type"].as_str() {
        Some("input_text") => part["text"].as_str().unwrap_or_default(),
        Some("input_image") => "[1 image]",
        _ => "[1 file]",
    });
    Ok(texts.collect::<Vec<_>>().join("\n"))
}

fn read_tool(tool: &Value, ask: &mut Ask) -> Result<(), Refusal> {
    // Hosted tools are run by the vendor; the simulator has none to run.
    let kind = match needed_text(tool, "type")? {
        "function" => ToolKind::Function,
        "custom" => ToolKind::Custom,
        _ => return Ok(()),
    };
    let name = needed_text(tool, "name")?;
    check_tool_name(name, LONGEST_NAME, "")?;
    let schema = tool["parameters"].clone();
    ask.said.count(&schema.to_string());
    ask.tools.push(Tool { name: name.to_owned(), schema, kind });
    Ok(())
}

fn choice(choice: &Value, tools: &[Tool]) -> Result<Choice, Refusal> {
    let named = match choice {
        Value::Null => return Ok(Choice::Auto),
        Value::String(word) if word == "none" => return Ok(Choice::None),
        Value::String(word) if word == "auto" || word == "required" => return Ok(Choice::Auto),
        _ if choice["type"] == "allowed_tools" => {
            list(choice, "tools").first().and_then(|tool| tool["name"].as_str())
        }
        _ => choice["name"].as_str(),
    };
    match named {
        Some(name) if tools.iter().any(|tool| tool.name == name) => {
            Ok(Choice::Named(name.to_owned()))
        }
        _ => Err(Refusal::at("tool_choice", format!("Invalid value for 'tool_choice': {choice}."))),
    }
}
