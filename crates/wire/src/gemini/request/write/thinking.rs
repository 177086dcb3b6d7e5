//! Writes `thinkingConfig`.

use serde_json::{Map, Value};

use super::Writing;
use crate::WireFormat;
use crate::chat::{Effort, ReasoningAmount};
use crate::field_names::Field;
use crate::model_facts::{ModelFacts, ThinkingControl};

/// Writes how much the model is to think, and whether it shows its thoughts.
pub(super) fn write(writing: &mut Writing<'_, '_>) -> Map<String, Value> {
    let mut config = Map::new();
    let request = writing.request;
    let reasoning = &request.reasoning;
    let control = writing.facts.thinking;
    let field = Field::THINKING.name(request);
    if control == ThinkingControl::None {
        if !matches!(reasoning.amount, ReasoningAmount::NotSaid | ReasoningAmount::Off) {
            writing.notes.drop(field, "the model has no reasoning");
        }
        return config;
    }
    let amount = match control {
        ThinkingControl::Budget => clipped(budget(&reasoning.amount), writing.facts),
        ThinkingControl::Level | ThinkingControl::Adaptive => {
            level(&reasoning.amount).map(|(wanted, exact)| {
                let level = writing.facts.nearest_level(wanted);
                spelled((level, exact && level == wanted))
            })
        }
        ThinkingControl::Unknown | ThinkingControl::None => as_said(&reasoning.amount),
    };
    if let Some(Amount { member, value, exact }) = amount {
        if !exact {
            let detail = format!("sent as {member} {value}");
            writing.notes.approximate(field, detail);
        }
        config.insert(member.to_owned(), value);
    }
    if shows_thoughts(writing) {
        config.insert("includeThoughts".to_owned(), Value::Bool(true));
    } else if reasoning.show == Some(false) && !config.is_empty() {
        config.insert("includeThoughts".to_owned(), Value::Bool(false));
    }
    config
}

/// Tells whether thoughts are asked for: as the client says, and where it says nothing if its format
/// shows reasoning without being asked (Chat) or reasoning was asked for.
fn shows_thoughts(writing: &Writing<'_, '_>) -> bool {
    let request = writing.request;
    let amount = &request.reasoning.amount;
    if *amount == ReasoningAmount::Off {
        return false;
    }
    let by_habit = request.origin == Some(WireFormat::OpenAiChat)
        && writing.facts.thinking != ThinkingControl::Unknown;
    // Responses clients ask for a summary by name.
    let by_wish =
        *amount != ReasoningAmount::NotSaid && request.origin != Some(WireFormat::OpenAiResponses);
    request.reasoning.show.unwrap_or(by_habit || by_wish)
}

struct Amount {
    member: &'static str,
    value: Value,
    exact: bool,
}

fn budget(amount: &ReasoningAmount) -> Option<Amount> {
    let (tokens, exact) = match amount {
        ReasoningAmount::NotSaid => return None,
        ReasoningAmount::Off => (0, true),
        ReasoningAmount::Adaptive => (-1, true),
        ReasoningAmount::Budget(tokens) => (i64::try_from(*tokens).unwrap_or(i64::MAX), true),
        // The most that every model with a budget takes; the larger ones go up to 32,768.
        ReasoningAmount::Effort(effort) => {
            (i64::from(effort.min(&Effort::High).tokens()), *effort <= Effort::High)
        }
    };
    Some(Amount { member: "thinkingBudget", value: Value::from(tokens), exact })
}

/// Returns the level for an amount, and whether it says just that.
fn level(amount: &ReasoningAmount) -> Option<(Effort, bool)> {
    match amount {
        ReasoningAmount::NotSaid | ReasoningAmount::Adaptive => None,
        // The lowest level that every model has.
        ReasoningAmount::Off => Some((Effort::Low, false)),
        ReasoningAmount::Effort(effort) => {
            Some(((*effort).min(Effort::High), *effort <= Effort::High))
        }
        ReasoningAmount::Budget(tokens) => {
            Some((Effort::nearest(*tokens).min(Effort::High), false))
        }
    }
}

/// Brings a budget into the model's range; the highest levels get the most the model has.
fn clipped(amount: Option<Amount>, facts: &ModelFacts) -> Option<Amount> {
    let (mut amount, (least, most)) = match (amount, facts.thinking_budget) {
        (Some(amount), Some(range)) => (amount, range),
        (amount, _) => return amount,
    };
    let Some(tokens) = amount.value.as_u64() else { return Some(amount) };
    // An inexact number stands for "as much as there is".
    let clipped = if amount.exact { tokens.clamp(least, most.max(least)) } else { most };
    amount.exact &= clipped == tokens;
    amount.value = Value::from(clipped);
    Some(amount)
}

fn spelled((effort, exact): (Effort, bool)) -> Amount {
    let word = effort.word().to_ascii_uppercase();
    Amount { member: "thinkingLevel", value: Value::from(word), exact }
}

/// For a model of which nothing is known: each wish in the field that has it.
fn as_said(amount: &ReasoningAmount) -> Option<Amount> {
    match amount {
        ReasoningAmount::Effort(_) => level(amount).map(spelled),
        _ => budget(amount),
    }
}
