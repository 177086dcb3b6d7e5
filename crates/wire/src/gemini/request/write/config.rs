//! Writes `generationConfig`.

use serde_json::{Map, Value, json};

use super::Writing;
use crate::WireFormat;
use crate::chat::{Effort, OutputFormat, RawJson, ReasoningAmount};
use crate::field_names::Field;
use crate::gemini::schema;
use crate::model_facts::{SamplingSupport, ThinkingControl};

/// Most stop sequences Google takes.
const MAX_STOPS: usize = 5;

/// Writes `generationConfig`; empty if nothing was said.
pub(super) fn write(writing: &mut Writing<'_>) -> Map<String, Value> {
    let mut config = Map::new();
    sampling(writing, &mut config);
    limit(writing, &mut config);
    output(writing, &mut config);
    let thinking = thinking(writing);
    if !thinking.is_empty() {
        config.insert("thinkingConfig".to_owned(), Value::Object(thinking));
    }
    config
}

fn sampling(writing: &mut Writing<'_>, config: &mut Map<String, Value>) {
    let request = writing.request;
    let said = &request.sampling;
    let support = writing.facts.sampling;
    let both = said.temperature.is_some() && said.top_p.is_some();
    let numbers = [
        (Field::TEMPERATURE, "temperature", said.temperature.map(Value::from)),
        (Field::TOP_P, "topP", said.top_p.map(Value::from)),
        (Field::TOP_K, "topK", said.top_k.map(Value::from)),
        (Field::PRESENCE_PENALTY, "presencePenalty", said.presence_penalty.map(Value::from)),
        (Field::FREQUENCY_PENALTY, "frequencyPenalty", said.frequency_penalty.map(Value::from)),
        (Field::SEED, "seed", said.seed.map(Value::from)),
    ];
    for (field, own, value) in numbers {
        let Some(value) = value else { continue };
        let not_both = support == SamplingSupport::NotBoth && both && field == Field::TOP_P;
        if support == SamplingSupport::None && field != Field::SEED {
            writing.notes.drop(field.name(request), "the model takes no sampling fields");
        } else if not_both {
            writing.notes.drop(field.name(request), "the model takes temperature or top_p");
        } else {
            config.insert(own.to_owned(), value);
        }
    }
    if let Some(n) = said.n {
        config.insert("candidateCount".to_owned(), Value::from(n));
    }
    if said.logprobs == Some(true) {
        config.insert("responseLogprobs".to_owned(), Value::Bool(true));
        if let Some(top) = said.top_logprobs {
            config.insert("logprobs".to_owned(), Value::from(top));
        }
    }
    if said.stop.len() > MAX_STOPS {
        let detail = "only the first five stop sequences are sent";
        writing.notes.approximate(Field::STOP.name(request), detail);
    }
    if !said.stop.is_empty() {
        let stops: Vec<&str> = said.stop.iter().take(MAX_STOPS).map(String::as_str).collect();
        config.insert("stopSequences".to_owned(), json!(stops));
    }
}

fn limit(writing: &mut Writing<'_>, config: &mut Map<String, Value>) {
    let request = writing.request;
    let Some(asked) = request.max_output_tokens else { return };
    let field = Field::MAX_TOKENS.name(request);
    if asked == 0 {
        writing.refuse(field, "Gemini needs a limit of at least 1; send one or leave it out");
        return;
    }
    let limit = writing.facts.max_output_tokens.map_or(asked, |most| most.min(asked));
    if limit < asked {
        writing.notes.approximate(field, "lowered to the model's maximum");
    }
    config.insert("maxOutputTokens".to_owned(), Value::from(limit));
}

fn output(writing: &mut Writing<'_>, config: &mut Map<String, Value>) {
    match &writing.request.output {
        OutputFormat::Text => return,
        OutputFormat::JsonObject => {}
        OutputFormat::JsonSchema { schema, strict, .. } => {
            if *strict == Some(false) {
                let field = Field::OUTPUT.name(writing.request);
                writing.notes.approximate(field, "the schema is always satisfied exactly");
            }
            answer_schema(writing, schema, config);
        }
    }
    config.insert("responseMimeType".to_owned(), Value::from("application/json"));
}

