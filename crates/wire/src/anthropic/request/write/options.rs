//! The limit of the answer and sampling.

use super::Writing;
use super::body::Thinking;
use crate::WireFormat;
use crate::field_names::Field;
use crate::model_facts::SamplingSupport;

/// The limit where neither client nor catalogue says one, in tokens. Small enough for every model the
/// vendor still serves.
pub(super) const DEFAULT_LIMIT: u64 = 4096;

/// The limit of the answer, which this format demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) tokens: u64,
    pub(super) source: LimitSource,
}

/// Who said the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitSource {
    Client,
    Model,
    Default,
}

/// Chooses the limit: the client's, the model's maximum, or a default.
pub(super) fn limit(writing: &mut Writing<'_, '_>) -> Limit {
    let most = writing.facts.max_output_tokens;
    match (writing.request.max_output_tokens, most) {
        (Some(said), Some(most)) if said > most => {
            writing.approximate(Field::MAX_TOKENS, "lowered to the model's maximum");
            Limit { tokens: most, source: LimitSource::Client }
        }
        (Some(said), _) => Limit { tokens: said, source: LimitSource::Client },
        (None, Some(most)) => Limit { tokens: most, source: LimitSource::Model },
        (None, None) => Limit { tokens: DEFAULT_LIMIT, source: LimitSource::Default },
    }
}

/// Sampling fields that go out.
#[derive(Debug, Default)]
pub(super) struct Sampling<'a> {
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<u64>,
    pub(super) stop: Vec<&'a str>,
}

/// Chooses what the model takes of the client's sampling fields.
pub(super) fn sampling<'a>(
    writing: &mut Writing<'a, '_>,
    thinking: Option<&Thinking>,
) -> Sampling<'a> {
    let said = &writing.request.sampling;
    let mut out = Sampling {
        temperature: said.temperature,
        top_p: said.top_p,
        top_k: said.top_k,
        stop: stop_sequences(writing),
    };
    refuse_more_answers(writing);
    drop_unknown(writing);
    if out.temperature.is_some_and(|temperature| temperature > 1.0) {
        out.temperature = Some(1.0);
        // On models without sampling the default of 1 is what they do anyway, so this note stays true.
        writing.approximate(Field::TEMPERATURE, "this format's temperature ends at 1");
    }
    match writing.facts.sampling {
        SamplingSupport::None => {
            only_defaults(writing, &mut out, "the model takes no sampling fields");
        }
        SamplingSupport::NotBoth if out.temperature.is_some() && out.top_p.is_some() => {
            out.top_p = None;
            writing.drop(Field::TOP_P, "the model takes no top_p beside a temperature");
        }
        SamplingSupport::All | SamplingSupport::NotBoth => {}
    }
    if thinking.is_some_and(|thinking| thinking.kind == "enabled") {
        fit_manual_thinking(writing, &mut out);
    }
    out
}

fn only_defaults(writing: &mut Writing<'_, '_>, out: &mut Sampling<'_>, why: &'static str) {
    if out.temperature.take().is_some_and(|temperature| temperature < 1.0) {
        writing.drop(Field::TEMPERATURE, why);
    }
    if out.top_p.take().is_some_and(|top_p| top_p < 1.0) {
        writing.drop(Field::TOP_P, why);
    }
    if out.top_k.take().is_some() {
        writing.drop(Field::TOP_K, why);
    }
}

/// With a thinking budget the API takes no other temperature than 1, no top_k, and top_p from 0.95.
fn fit_manual_thinking(writing: &mut Writing<'_, '_>, out: &mut Sampling<'_>) {
    const WHY: &str = "not taken together with a thinking budget";
    if out.temperature.take().is_some_and(|temperature| temperature < 1.0) {
        writing.drop(Field::TEMPERATURE, WHY);
    }
    if out.top_k.take().is_some() {
        writing.drop(Field::TOP_K, WHY);
    }
    if out.top_p.is_some_and(|top_p| top_p < 0.95) {
        out.top_p = None;
        writing.drop(Field::TOP_P, WHY);
    }
}

fn stop_sequences<'a>(writing: &mut Writing<'a, '_>) -> Vec<&'a str> {
    let said = &writing.request.sampling.stop;
    let kept: Vec<&str> =
        said.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect();
    if kept.len() < said.len() {
        writing.drop(Field::STOP, "sequences of white space alone are refused");
    }
    kept
}

fn refuse_more_answers(writing: &mut Writing<'_, '_>) {
    if let Some(n) = writing.request.sampling.n.filter(|&n| n > 1) {
        let field = Field::ANSWERS.name(writing.request);
        let why = format!("{n} answers are asked for and the Messages API gives one; send 1");
        writing.refused.add(field, why);
    }
}

/// Writes how urgently to serve.
pub(super) fn service_tier<'a>(writing: &mut Writing<'a, '_>) -> Option<&'a str> {
    let said = writing.request.service_tier.as_deref()?;
    match said {
        "auto" => Some("auto"),
        "default" | "standard" | "standard_only" => Some("standard_only"),
        other if writing.request.origin == Some(WireFormat::Anthropic) => Some(other),
        _ => {
            writing.drop(Field::SERVICE_TIER, "only `auto` and `default` can be asked for");
            None
        }
    }
}

/// Refuses anything but text as the answer.
pub(super) fn refuse_media(writing: &mut Writing<'_, '_>) {
    const WHY: &str = "the Messages API answers with text only";
    let request = writing.request;
    for (field, is_asked) in
        [(Field::AUDIO, request.audio.is_some()), (Field::IMAGES, request.wants_images)]
    {
        if is_asked {
            writing.refused.add(field.name(request), WHY);
        }
    }
}

/// Notes fields this format has not; their defaults mean nothing.
fn drop_unknown(writing: &mut Writing<'_, '_>) {
    const WHY: &str = "the Messages API has no such field";
    let said = &writing.request.sampling;
    let given = [
        (Field::SEED, said.seed.is_some()),
        (Field::PRESENCE_PENALTY, said.presence_penalty.is_some_and(|penalty| penalty != 0.0)),
        (Field::FREQUENCY_PENALTY, said.frequency_penalty.is_some_and(|penalty| penalty != 0.0)),
        (Field::LOGPROBS, said.logprobs == Some(true)),
        (Field::LOGIT_BIAS, said.logit_bias.is_some()),
        (Field::VERBOSITY, writing.request.verbosity.is_some()),
        (Field::METADATA, !writing.request.metadata.is_empty()),
    ];
    for (field, is_given) in given {
        if is_given {
            writing.drop(field, WHY);
        }
    }
}
