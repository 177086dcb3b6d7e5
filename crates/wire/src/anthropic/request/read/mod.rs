//! Reads a request into canonical form.

mod parts;
mod shape;
#[cfg(test)]
mod tests;

use serde_json::value::RawValue;

use self::parts::Speaker;
use self::shape::{Body, Content, Message, OutputConfig, Thinking};
use super::locate;
use crate::WireFormat;
use crate::chat::{
    ChatRequest, Delivery, Effort, OutputFormat, Part, PartKind, Reasoning, ReasoningAmount, Role,
    Sampling, Tool, ToolChoice, ToolKind, Turn,
};
use crate::codec::{Peek, WireError};

/// Reads a request.
pub(in crate::anthropic) fn read(body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError> {
    let body: Body<'_> = locate::body(body)?;
    let Some(messages) = body.messages else {
        return Err(WireError::malformed("messages", "is missing; send at least one message"));
    };

    let mut turns = match body.system {
        Some(system) => system_turns(system)?,
        None => Vec::new(),
    };
    for (index, message) in messages.into_iter().enumerate() {
        turns.push(turn(message, index)?);
    }
    let mut tools = Vec::new();
    for (index, raw) in body.tools.unwrap_or_default().into_iter().enumerate() {
        tools.push(tool(raw, &format!("tools[{index}]"))?);
    }
    let (tool_choice, parallel_calls) = match body.tool_choice {
        Some(choice) => (
            read_tool_choice(choice.kind.as_deref(), choice.name)?,
            choice.disable_parallel_tool_use.map(|disabled| !disabled),
        ),
        None => (ToolChoice::NotSaid, None),
    };
    Ok(ChatRequest {
        origin: Some(WireFormat::Anthropic),
        model: peek.model.clone(),
        turns,
        tools,
        tool_choice,
        parallel_calls,
        sampling: Sampling {
            temperature: body.temperature,
            top_p: body.top_p,
            top_k: body.top_k,
            stop: body.stop_sequences.unwrap_or_default(),
            ..Sampling::default()
        },
        max_output_tokens: body.max_tokens,
        reasoning: reasoning(body.thinking.as_ref(), body.output_config.as_ref())?,
        output: output(body.output_config.as_ref())?,
        delivery: Delivery { stream: peek.stream, include_usage: peek.include_usage },
        end_user: body.metadata.and_then(|metadata| metadata.user_id),
        extra: body.extra.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        ..ChatRequest::default()
    })
}

/// Reads the system prompt as one turn for each block: joining them would lose cache marks.
fn system_turns(system: Content<'_>) -> Result<Vec<Turn>, WireError> {
    let parts = parts::read(system, Speaker::System, "system")?;
    Ok(parts
        .into_iter()
        .map(|part| Turn { role: Role::System, parts: vec![part], name: None })
        .collect())
}

fn turn(message: Message<'_>, index: usize) -> Result<Turn, WireError> {
    let path = format!("messages[{index}]");
    let (role, speaker) = match message.role.as_deref() {
        Some("user") => (Role::User, Speaker::User),
        Some("assistant") => (Role::Assistant, Speaker::Assistant),
        Some("system") => (Role::System, Speaker::System),
        Some(other) => {
            let detail = format!("is `{}`; use `user`, `assistant` or `system`", short(other));
            return Err(WireError::malformed(format!("{path}.role"), detail));
        }
        None => {
            let detail = "is missing; use `user`, `assistant` or `system`";
            return Err(WireError::malformed(format!("{path}.role"), detail));
        }
    };
    let path = format!("{path}.content");
    let Some(content) = message.content else {
        return Err(WireError::malformed(path, "is missing; send a string or a list of blocks"));
    };
    Ok(Turn { role, parts: parts::read(content, speaker, &path)?, name: None })
}

fn tool(raw: &RawValue, path: &str) -> Result<Tool, WireError> {
    let wire = locate::part::<shape::Tool<'_>>(raw, path);
    let kind = match &wire {
        Ok(wire) => wire.kind.clone(),
        // Members of a vendor's own tools may mean other things than those of a client's.
        Err(_) => parts::kind_of(raw),
    };
    if let Some(kind) = kind.filter(|kind| kind != "custom") {
        let name = wire.ok().and_then(|wire| wire.name).unwrap_or(kind);
        return Ok(Tool {
            name,
            description: None,
            schema: None,
            strict: None,
            cache: None,
            kind: ToolKind::Server { format: WireFormat::Anthropic, raw: raw.to_owned() },
        });
    }
    let wire = wire?;
    let Some(name) = wire.name.filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{path}.name"), "is missing; name the tool"));
    };
    Ok(Tool {
        name,
        description: wire.description,
        schema: wire.input_schema.map(RawValue::to_owned),
        strict: wire.strict,
        cache: wire.cache_control,
        kind: ToolKind::Function,
    })
}

