//! Writes a canonical request for a provider of this format.

use std::borrow::Cow;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::outgoing::{
    Body, Declaration, JsonSchema, ResponseFormat, Sampling, StreamOptions, Tool,
};
use super::turns;
use crate::WireFormat;
use crate::aftercare::Aftercare;
use crate::chat::{ChatRequest, Effort, OutputFormat, ReasoningAmount, ToolChoice};
use crate::codec::{Target, WireError, Written};
use crate::model_facts::{ModelFacts, SamplingSupport, ThinkingControl};
use crate::notes::Notes;
use crate::refusals::Refusals;

/// Most stop sequences this format takes.
const MAX_STOPS: usize = 4;

/// Members of other formats without which the answer would be another one.
const DECISIVE_EXTRA: &[&str] = &["cachedContent", "mcp_servers"];

/// What cannot be carried: noted, or refused. Refusals are collected so that one error names them all.
pub(super) struct Loss<'n> {
    pub(super) notes: &'n mut Notes,
    refused: Refusals,
}

impl Loss<'_> {
    /// Records that the request cannot be sent because of this field.
    pub(super) fn refuse(&mut self, field: &'static str, why: impl Into<Cow<'static, str>>) {
        if !self.refused.contains(field) {
            self.refused.add(field, why.into());
        }
    }
}

/// Writes a request.
///
/// # Errors
///
/// [`WireError::Unsupported`] with every field whose loss would change what was asked for.
pub(crate) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Written, WireError> {
    let facts = target.facts;
    let mut loss = Loss { notes, refused: Refusals::default() };
    let messages = turns::write(request, facts, &mut loss);
    if messages.is_empty() {
        loss.refuse("messages", "nothing is left to send");
    }
    let mut body = Body { model: target.model, messages, ..Body::default() };
    body.sampling = sampling(request, facts, &mut loss);
    body.reasoning_effort = effort(request, facts, &mut loss);
    add_tools(&mut body, request, &mut loss);
    add_output(&mut body, request);
    add_limit(&mut body, request, facts, &mut loss);
    add_rest(&mut body, request, facts, &mut loss);
    let body = loss.refused.or_body(&body)?;
    let stream = request.delivery.stream;
    Ok(Written { body, stream, headers: Vec::new(), aftercare: Aftercare::default() })
}

fn sampling<'a>(request: &'a ChatRequest, facts: &ModelFacts, loss: &mut Loss<'_>) -> Sampling<'a> {
    let said = &request.sampling;
    let own = request.origin == Some(WireFormat::OpenAiChat);
    if said.stop.len() > MAX_STOPS {
        loss.notes.drop("stop", "only the first four stop sequences are sent");
    }
    let mut sampling = Sampling {
        temperature: said.temperature,
        top_p: said.top_p,
        top_k: said.top_k.filter(|_| own),
        seed: said.seed,
        presence_penalty: said.presence_penalty,
        frequency_penalty: said.frequency_penalty,
        stop: &said.stop[..said.stop.len().min(MAX_STOPS)],
        n: said.n.filter(|&n| n > 1),
        logprobs: said.logprobs,
        top_logprobs: said.top_logprobs,
    };
    if said.top_k.is_some() && !own {
        loss.notes.drop("top_k", "chat completions has no top-k sampling");
    }
    match facts.sampling {
        SamplingSupport::All => {}
        SamplingSupport::NotBoth => {
            if sampling.temperature.is_some() && sampling.top_p.take().is_some() {
                loss.notes.drop("top_p", "the model takes temperature or top_p, not both");
            }
        }
        SamplingSupport::None => drop_sampling(&mut sampling, loss),
    }
    sampling
}

/// Leaves out what a reasoning model refuses. A value of 1 is the default and no loss.
fn drop_sampling(sampling: &mut Sampling<'_>, loss: &mut Loss<'_>) {
    let is_default = |value: f64| (value - 1.0).abs() < f64::EPSILON;
    let mut lost = Vec::new();
    if sampling.temperature.take().is_some_and(|value| !is_default(value)) {
        lost.push("temperature");
    }
    if sampling.top_p.take().is_some_and(|value| !is_default(value)) {
        lost.push("top_p");
    }
    if sampling.top_k.take().is_some() {
        lost.push("top_k");
    }
    if sampling.presence_penalty.take().is_some_and(|value| value != 0.0) {
        lost.push("presence_penalty");
    }
    if sampling.frequency_penalty.take().is_some_and(|value| value != 0.0) {
        lost.push("frequency_penalty");
    }
    if sampling.logprobs.take() == Some(true) {
        lost.push("logprobs");
    }
    sampling.top_logprobs = None;
    for field in lost {
        loss.notes.drop(field, "the model takes no sampling fields");
    }
}

