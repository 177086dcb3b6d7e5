//! How much reasoning is asked for, by the control the model has.

use super::Writing;
use super::body::{Message, Thinking};
use super::options::{DEFAULT_LIMIT, Limit, LimitSource};
use super::tools;
use crate::WireFormat;
use crate::chat::{Effort, ReasoningAmount};
use crate::field_names::Field;
use crate::model_facts::ThinkingControl;

/// Least budget the API takes, in tokens.
const LEAST_BUDGET: u64 = 1024;
/// Budget where the client leaves it to a model that must be told, in tokens.
const ADAPTIVE_BUDGET: u64 = 8192;

/// What goes out about reasoning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// `max_tokens`.
    pub(super) limit: u64,
    pub(super) thinking: Option<Thinking>,
    /// `output_config.effort`.
    pub(super) effort: Option<&'static str>,
}

/// Chooses the reasoning fields, and the limit that must leave room for them.
pub(super) fn plan(writing: &mut Writing<'_, '_>, limit: Limit, messages: &[Message<'_>]) -> Plan {
    let amount = &writing.request.reasoning.amount;
    let mut plan = Plan { limit: limit.tokens, thinking: None, effort: None };
    match writing.facts.thinking {
        ThinkingControl::None => {
            let is_nothing = matches!(amount, ReasoningAmount::NotSaid | ReasoningAmount::Off);
            if !is_nothing {
                writing.drop(Field::THINKING, "the model does not reason");
            }
        }
        ThinkingControl::Budget => with_budget(writing, limit, &mut plan),
        ThinkingControl::Adaptive | ThinkingControl::Level => adaptive(writing, &mut plan),
        ThinkingControl::Unknown => match amount {
            ReasoningAmount::Off => plan.thinking = Some(kind("disabled")),
            ReasoningAmount::Adaptive => plan.thinking = Some(kind("adaptive")),
            // The older of the vendor's two ways, which those who speak its format learnt first.
            _ => with_budget(writing, limit, &mut plan),
        },
    }
    if plan.thinking.as_ref().is_some_and(|thinking| thinking.kind == "enabled") {
        switch_off_if_refused(writing, limit, &mut plan, messages);
    }
    show(writing, &mut plan);
    plan
}

/// Returns the headers the reasoning depends on: older models think between calls only with a beta.
pub(super) fn headers(
    writing: &Writing<'_, '_>,
    thinking: Option<&Thinking>,
) -> Vec<(&'static str, &'static str)> {
    let is_manual = thinking.is_some_and(|thinking| thinking.kind == "enabled");
    let is_needed = is_manual
        && writing.facts.thinking == ThinkingControl::Budget
        && !writing.request.tools.is_empty();
    if is_needed { vec![("anthropic-beta", "interleaved-thinking-2025-05-14")] } else { Vec::new() }
}

const fn kind(kind: &'static str) -> Thinking {
    Thinking { kind, budget_tokens: None, display: None }
}

fn with_budget(writing: &mut Writing<'_, '_>, limit: Limit, plan: &mut Plan) {
    let wanted = match writing.request.reasoning.amount {
        ReasoningAmount::NotSaid | ReasoningAmount::Off => return,
        ReasoningAmount::Adaptive => {
            writing.approximate(Field::THINKING, "sent as a budget of 8192 tokens");
            ADAPTIVE_BUDGET
        }
        ReasoningAmount::Effort(Effort::Max) if limit.source != LimitSource::Default => {
            limit.tokens.saturating_sub(1).max(LEAST_BUDGET)
        }
        ReasoningAmount::Effort(effort) => u64::from(effort.max(Effort::Low).tokens()),
        ReasoningAmount::Budget(budget) => budget,
    };
    if wanted < LEAST_BUDGET {
        writing.approximate(Field::THINKING, "raised to the least budget of 1024 tokens");
    }
    let wanted = wanted.max(LEAST_BUDGET);
    if limit.source == LimitSource::Default {
        // Nobody set a limit, so the answer gets its room beside the reasoning.
        plan.limit = wanted.saturating_add(DEFAULT_LIMIT);
    }
    let most = plan.limit.saturating_sub(1);
    if most < LEAST_BUDGET {
        writing.approximate(Field::THINKING, "switched off: the limit leaves no room for it");
        return;
    }
    if wanted > most {
        writing.approximate(Field::THINKING, "budget lowered below the limit of the answer");
    }
    plan.thinking = Some(Thinking { budget_tokens: Some(wanted.min(most)), ..kind("enabled") });
}

fn adaptive(writing: &mut Writing<'_, '_>, plan: &mut Plan) {
    let effort = match writing.request.reasoning.amount {
        ReasoningAmount::NotSaid => {
            // What is to be seen must be there.
            plan.thinking =
                (writing.request.reasoning.show == Some(true)).then(|| kind("adaptive"));
            return;
        }
        ReasoningAmount::Off if writing.facts.always_thinks => {
            writing.approximate(Field::THINKING, "the model thinks at least between calls");
            plan.thinking = Some(kind("between_tools"));
            return;
        }
        ReasoningAmount::Off => {
            plan.thinking = Some(kind("disabled"));
            return;
        }
        ReasoningAmount::Adaptive => {
            plan.thinking = Some(kind("adaptive"));
            return;
        }
        ReasoningAmount::Effort(effort) => effort,
        ReasoningAmount::Budget(budget) => {
            writing.approximate(Field::THINKING, "the budget is sent as an effort");
            Effort::nearest(budget)
        }
    };
    let sent = writing.facts.nearest_level(effort.max(Effort::Low));
    if sent != effort {
        let detail = format!("the model has no `{}`; sent as `{}`", effort.word(), sent.word());
        writing.approximate(Field::THINKING, detail);
    }
    plan.thinking = Some(kind("adaptive"));
    plan.effort = Some(sent.word());
}

/// A thinking budget excludes forced calls, and demands that a step that is under way began with
/// thinking. The call and the conversation count more than the reasoning.
fn switch_off_if_refused(
    writing: &mut Writing<'_, '_>,
    limit: Limit,
    plan: &mut Plan,
    messages: &[Message<'_>],
) {
    let why = if tools::is_forced(writing.request) {
        "switched off: a call is demanded"
    } else if has_unthought_step(messages) {
        "switched off: the last step of the history came without signed thinking"
    } else {
        return;
    };
    writing.approximate(Field::THINKING, why);
    plan.thinking = None;
    plan.limit = limit.tokens;
}

/// Tells whether the last assistant message has calls but does not begin with thinking.
fn has_unthought_step(messages: &[Message<'_>]) -> bool {
    let Some(last) = messages.iter().rfind(|message| message.role == "assistant") else {
        return false;
    };
    let has_calls = last.content.iter().any(|block| block.kind() == "tool_use");
    let first = last.content.first().map_or("", |block| block.kind());
    has_calls && !matches!(first, "thinking" | "redacted_thinking")
}

/// Says whether the reasoning is to be shown, to models known to understand that.
fn show(writing: &Writing<'_, '_>, plan: &mut Plan) {
    let is_understood = writing.facts.thinking != ThinkingControl::Unknown
        || writing.request.origin == Some(WireFormat::Anthropic);
    if let Some(thinking) = &mut plan.thinking
        && thinking.kind != "disabled"
        && is_understood
    {
        let word = |shown| if shown { "summarized" } else { "omitted" };
        thinking.display = writing.request.reasoning.show.map(word);
    }
}
