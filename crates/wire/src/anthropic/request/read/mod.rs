//! Reads a request into canonical form.

mod hosted;
mod parts;
mod shape;
#[cfg(test)]
mod tests;
mod tools;

use self::parts::{Findings, Speaker};
use self::shape::{Body, Message, OutputConfig, Thinking, Written};
use crate::WireFormat;
use crate::chat::{
    ChatRequest, Delivery, Effort, OutputFormat, Part, PartKind, Reasoning, ReasoningAmount, Role,
    Sampling, ToolChoice, Turn,
};
use crate::codec::{Peek, WireError};
use crate::locate;
use crate::members::{AsWritten, Place};

/// The member that holds the conversation.
const MESSAGES: &str = "messages";

/// The member that holds what a message says.
const CONTENT: &str = "content";

/// Reads a request.
pub(in crate::anthropic) fn read(body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError> {
    let mut written = AsWritten::new(body);
    let body: Body<'_> = locate::body(body)?;
    let Some(messages) = body.messages else {
        return Err(WireError::malformed(MESSAGES, "is missing; send at least one message"));
    };

    let mut findings = Findings::default();
    let mut turns = match body.system {
        Some(system) => system_turns(system, &mut findings)?,
        None => Vec::new(),
    };
    let leading = turns.len();
    for (position, message) in messages.into_iter().enumerate() {
        let turn = turn(message, Place { list: MESSAGES, position }, &mut written, &mut findings)?;
        if std::mem::take(&mut findings.is_compacted) {
            turns.truncate(leading);
        }
        turns.push(turn);
    }
    let mut tools = Vec::new();
    for (index, raw) in body.tools.unwrap_or_default().into_iter().enumerate() {
        tools.push(tools::read(raw, &format!("tools[{index}]"), &mut findings.notes)?);
    }
    let (tool_choice, parallel_calls) = match body.tool_choice {
        Some(choice) => (
            tools::choice(choice.kind.as_deref(), choice.name)?,
            choice.disable_parallel_tool_use.map(|disabled| !disabled),
        ),
        None => (ToolChoice::NotSaid, None),
    };
    note_thinking(body.thinking.as_ref(), body.output_config.as_ref(), &mut findings);
    findings.refused.or(ChatRequest {
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
        service_tier: body.service_tier.map(service_tier),
        notes: findings.notes,
        extra: body.extra.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        ..ChatRequest::default()
    })
}

/// Reads the system prompt as one turn for each block: joining them would lose cache marks.
fn system_turns(system: Written<'_>, findings: &mut Findings) -> Result<Vec<Turn>, WireError> {
    let parts = parts::read_raw(system, Speaker::System, "system", findings)?;
    Ok(parts
        .into_iter()
        .map(|part| Turn { role: Role::System, parts: vec![part], name: None })
        .collect())
}

fn turn(
    message: Message<'_>,
    path: Place,
    body: &mut AsWritten<'_>,
    findings: &mut Findings,
) -> Result<Turn, WireError> {
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
    let at = format!("{path}.{CONTENT}");
    let Some(content) = message.content else {
        return Err(WireError::malformed(at, "is missing; send a string or a list of blocks"));
    };
    let parts = if content.is_plain() {
        parts::read(content, speaker, &at, findings)?
    } else {
        let content = locate::part(body.member(path, CONTENT)?, &at)?;
        parts::read_raw(content, speaker, &at, findings)?
    };
    Ok(Turn { role, parts, name: None })
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
            Some(budget) => ReasoningAmount::of_budget(budget),
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

/// Notes what of the reasoning other formats have no word for. Where both an effort and thinking that says
/// how much are asked for, they have one word for the two.
fn note_thinking(
    thinking: Option<&Thinking>,
    config: Option<&OutputConfig<'_>>,
    findings: &mut Findings,
) {
    let has_effort = config.is_some_and(|config| config.effort.is_some());
    match thinking.and_then(|thinking| thinking.kind.as_deref()) {
        Some("between_tools") => findings.notes.approximate("thinking", "sent as a low effort"),
        Some("enabled" | "disabled") if has_effort => {
            findings.notes.approximate("output_config.effort", "what `thinking` asks for counts");
        }
        _ => {}
    }
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

/// Returns how urgently to serve, in OpenAI's words.
fn service_tier(word: String) -> String {
    if word == "standard_only" { "default".to_owned() } else { word }
}

/// Returns the beginning of a client's word, fit for a message.
fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

/// Makes the text parts of a plain string; an empty one says nothing.
fn text_parts(text: String) -> Vec<Part> {
    if text.is_empty() { Vec::new() } else { vec![Part::new(PartKind::Text(text))] }
}
