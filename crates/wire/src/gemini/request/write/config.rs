//! Writes `generationConfig`.

use serde_json::{Map, Value, json};

use super::{Writing, names, thinking};
use crate::WireFormat;
use crate::chat::{OutputFormat, RawJson};
use crate::field_names::Field;
use crate::gemini::schema;
use crate::model_facts::SamplingSupport;

/// Most stop sequences Google takes.
const MAX_STOPS: usize = 5;

/// Writes `generationConfig`; empty if nothing was said.
pub(super) fn write(writing: &mut Writing<'_, '_>) -> Map<String, Value> {
    let mut config = Map::new();
    sampling(writing, &mut config);
    limit(writing, &mut config);
    output(writing, &mut config);
    modalities(writing, &mut config);
    let thinking = thinking::write(writing);
    if !thinking.is_empty() {
        config.insert("thinkingConfig".to_owned(), Value::Object(thinking));
    }
    config
}

fn sampling(writing: &mut Writing<'_, '_>, config: &mut Map<String, Value>) {
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
    if said.logit_bias.is_some() {
        writing.drop(Field::LOGIT_BIAS, "token ids are a vendor's own");
    }
    if said.stop.len() > MAX_STOPS {
        let detail = "sequences after the fifth are looked for in the answer";
        writing.approximate(Field::STOP, detail);
        writing.aftercare.stop.extend_from_slice(&said.stop[MAX_STOPS..]);
    }
    if !said.stop.is_empty() {
        let stops: Vec<&str> = said.stop.iter().take(MAX_STOPS).map(String::as_str).collect();
        config.insert("stopSequences".to_owned(), json!(stops));
    }
}

/// Asks for sound or pictures besides text.
fn modalities(writing: &mut Writing<'_, '_>, config: &mut Map<String, Value>) {
    let request = writing.request;
    if let Some(audio) = &request.audio {
        let field = names::AUDIO.name(request);
        match audio.format.as_deref() {
            None | Some("pcm16") => {}
            Some(format) => {
                let why = format!("Gemini answers in `pcm16`, not in `{format}`; ask for that");
                writing.refused.add(field, why);
            }
        }
        if request.origin != Some(WireFormat::Gemini) {
            writing.notes.approximate(field, "sent as responseModalities and speechConfig");
        }
        config.insert("responseModalities".to_owned(), json!(["AUDIO"]));
        if let Some(voice) = &audio.voice {
            let speech = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}});
            config.insert("speechConfig".to_owned(), speech);
        }
    } else if request.wants_images {
        config.insert("responseModalities".to_owned(), json!(["TEXT", "IMAGE"]));
    }
}

fn limit(writing: &mut Writing<'_, '_>, config: &mut Map<String, Value>) {
    let request = writing.request;
    let Some(asked) = request.max_output_tokens else { return };
    let field = Field::MAX_TOKENS.name(request);
    if asked == 0 {
        writing.refused.add(field, "Gemini needs a limit of at least 1; send one or leave it out");
        return;
    }
    let limit = writing.facts.max_output_tokens.map_or(asked, |most| most.min(asked));
    if limit < asked {
        writing.notes.approximate(field, "lowered to the model's maximum");
    }
    config.insert("maxOutputTokens".to_owned(), Value::from(limit));
}

fn output(writing: &mut Writing<'_, '_>, config: &mut Map<String, Value>) {
    match &writing.request.output {
        OutputFormat::Text => return,
        OutputFormat::JsonObject => {}
        OutputFormat::JsonSchema { schema, strict, .. } => {
            if *strict == Some(false) {
                writing.approximate(Field::OUTPUT, "the schema is always satisfied exactly");
            }
            answer_schema(writing, schema, config);
        }
    }
    config.insert("responseMimeType".to_owned(), Value::from("application/json"));
}

fn answer_schema(writing: &mut Writing<'_, '_>, raw: &RawJson, config: &mut Map<String, Value>) {
    let field = Field::OUTPUT.name(writing.request);
    if writing.facts.json_schema {
        match serde_json::from_str::<Value>(raw.get()) {
            Ok(value) => {
                config.insert("responseJsonSchema".to_owned(), value);
            }
            Err(fault) => writing.refused.add(field, format!("its schema cannot be read: {fault}")),
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
        Err(why) => writing.refused.add(field, why),
    }
}
