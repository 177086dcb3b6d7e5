//! Reads Anthropic Messages requests.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Ask, Choice, Refusal, Said, Tool, ToolKind, check_tool_name, count, list, needed_list,
};
use super::{needed_text, stops, text};
use crate::route::Delivery;

/// The longest name of a tool.
const LONGEST_NAME: usize = 128;

/// Reads a request, or says why Anthropic would refuse it.
pub(crate) fn read(body: &Value) -> Result<Ask, Refusal> {
    let is_stream = body["stream"].as_bool().unwrap_or(false);
    let delivery = if is_stream { Delivery::Events } else { Delivery::Whole };
    let mut ask = Ask::new(needed_text(body, "model")?, delivery);
    let limit = count(body, "max_tokens")?;
    ask.limit = Some(limit.ok_or_else(|| Refusal::new("max_tokens: Field required"))?);
    read_system(&body["system"], &mut ask.said)?;
    read_turns(needed_list(body, "messages")?, &mut ask.said)?;
    for tool in list(body, "tools") {
        read_tool(tool, &mut ask)?;
    }
    ask.choice = choice(&body["tool_choice"], &ask.tools)?;
    ask.calls_in_parallel =
        !body["tool_choice"]["disable_parallel_tool_use"].as_bool().unwrap_or(false);
    ask.stop_sequences = stops(&body["stop_sequences"]);
    ask.may_pause = true;
    Ok(ask)
}

fn read_system(system: &Value, said: &mut Said) -> Result<(), Refusal> {
    if let Some(text) = system.as_str() {
        said.add_system(text);
        return Ok(());
    }
    for block in system.as_array().into_iter().flatten() {
        said.add_system(block_text(block)?);
    }
    Ok(())
}

fn block_text(block: &Value) -> Result<&str, Refusal> {
    let text = needed_text(block, "text")?;
    if text.trim().is_empty() {
        return Err(Refusal::new("messages: text content blocks must be non-empty"));
    }
    Ok(text)
}

/// Consecutive messages of one role, which the API joins.
struct Turn<'a> {
    role: &'a str,
    blocks: Vec<Block<'a>>,
}

enum Block<'a> {
    Text(&'a str),
    Typed(&'a str, &'a Value),
}

fn joined_turns(messages: &[Value]) -> Result<Vec<Turn<'_>>, Refusal> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in messages {
        let role = needed_text(message, "role")?;
        if !matches!(role, "user" | "assistant" | "system") {
            return Err(Refusal::new(format!("messages: unexpected role \"{role}\"")));
        }
        let mut blocks = Vec::new();
        match &message["content"] {
            Value::String(text) => blocks.push(Block::Text(text)),
            Value::Array(list) => {
                for block in list {
                    blocks.push(match needed_text(block, "type")? {
                        "text" => Block::Text(block_text(block)?),
                        kind => Block::Typed(kind, block),
                    });
                }
            }
            _ => return Err(Refusal::new("messages: content: Field required")),
        }
        match turns.last_mut() {
            Some(turn) if turn.role == role => turn.blocks.extend(blocks),
            _ => turns.push(Turn { role, blocks }),
        }
    }
    Ok(turns)
}

fn read_turns(messages: &[Value], said: &mut Said) -> Result<(), Refusal> {
    let turns = joined_turns(messages)?;
    if turns.first().is_some_and(|turn| turn.role != "user") {
        return Err(Refusal::new("messages: first message must use the \"user\" role"));
    }
    if let Some(Turn { role: "assistant", blocks }) = turns.last()
        && let Some(Block::Text(text)) = blocks.last()
        && text.ends_with(char::is_whitespace)
    {
        let message = "messages: final assistant content cannot end with trailing whitespace";
        return Err(Refusal::new(message));
    }
    let mut seen_ids = HashSet::new();
    let mut open_calls = HashSet::new();
    for (index, turn) in turns.iter().enumerate() {
        match turn.role {
            "system" => turn.blocks.iter().for_each(|block| {
                if let Block::Text(text) = block {
                    said.add_system(text);
                }
            }),
            "assistant" => {
                check_answered(&open_calls, index)?;
                open_calls = read_assistant(&turn.blocks, said)?;
                if let Some(id) = open_calls.iter().find(|id| !seen_ids.insert(**id)) {
                    let message = format!("messages: `tool_use` ids must be unique: {id}");
                    return Err(Refusal::new(message));
                }
            }
            _ => {
                read_user(&turn.blocks, &mut open_calls, said)?;
                check_answered(&open_calls, index)?;
            }
        }
    }
    check_answered(&open_calls, turns.len())
}