fn answer_schema(writing: &mut Writing<'_>, raw: &RawJson, config: &mut Map<String, Value>) {
    let field = Field::OUTPUT.name(writing.request);
    if writing.facts.json_schema {
        match serde_json::from_str::<Value>(raw.get()) {
            Ok(value) => {
                config.insert("responseJsonSchema".to_owned(), value);
            }
            Err(fault) => writing.refuse(field, format!("its schema cannot be read: {fault}")),
        }
        return;
    }
    match schema::clean(raw) {
        Ok(cleaned) => {
            if cleaned.changed {
                writing.notes.approximate(field, "constraints the model refuses are left out");
            }
            if let Some(value) = cleaned.schema {
                config.insert("responseSchema".to_owned(), value);
            }
        }
        Err(why) => writing.refuse(field, why),
    }
}

fn thinking(writing: &mut Writing<'_>) -> Map<String, Value> {
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
        ThinkingControl::Budget => budget(&reasoning.amount),
        ThinkingControl::Level | ThinkingControl::Adaptive => level(&reasoning.amount),
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
    }
    config
}

/// Tells whether thoughts are asked for: as the client says, and where it says nothing if its format
/// shows reasoning without being asked (Chat) or reasoning was asked for.
fn shows_thoughts(writing: &Writing<'_>) -> bool {
    let request = writing.request;
    let amount = &request.reasoning.amount;
    if *amount == ReasoningAmount::Off {
        return false;
    }
    let by_habit = request.origin == Some(WireFormat::OpenAiChat)
        && writing.facts.thinking != ThinkingControl::Unknown;
    request.reasoning.show.unwrap_or(by_habit || *amount != ReasoningAmount::NotSaid)
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
        ReasoningAmount::Effort(Effort::Minimal) => (512, true),
        ReasoningAmount::Effort(Effort::Low) => (1_024, true),
        ReasoningAmount::Effort(Effort::Medium) => (8_192, true),
        ReasoningAmount::Effort(Effort::High) => (24_576, true),
        // The most that every model with a budget takes; the larger ones go up to 32,768.
        ReasoningAmount::Effort(Effort::XHigh | Effort::Max) => (24_576, false),
    };
    Some(Amount { member: "thinkingBudget", value: Value::from(tokens), exact })
}

fn level(amount: &ReasoningAmount) -> Option<Amount> {
    let (word, exact) = match amount {
        ReasoningAmount::NotSaid | ReasoningAmount::Adaptive => return None,
        // The lowest level that every model has.
        ReasoningAmount::Off => ("LOW", false),
        ReasoningAmount::Effort(Effort::Minimal) => ("MINIMAL", true),
        ReasoningAmount::Effort(Effort::Low) => ("LOW", true),
        ReasoningAmount::Effort(Effort::Medium) => ("MEDIUM", true),
        ReasoningAmount::Effort(Effort::High) => ("HIGH", true),
        ReasoningAmount::Effort(Effort::XHigh | Effort::Max) => ("HIGH", false),
        ReasoningAmount::Budget(0) => ("LOW", false),
        ReasoningAmount::Budget(..=512) => ("MINIMAL", false),
        ReasoningAmount::Budget(..=4_096) => ("LOW", false),
        ReasoningAmount::Budget(..=16_384) => ("MEDIUM", false),
        ReasoningAmount::Budget(_) => ("HIGH", false),
    };
    Some(Amount { member: "thinkingLevel", value: Value::from(word), exact })
}

/// For a model of which nothing is known: each wish in the field that has it.
fn as_said(amount: &ReasoningAmount) -> Option<Amount> {
    match amount {
        ReasoningAmount::Effort(_) => level(amount),
        _ => budget(amount),
    }
}
