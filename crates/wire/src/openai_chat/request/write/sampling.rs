//! Writes the sampling members.

use super::Writing;
use super::body::Sampling;
use crate::field_names::Field;
use crate::model_facts::SamplingSupport;

/// Most stop sequences this format takes.
const MAX_STOPS: usize = 4;

/// Writes what the model takes of the sampling members.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>) -> Sampling<'a> {
    let said = &writing.request.sampling;
    let takes_top_k = writing.facts.top_k || writing.is_own();
    let alternatives = said.top_logprobs;
    let mut sampling = Sampling {
        temperature: said.temperature,
        top_p: said.top_p,
        top_k: said.top_k.filter(|_| takes_top_k),
        seed: said.seed,
        presence_penalty: said.presence_penalty,
        frequency_penalty: said.frequency_penalty,
        stop: stops(writing),
        n: said.n.filter(|&n| n > 1),
        // Alternatives are refused without the switch, which other formats do not have.
        logprobs: said.logprobs.or_else(|| alternatives.filter(|&most| most > 0).map(|_| true)),
        top_logprobs: alternatives,
        logit_bias: said.logit_bias.as_ref(),
    };
    if said.top_k.is_some() && !takes_top_k {
        writing.drop(Field::TOP_K, "the provider has no top-k sampling");
    }
    match writing.facts.sampling {
        SamplingSupport::All => {}
        SamplingSupport::NotBoth => {
            if sampling.temperature.is_some() && sampling.top_p.take().is_some() {
                writing.drop(Field::TOP_P, "the model takes temperature or top_p, not both");
            }
        }
        SamplingSupport::None => leave_out(&mut sampling, writing),
    }
    sampling
}

/// Returns the stop sequences to send; those the provider does not take are watched for in the answer.
fn stops<'a>(writing: &mut Writing<'a, '_>) -> &'a [String] {
    let stop = &writing.request.sampling.stop;
    let most = match writing.facts.sampling {
        SamplingSupport::All | SamplingSupport::NotBoth => MAX_STOPS,
        SamplingSupport::None => 0,
    };
    let (sent, watched) = stop.split_at(stop.len().min(most));
    if !watched.is_empty() {
        writing.approximate(Field::STOP, "the gateway cuts the answer at some of them itself");
        writing.aftercare.stop = watched.to_vec();
    }
    sent
}

/// Leaves out what a reasoning model refuses. A value of 1 is the default and no loss.
fn leave_out(sampling: &mut Sampling<'_>, writing: &mut Writing<'_, '_>) {
    let is_default = |value: f64| (value - 1.0).abs() < f64::EPSILON;
    let mut lost = Vec::new();
    if sampling.temperature.take().is_some_and(|value| !is_default(value)) {
        lost.push(Field::TEMPERATURE);
    }
    if sampling.top_p.take().is_some_and(|value| !is_default(value)) {
        lost.push(Field::TOP_P);
    }
    if sampling.top_k.take().is_some() {
        lost.push(Field::TOP_K);
    }
    if sampling.presence_penalty.take().is_some_and(|value| value != 0.0) {
        lost.push(Field::PRESENCE_PENALTY);
    }
    if sampling.frequency_penalty.take().is_some_and(|value| value != 0.0) {
        lost.push(Field::FREQUENCY_PENALTY);
    }
    if sampling.logprobs.take() == Some(true) {
        lost.push(Field::LOGPROBS);
    }
    if sampling.logit_bias.take().is_some() {
        lost.push(Field::LOGIT_BIAS);
    }
    sampling.top_logprobs = None;
    for field in lost {
        writing.drop(field, "the model takes no sampling fields");
    }
}