fn check_answered(open_calls: &HashSet<&str>, index: usize) -> Result<(), Refusal> {
    let Some(id) = open_calls.iter().next() else { return Ok(()) };
    Err(Refusal::new(format!(
        "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {id}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )))
}

/// Reads an assistant turn and returns the ids of its calls.
fn read_assistant<'a>(blocks: &[Block<'a>], said: &mut Said) -> Result<HashSet<&'a str>, Refusal> {
    said.turns += 1;
    let mut calls = HashSet::new();
    for block in blocks {
        match block {
            Block::Text(text) => said.count(text),
            Block::Typed("tool_use", block) => {
                let id = needed_text(block, "id")?;
                check_id(id)?;
                if !block["input"].is_object() {
                    let message = "messages: tool_use.input: Input should be a valid dictionary";
                    return Err(Refusal::new(message));
                }
                said.add_call(id, needed_text(block, "name")?, &block["input"].to_string());
                if !calls.insert(id) {
                    return Err(Refusal::new("messages: `tool_use` ids must be unique"));
                }
            }
            Block::Typed("thinking", block) => {
                needed_text(block, "signature")?;
                said.count(needed_text(block, "thinking")?);
            }
            Block::Typed("server_tool_use", block) => {
                needed_text(block, "id")?;
                said.searches += 1;
            }
            Block::Typed("image" | "tool_result", _) => {
                let message = "messages: this block is not allowed in the \"assistant\" role";
                return Err(Refusal::new(message));
            }
            Block::Typed(..) => {}
        }
    }
    Ok(calls)
}

fn read_user<'a>(
    blocks: &[Block<'a>],
    open_calls: &mut HashSet<&'a str>,
    said: &mut Said,
) -> Result<(), Refusal> {
    let has_results = blocks.iter().any(|block| matches!(block, Block::Typed("tool_result", _)));
    let has_text = blocks.iter().any(|block| matches!(block, Block::Text(_)));
    if has_results && !has_text {
        said.start_results();
    } else {
        said.start_user();
    }
    let mut has_other = false;
    for block in blocks {
        match block {
            Block::Typed("tool_result", block) => {
                let id = needed_text(block, "tool_use_id")?;
                if has_other || !open_calls.remove(id) {
                    return Err(Refusal::new(format!(
                        "messages: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                    )));
                }
                said.add_result(id, result_text(&block["content"])?);
                continue;
            }
            Block::Text("") => {
                return Err(Refusal::new("messages: user messages must have non-empty content"));
            }
            Block::Text(text) => said.add_user_text(text),
            Block::Typed("image", block) => {
                check_source(&block["source"])?;
                said.images += 1;
            }
            Block::Typed("document" | "search_result" | "container_upload", _) => said.files += 1,
            Block::Typed(kind, _) => {
                let message =
                    format!("messages: `{kind}` blocks are not allowed in the \"user\" role");
                return Err(Refusal::new(message));
            }
        }
        has_other = true;
    }
    Ok(())
}

fn result_text(content: &Value) -> Result<String, Refusal> {
    let mut texts: Vec<&str> = content.as_str().into_iter().collect();
    for block in content.as_array().into_iter().flatten() {
        match needed_text(block, "type")? {
            "text" => texts.push(needed_text(block, "text")?),
            "image" => {
                check_source(&block["source"])?;
                texts.push("[1 image]");
            }
            _ => texts.push("[1 file]"),
        }
    }
    Ok(texts.join("\n"))
}

fn check_source(source: &Value) -> Result<(), Refusal> {
    match needed_text(source, "type")? {
        "base64" => {
            let media_type = needed_text(source, "media_type")?;
            if !matches!(media_type, "image/jpeg" | "image/png" | "image/gif" | "image/webp") {
                return Err(Refusal::new(format!("image.source.media_type: {media_type}")));
            }
            needed_text(source, "data").map(drop)
        }
        "url" => needed_text(source, "url").map(drop),
        "file" => needed_text(source, "file_id").map(drop),
        other => Err(Refusal::new(format!("image.source.type: unexpected value \"{other}\""))),
    }
}

fn check_id(id: &str) -> Result<(), Refusal> {
    let is_valid = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if id.is_empty() || !id.chars().all(is_valid) {
        let message = "messages: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'";
        return Err(Refusal::new(message));
    }
    Ok(())
}

fn read_tool(tool: &Value, ask: &mut Ask) -> Result<(), Refusal> {
    let name = needed_text(tool, "name")?;
    check_tool_name(name, LONGEST_NAME, "")?;
    // A server tool has a dated type and is run by the vendor; the simulator has none to run.
    if !matches!(text(tool, "type")?, None | Some("custom")) {
        return Ok(());
    }
    let schema = tool["input_schema"].clone();
    if schema["type"] != "object" {
        return Err(Refusal::new("tools: input_schema.type: Input should be 'object'"));
    }
    ask.said.count(&schema.to_string());
    ask.tools.push(Tool { name: name.to_owned(), schema, kind: ToolKind::Function });
    Ok(())
}

fn choice(choice: &Value, tools: &[Tool]) -> Result<Choice, Refusal> {
    if choice.is_null() {
        return Ok(Choice::Auto);
    }
    match needed_text(choice, "type")? {
        "auto" | "any" => Ok(Choice::Auto),
        "none" => Ok(Choice::None),
        "tool" => {
            let name = needed_text(choice, "name")?;
            let is_known = tools.iter().any(|tool| tool.name == name);
            let unknown = || format!("Tool '{name}' not found in provided tools");
            if is_known { Ok(Choice::Named(name.to_owned())) } else { Err(Refusal::new(unknown())) }
        }
        other => Err(Refusal::new(format!("tool_choice.type: unexpected value \"{other}\""))),
    }
}