fn read_tool_choice(kind: Option<&str>, name: Option<String>) -> Result<ToolChoice, WireError> {
    match kind {
        Some("auto") => Ok(ToolChoice::Auto),
        Some("any") => Ok(ToolChoice::Required),
        Some("none") => Ok(ToolChoice::None),
        Some("tool") => name.map(ToolChoice::One).ok_or_else(|| {
            WireError::malformed("tool_choice.name", "is missing; name the tool to call")
        }),
        Some(other) => {
            let detail = format!("is `{}`; use `auto`, `any`, `tool` or `none`", short(other));
            Err(WireError::malformed("tool_choice.type", detail))
        }
        None => {
            let detail = "is missing; use `auto`, `any`, `tool` or `none`";
            Err(WireError::malformed("tool_choice.type", detail))
        }
    }
}

fn reasoning(
    thinking: Option<&Thinking>,
    config: Option<&OutputConfig<'_>>,
) -> Result<Reasoning, WireError> {
    let effort = match config.and_then(|config| config.effort.as_deref()) {
        Some(word) => Some(effort(word)?),
        None => None,
    };
    let by_effort = |otherwise| effort.map_or(otherwise, ReasoningAmount::Effort);
    let Some(thinking) = thinking else {
        return Ok(Reasoning { amount: by_effort(ReasoningAmount::NotSaid), show: None });
    };
    let amount = match thinking.kind.as_deref() {
        Some("enabled") => match thinking.budget_tokens {
            Some(budget) => ReasoningAmount::Budget(budget),
            None => {
                let detail = "is missing; say how many tokens the model may think";
                return Err(WireError::malformed("thinking.budget_tokens", detail));
            }
        },
        Some("adaptive") => by_effort(ReasoningAmount::Adaptive),
        Some("disabled") => ReasoningAmount::Off,
        // The least that some models can do.
        Some("between_tools") => by_effort(ReasoningAmount::Effort(Effort::Low)),
        other => {
            let said =
                other.map_or_else(|| "is missing".to_owned(), |w| format!("is `{}`", short(w)));
            let detail =
                format!("{said}; use `enabled`, `adaptive`, `disabled` or `between_tools`");
            return Err(WireError::malformed("thinking.type", detail));
        }
    };
    let show = match thinking.display.as_deref() {
        None => None,
        Some("omitted") => Some(false),
        Some("summarized") => Some(true),
        Some(other) => {
            let detail = format!("is `{}`; use `summarized` or `omitted`", short(other));
            return Err(WireError::malformed("thinking.display", detail));
        }
    };
    Ok(Reasoning { amount, show })
}

fn effort(word: &str) -> Result<Effort, WireError> {
    // This format has no `minimal`.
    let known = Effort::of_word(word).filter(|effort| *effort != Effort::Minimal);
    known.ok_or_else(|| {
        let detail = format!("is `{}`; use `low`, `medium`, `high`, `xhigh` or `max`", short(word));
        WireError::malformed("output_config.effort", detail)
    })
}

fn output(config: Option<&OutputConfig<'_>>) -> Result<OutputFormat, WireError> {
    let Some(format) = config.and_then(|config| config.format.as_ref()) else {
        return Ok(OutputFormat::Text);
    };
    if format.kind.as_deref() != Some("json_schema") {
        return Err(WireError::malformed("output_config.format.type", "must be `json_schema`"));
    }
    let Some(schema) = format.schema else {
        let detail = "is missing; send the JSON Schema of the answer";
        return Err(WireError::malformed("output_config.format.schema", detail));
    };
    // Not `strict`: OpenAI's strict mode refuses schemas with optional members, this one takes them.
    let schema = schema.to_owned();
    Ok(OutputFormat::JsonSchema { name: None, description: None, schema, strict: None })
}

/// Returns the beginning of a client's word, fit for a message.
fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

/// Makes the text parts of a plain string; an empty one says nothing.
fn text_parts(text: String) -> Vec<Part> {
    if text.is_empty() { Vec::new() } else { vec![Part::new(PartKind::Text(text))] }
}
