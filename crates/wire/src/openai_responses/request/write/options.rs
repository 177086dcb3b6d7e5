//! The limit of the answer, sampling, identity and caching.

use std::borrow::Cow;

use super::body::Body;
use super::{Writing, names};
use crate::end_user;
use crate::field_names::Field;
use crate::model_facts::{SamplingSupport, ThinkingControl};

/// Least limit of an answer that OpenAI takes, in tokens.
const LEAST_LIMIT: u64 = 16;

/// Writes all of it into the body.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>, body: &mut Body<'a>) {
    let request = writing.request;
    // Models known not to reason refuse to be asked for it.
    if writing.facts.thinking != ThinkingControl::None {
        body.include.push("reasoning.encrypted_content");
    }
    body.max_output_tokens = limit(writing);
    sampling(writing, body);
    body.safety_identifier = end_user::for_openai(request);
    body.metadata = Cow::Borrowed(&request.metadata);
    body.prompt_cache_key = request.cache_key.as_deref();
    body.prompt_cache_retention = request.cache_retention.as_deref();
    body.service_tier = request.service_tier.as_deref();
    if request.audio.is_some() {
        writing.refuse(names::MODALITIES, "Responses answers with text only");
    }
}

fn limit(writing: &mut Writing<'_, '_>) -> Option<u64> {
    let said = writing.request.max_output_tokens?;
    if said == 0 {
        writing.refuse(Field::MAX_TOKENS, "Responses cannot be asked for an answer of 0 tokens");
        return None;
    }
    let limit = writing.facts.max_output_tokens.map_or(said, |most| most.min(said));
    if limit < said {
        let detail = format!("lowered to the model's limit of {limit}");
        writing.approximate(Field::MAX_TOKENS, detail);
    }
    if limit < LEAST_LIMIT {
        writing.approximate(Field::MAX_TOKENS, "raised to 16, the least that is taken");
    }
    Some(limit.max(LEAST_LIMIT))
}

fn sampling<'a>(writing: &mut Writing<'a, '_>, body: &mut Body<'a>) {
    let said = &writing.request.sampling;
    body.temperature = said.temperature;
    body.top_p = said.top_p;
    let mut logprobs = said.logprobs == Some(true);
    match writing.facts.sampling {
        SamplingSupport::All => {}
        SamplingSupport::NotBoth => {
            if body.temperature.is_some() && body.top_p.take().is_some() {
                let detail = "the model takes temperature or top_p, not both";
                writing.drop(Field::TOP_P, detail);
            }
        }
        SamplingSupport::None => {
            only_defaults(writing, body);
            if std::mem::take(&mut logprobs) {
                writing.drop(Field::LOGPROBS, "the model takes no sampling fields");
            }
        }
    }
    if logprobs {
        body.include.push("message.output_text.logprobs");
        body.top_logprobs = said.top_logprobs;
    }
    if let Some(n) = said.n.filter(|&n| n > 1) {
        let why = format!("{n} answers are asked for and Responses gives one; send 1");
        writing.refuse(Field::ANSWERS, why);
    }
    if !said.stop.is_empty() {
        writing.approximate(Field::STOP, "the answer is cut here instead of at the provider");
        writing.aftercare.stop.clone_from(&said.stop);
    }
    drop_unknown(writing);
}

/// Leaves out what a reasoning model refuses. A value of 1 is the default and no loss.
fn only_defaults(writing: &mut Writing<'_, '_>, body: &mut Body<'_>) {
    let is_default = |value: f64| (value - 1.0).abs() < f64::EPSILON;
    for (place, field) in
        [(&mut body.temperature, Field::TEMPERATURE), (&mut body.top_p, Field::TOP_P)]
    {
        if place.take().is_some_and(|value| !is_default(value)) {
            writing.drop(field, "the model takes no sampling fields");
        }
    }
}

/// Notes fields this format has not; their defaults mean nothing.
fn drop_unknown(writing: &mut Writing<'_, '_>) {
    let said = &writing.request.sampling;
    let has_bias = |bias: &serde_json::Value| bias.as_object().is_none_or(|map| !map.is_empty());
    let given = [
        (Field::TOP_K, said.top_k.is_some()),
        (Field::SEED, said.seed.is_some()),
        (Field::PRESENCE_PENALTY, said.presence_penalty.is_some_and(|penalty| penalty != 0.0)),
        (Field::FREQUENCY_PENALTY, said.frequency_penalty.is_some_and(|penalty| penalty != 0.0)),
        (Field::LOGIT_BIAS, said.logit_bias.as_ref().is_some_and(has_bias)),
    ];
    for (field, is_given) in given {
        if is_given {
            writing.drop(field, "Responses has no such field");
        }
    }
}
