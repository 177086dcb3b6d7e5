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
        ReasoningAmount::Off if writing.facts.always_thinks => {
            writing.approximate(Field::THINKING, "the model always reasons; sent as little effort");
            let lowest = writing.facts.thinking_levels.iter().min().copied();
            Some(lowest.unwrap_or(Effort::Low).word())
        }
        ReasoningAmount::Off => Some("none"),
        ReasoningAmount::Effort(wanted) => {
            let effort = writing.facts.nearest_level(wanted);
            if effort != wanted {
                let detail =
                    format!("the model has no `{}`; sent as `{}`", wanted.word(), effort.word());
                writing.approximate(Field::THINKING, detail);
            }
            Some(effort.word())
        }
        ReasoningAmount::Budget(tokens) => {
            writing.approximate(Field::THINKING, "a budget is sent as the nearest effort");
            Some(writing.facts.nearest_level(Effort::nearest(tokens)).word())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;
    use crate::codec::Target;
    use crate::model_facts::ModelFacts;
    use crate::notes::Notes;

    #[test]
    fn the_word_is_one_that_the_model_has() {
        let check = |facts: &ModelFacts, amount: ReasoningAmount, expected: &str, exact: bool| {
            let mut request = ChatRequest::default();
            request.reasoning.amount = amount.clone();
            let (target, mut notes) = (Target::new("m", facts), Notes::default());
            let word = word(&mut Writing::new(&request, &target, &mut notes));
            assert_eq!(word, Some(expected), "{amount:?}");
            assert_eq!(notes.entries().is_empty(), exact, "{amount:?}");
        };
        let (off, effort) = (ReasoningAmount::Off, ReasoningAmount::Effort);
        let any = ModelFacts::default();
        check(&any, off.clone(), "none", true);
        check(&any, effort(Effort::Max), "max", true);
        let old = ModelFacts {
            thinking_levels: vec![Effort::Low, Effort::Medium, Effort::High],
            always_thinks: true,
            ..ModelFacts::default()
        };
        check(&old, off.clone(), "low", false);
        check(&old, effort(Effort::Minimal), "low", false);
        check(&old, effort(Effort::Medium), "medium", true);
        check(&old, effort(Effort::Max), "high", false);
        check(&old, ReasoningAmount::Budget(100), "low", false);
        let new = ModelFacts { always_thinks: false, ..old };
        check(&new, off, "none", true);
    }
}
