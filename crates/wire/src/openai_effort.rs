//! The word for an amount of reasoning, as both of OpenAI's formats write it.

use crate::chat::{Effort, ReasoningAmount};
use crate::field_names::Field;
use crate::model_facts::ThinkingControl;
use crate::writing::Writing;

/// Returns the word for the amount of reasoning; `None` leaves it to the model.
pub(crate) fn word(writing: &mut Writing<'_, '_>) -> Option<&'static str> {
    let amount = &writing.request.reasoning.amount;
    if writing.facts.thinking == ThinkingControl::None {
        if !matches!(amount, ReasoningAmount::NotSaid | ReasoningAmount::Off) {
            writing.drop(Field::THINKING, "the model has no control over reasoning");
        }
        return None;
    }
    match *amount {
        ReasoningAmount::NotSaid | ReasoningAmount::Adaptive => None,
        ReasoningAmount::Off => Some("none"),
        ReasoningAmount::Effort(effort) => Some(effort.word()),
        ReasoningAmount::Budget(tokens) => {
            writing.approximate(Field::THINKING, "a budget is sent as the nearest effort");
            Some(Effort::nearest(tokens).word())
        }
    }
}