fn effort(request: &ChatRequest, facts: &ModelFacts, loss: &mut Loss<'_>) -> Option<&'static str> {
    let amount = &request.reasoning.amount;
    if facts.thinking == ThinkingControl::None {
        if !matches!(amount, ReasoningAmount::NotSaid | ReasoningAmount::Off) {
            loss.notes.drop("reasoning", "the model has no control over reasoning");
        }
        return None;
    }
    match *amount {
        ReasoningAmount::NotSaid | ReasoningAmount::Adaptive => None,
        ReasoningAmount::Off => Some("none"),
        ReasoningAmount::Effort(effort) => Some(effort.word()),
        ReasoningAmount::Budget(tokens) => {
            loss.notes.approximate("thinking budget", "sent as the nearest effort");
            Some(if tokens == 0 { "none" } else { Effort::nearest(tokens).word() })
        }
    }
}

fn add_tools<'a>(body: &mut Body<'a>, request: &'a ChatRequest, loss: &mut Loss<'_>) {
    for tool in &request.tools {
        match tool.of_vendor() {
            None => body.tools.push(Tool::Function {
                kind: "function",
                function: Declaration {
                    name: &tool.name,
                    description: tool.description.as_deref().filter(|text| !text.is_empty()),
                    parameters: tool.schema.as_ref(),
                    strict: tool.strict,
                },
            }),
            Some((WireFormat::OpenAiChat, raw)) => {
                body.tools.push(Tool::Own(raw));
            }
            Some(_) => {
                let why = format!("`{}` is run by another provider", tool.name);
                loss.refuse("tools", why);
            }
        }
    }
    if body.tools.is_empty() {
        return;
    }
    body.tool_choice = choice(&request.tool_choice);
    body.parallel_tool_calls = request.parallel_calls.filter(|&parallel| !parallel);
}

fn choice(choice: &ToolChoice) -> Option<Value> {
    let function = |name: &String| json!({"type": "function", "function": {"name": name}});
    match choice {
        ToolChoice::NotSaid => None,
        ToolChoice::Auto => Some("auto".into()),
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::One(name) => Some(function(name)),
        ToolChoice::Allowed { required, names } => {
            let mode = if *required { "required" } else { "auto" };
            let tools: Vec<Value> = names.iter().map(function).collect();
            Some(json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}))
        }
    }
}

fn add_output<'a>(body: &mut Body<'a>, request: &'a ChatRequest) {
    body.response_format = match &request.output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => Some(ResponseFormat::JsonObject),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let json_schema = JsonSchema {
                name: name.as_deref().unwrap_or("response"),
                description: description.as_deref(),
                strict: *strict,
                schema,
            };
            Some(ResponseFormat::JsonSchema { json_schema })
        }
    };
}

fn add_limit(body: &mut Body<'_>, request: &ChatRequest, facts: &ModelFacts, loss: &mut Loss<'_>) {
    let Some(said) = request.max_output_tokens else { return };
    if said == 0 {
        loss.refuse("max_tokens", "chat completions cannot be asked for an answer of 0 tokens");
        return;
    }
    let limit = facts.max_output_tokens.map_or(said, |most| most.min(said));
    if limit < said {
        let detail = format!("lowered to the model's limit of {limit}");
        loss.notes.approximate("max_tokens", detail);
    }
    let place = if facts.max_completion_tokens {
        &mut body.max_completion_tokens
    } else {
        &mut body.max_tokens
    };
    *place = Some(limit);
}

/// Returns the end user's name for this vendor.
///
/// What a client of another format put there was meant for another vendor and may hold account and
/// session ids, so only its SHA-256 goes out.
fn end_user<'a>(user: &'a str, request: &ChatRequest) -> Cow<'a, str> {
    if request.origin == Some(WireFormat::OpenAiChat) {
        return Cow::Borrowed(user);
    }
    let hash = Sha256::digest(user.as_bytes());
    Cow::Owned(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add_rest<'a>(
    body: &mut Body<'a>,
    request: &'a ChatRequest,
    facts: &ModelFacts,
    loss: &mut Loss<'_>,
) {
    if request.delivery.stream {
        body.stream = Some(true);
        body.stream_options =
            (!facts.no_stream_usage).then_some(StreamOptions { include_usage: true });
    }
    // Only OpenAI itself knows the member; strict imitators refuse a request that has it.
    if facts.max_completion_tokens {
        body.safety_identifier = request.end_user.as_deref().map(|user| end_user(user, request));
    } else if request.end_user.is_some() {
        loss.notes.drop("user", "the provider may refuse a request that names the end user");
    }
    if request.origin == Some(WireFormat::OpenAiChat) {
        body.extra = Some(&request.extra);
    } else {
        for name in request.extra.keys() {
            match DECISIVE_EXTRA.iter().find(|field| **field == name.as_str()) {
                Some(field) => {
                    loss.refuse(field, "the answer depends on it and only its own vendor has it")
                }
                None => loss.notes.drop(name.clone(), "chat completions has no such field"),
            }
        }
    }
}
