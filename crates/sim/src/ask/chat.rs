//! Reads OpenAI Chat Completions requests.

use serde_json::Value;

use super::{
    Ask, Choice, Refusal, Said, Tool, ToolKind, check_tool_name, count, list, needed_list,
};
use super::{needed_text, stops, text};
use crate::route::Delivery;

/// The longest name of a function.
const LONGEST_NAME: usize = 64;

/// Reads a request, or says why OpenAI would refuse it.
pub(crate) fn read(body: &Value) -> Result<Ask, Refusal> {
    let is_stream = body["stream"].as_bool().unwrap_or(false);
    let delivery = if is_stream { Delivery::Events } else { Delivery::Whole };
    let mut ask = Ask::new(needed_text(body, "model")?, delivery);
    if !is_stream && !body["stream_options"].is_null() {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::at("stream_options", message));
    }
    ask.wants_usage = body["stream_options"]["include_usage"].as_bool().unwrap_or(false);
    read_messages(needed_list(body, "messages")?, &mut ask.said)?;
    for tool in list(body, "tools") {
        read_tool(tool, &mut ask)?;
    }
    ask.choice = choice(&body["tool_choice"], &ask.tools)?;
    ask.calls_in_parallel = body["parallel_tool_calls"].as_bool().unwrap_or(true);
    ask.limit = count(body, "max_completion_tokens")?.or(count(body, "max_tokens")?);
    ask.stop_sequences = stops(&body["stop"]);
    Ok(ask)
}

fn read_messages(messages: &[Value], said: &mut Said) -> Result<(), Refusal> {
    let mut unanswered: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = needed_text(message, "role")?;
        if role == "tool" {
            let id = needed_text(message, "tool_call_id")?;
            let place = unanswered.iter().position(|call| *call == id).ok_or_else(|| {
                Refusal::at(
                    format!("messages.[{index}].role"),
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                )
            })?;
            unanswered.swap_remove(place);
            said.start_results();
            said.add_result(id, joined_text(message, index)?);
            continue;
        }
        if let Some(id) = unanswered.first() {
            return Err(unanswered_call(index, id));
        }
        match role {
            "system" | "developer" => said.add_system(&joined_text(message, index)?),
            "user" => read_user(message, index, said)?,
            "assistant" => unanswered = read_assistant(message, index, said)?,
            "function" => {
                said.start_results();
                said.add_result(needed_text(message, "name")?, joined_text(message, index)?);
            }
            _ => {
                let param = format!("messages[{index}].role");
                return Err(Refusal::at(param, format!("Invalid value: '{role}'.")));
            }
        }
    }
    unanswered.first().map_or(Ok(()), |id| Err(unanswered_call(messages.len(), id)))
}

fn unanswered_call(index: usize, id: &str) -> Refusal {
    let param = format!("messages.[{index}].role");
    let message = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
    Refusal::at(
        param,
        format!("{message} The following tool_call_ids did not have response messages: {id}"),
    )
}

fn read_user(message: &Value, index: usize, said: &mut Said) -> Result<(), Refusal> {
    said.start_user();
    if let Some(text) = message["content"].as_str() {
        said.add_user_text(text);
        return Ok(());
    }
    for part in needed_list(message, "content")? {
        match needed_text(part, "type")? {
            "text" => said.add_user_text(needed_text(part, "text")?),
            "image_url" => {
                needed_text(&part["image_url"], "url")?;
                said.images += 1;
            }
            "input_audio" => {
                needed_text(&part["input_audio"], "data")?;
                said.files += 1;
            }
            "file" if part["file"].is_object() => said.files += 1,
            other => {
                let param = format!("messages[{index}].content");
                return Err(Refusal::at(param, format!("Invalid value: '{other}'.")));
            }
        }
    }
    Ok(())
}

/// Reads an assistant message and returns the ids of its calls.
fn read_assistant<'a>(
    message: &'a Value,
    index: usize,
    said: &mut Said,
) -> Result<Vec<&'a str>, Refusal> {
    said.turns += 1;
    let calls = list(message, "tool_calls");
    let has_content = ["content", "refusal", "audio", "function_call"]
        .iter()
        .any(|member| !message[member].is_null());
    if calls.is_empty() && !has_content {
        let param = format!("messages.[{index}].content");
        let message = "Invalid value for 'content': expected a string, got null.";
        return Err(Refusal::at(param, message));
    }
    if has_content && !message["content"].is_null() {
        said.count(&joined_text(message, index)?);
    }
    let mut ids = Vec::with_capacity(calls.len());
    for call in calls {
        let id = needed_text(call, "id")?;
        let (function, payload) = match needed_text(call, "type")? {
            "custom" => (&call["custom"], "input"),
            _ => (&call["function"], "arguments"),
        };
        said.add_call(id, needed_text(function, "name")?, needed_text(function, payload)?);
        ids.push(id);
    }
    Ok(ids)
}

/// Joins the text of a message that may carry nothing but text.
fn joined_text(message: &Value, index: usize) -> Result<String, Refusal> {
    if let Some(text) = message["content"].as_str() {
        return Ok(text.to_owned());
    }
    let mut texts = Vec::new();
    for part in needed_list(message, "content")? {
        match needed_text(part, "type")? {
            "text" => texts.push(needed_text(part, "text")?),
            "refusal" => texts.push(text(part, "refusal")?.unwrap_or_default()),
            other => {
                let param = format!("messages[{index}].content");
                return Err(Refusal::at(param, format!("Invalid value: '{other}'.")));
            }
        }
    }
    Ok(texts.join("\n"))
}

fn read_tool(tool: &Value, ask: &mut Ask) -> Result<(), Refusal> {
    let (function, schema, kind) = match needed_text(tool, "type")? {
        "function" => {
            (&tool["function"], tool["function"]["parameters"].clone(), ToolKind::Function)
        }
        "custom" => (&tool["custom"], Value::Null, ToolKind::Custom),
        other => return Err(Refusal::at("tools", format!("Invalid value: '{other}'."))),
    };
    let name = needed_text(function, "name")?;
    check_tool_name(name, LONGEST_NAME, "")?;
    ask.said.count(&schema.to_string());
    ask.tools.push(Tool { name: name.to_owned(), schema, kind });
    Ok(())
}

fn choice(choice: &Value, tools: &[Tool]) -> Result<Choice, Refusal> {
    let named = match choice {
        Value::Null => return Ok(Choice::Auto),
        Value::String(word) if word == "none" => return Ok(Choice::None),
        Value::String(word) if word == "auto" || word == "required" => return Ok(Choice::Auto),
        Value::Object(_) if choice["type"] == "allowed_tools" => {
            let allowed = list(&choice["allowed_tools"], "tools").first();
            allowed.and_then(|tool| tool["function"]["name"].as_str())
        }
        _ => choice["function"]["name"].as_str().or(choice["custom"]["name"].as_str()),
    };
    match named {
        Some(name) if tools.iter().any(|tool| tool.name == name) => {
            Ok(Choice::Named(name.to_owned()))
        }
        _ => Err(Refusal::at("tool_choice", format!("Invalid value for 'tool_choice': {choice}."))),
    }
}
