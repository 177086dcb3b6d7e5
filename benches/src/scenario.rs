//! What is measured, and the rounds in which it is: the subjects take turns, so that a machine that is
//! faster or slower for a while is so for all of them.

use std::time::Duration;

use serde_json::Value;

use crate::bed::{Bed, Subject};
use crate::failure::Failure;
use crate::load::{self, Answer, Expected, Load};
use crate::request::{Delivery, Request};

/// Load before the measured window: fills pools, caches and branch predictors.
const WARM_UP: Duration = Duration::from_millis(300);

/// One kind of request.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) body_bytes: usize,
    pub(crate) delivery: Delivery,
    /// Tokens of the answer.
    pub(crate) tokens: usize,
    /// Who gets it, the reference first.
    subjects: &'static [Subject],
    /// Most processor time allowed, as a multiple of the reference's; `None`: no target is set.
    pub(crate) same_target: Option<f64>,
    pub(crate) translated_target: Option<f64>,
}

/// All kinds of requests. The targets are the project's own, set for bodies of 2 KB.
pub(crate) const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "2 KB, whole answer",
        body_bytes: 2_048,
        delivery: Delivery::Whole,
        tokens: 8,
        subjects: &[
            Subject::BarePingora,
            Subject::SameFormat,
            Subject::Translated,
            Subject::NoAccessLog,
            Subject::Nginx,
        ],
        same_target: Some(1.5),
        translated_target: Some(2.5),
    },
    Workload {
        name: "2 KB, 200 events",
        body_bytes: 2_048,
        delivery: Delivery::Stream,
        tokens: 200,
        subjects: &[Subject::BarePingora, Subject::SameFormat, Subject::Translated],
        same_target: Some(1.5),
        translated_target: Some(2.0),
    },
    Workload {
        name: "100 KB, whole answer",
        body_bytes: 102_400,
        delivery: Delivery::Whole,
        tokens: 8,
        subjects: &[Subject::BarePingora, Subject::SameFormat, Subject::Translated],
        same_target: None,
        translated_target: None,
    },
];

/// How long and how hard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// Length of one measured window.
    pub(crate) window: Duration,
    pub(crate) connections: usize,
}

/// What one subject did in one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) requests: usize,
    pub(crate) cpu: Duration,
    /// The kernel's part of it, from 0 to 1.
    pub(crate) kernel_share: f64,
    pub(crate) elapsed: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// All rounds of one subject with one workload.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) workload: &'static Workload,
    pub(crate) subject: Subject,
    /// Events of one answer; 0 for whole answers.
    pub(crate) events: usize,
    pub(crate) rounds: Vec<Round>,
    request: Request,
    expected: Expected,
}

/// Asks everyone once and compares the answers, then measures round by round. `told` hears of every round.
///
/// # Errors
///
/// At the first wrong answer.
pub(crate) async fn measure(
    bed: &Bed,
    effort: Effort,
    mut told: impl FnMut(usize),
) -> Result<Vec<Series>, Failure> {
    let mut all = Vec::new();
    for workload in &WORKLOADS {
        let mut reference = None;
        for subject in workload.subjects {
            let Some(series) = probe(bed, workload, *subject, &mut reference).await? else {
                continue;
            };
            all.push(series);
        }
    }
    for round in 1..=effort.rounds {
        told(round);
        for series in &mut all {
            let measured = one_round(bed, series, effort).await?;
            series.rounds.push(measured);
        }
    }
    Ok(all)
}

/// Asks once, and checks that the text is the same as everyone else's.
async fn probe(
    bed: &Bed,
    workload: &'static Workload,
    subject: Subject,
    reference: &mut Option<String>,
) -> Result<Option<Series>, Failure> {
    let Some(process) = bed.process(subject) else { return Ok(None) };
    let model = format!("{}/tokens?n={}", subject.prefix(), workload.tokens);
    let request = Request::chat(&model, workload.body_bytes, workload.delivery)?;
    let answer = load::ask(process.address(), &request).await?;
    let wrong = |what: String| Failure::Answer { from: subject.title().to_owned(), what };
    let text = text(&answer, workload.delivery).ok_or_else(|| {
        let body = String::from_utf8_lossy(&answer.body);
        wrong(format!("status {}, no answer of a model in: {body}", answer.status))
    })?;
    let first = reference.get_or_insert_with(|| text.clone());
    if *first != text {
        return Err(wrong(format!("`{text}` instead of `{first}`")));
    }
    let expected = match workload.delivery {
        Delivery::Whole => Expected::Text(text),
        Delivery::Stream if answer.events < workload.tokens => {
            return Err(wrong(format!("only {} events", answer.events)));
        }
        Delivery::Stream => Expected::Events(answer.events),
    };
    bed.settle(subject, 1).await?;
    let (events, rounds) = (answer.events, Vec::new());
    Ok(Some(Series { workload, subject, events, rounds, request, expected }))
}

async fn one_round(bed: &Bed, series: &Series, effort: Effort) -> Result<Round, Failure> {
    let gone = || Failure::Process(format!("{} is gone", series.subject.title()));
    let process = bed.process(series.subject).ok_or_else(gone)?;
    let mut load = Load::connect(process.address(), effort.connections, &series.request).await?;
    let warm_up = load.run(WARM_UP, &series.expected).await?;
    // Between the two runs nothing is under way, so the processor time belongs to whole requests.
    let before = process.cpu()?;
    let sample = load.run(effort.window, &series.expected).await?;
    let used = process.cpu()?.since(&before);
    let requests = sample.latencies.len();
    bed.settle(series.subject, warm_up.latencies.len() + requests).await?;
    Ok(Round {
        requests,
        cpu: used.total,
        kernel_share: used.kernel_share,
        elapsed: sample.elapsed,
        p50: percentile(&sample.latencies, 50),
        p99: percentile(&sample.latencies, 99),
    })
}

/// Returns the value that so many per cent of the sorted values do not exceed; zero if there are none.
fn percentile(sorted: &[Duration], per_cent: usize) -> Duration {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Reads the model's words from an answer in OpenAI's format.
fn text(answer: &Answer, delivery: Delivery) -> Option<String> {
    if answer.status != 200 {
        return None;
    }
    let body = std::str::from_utf8(&answer.body).ok()?;
    let text = match delivery {
        Delivery::Whole => {
            let reply: Value = serde_json::from_str(body).ok()?;
            reply["choices"][0]["message"]["content"].as_str()?.to_owned()
        }
        Delivery::Stream => {
            let mut text = String::new();
            for event in body.lines().filter_map(|line| line.strip_prefix("data:")) {
                if event.trim() == "[DONE]" {
                    break;
                }
                let chunk: Value = serde_json::from_str(event).ok()?;
                text.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
            }
            text
        }
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=200).map(Duration::from_micros).collect();

        assert_eq!(percentile(&values, 50), Duration::from_micros(100));
        assert_eq!(percentile(&values, 99), Duration::from_micros(198));
        assert_eq!(percentile(&values[..1], 99), Duration::from_micros(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn the_models_words_are_found_in_both_deliveries() {
        let answer = |status, body: &str| Answer { status, body: body.into(), events: 0 };
        let whole = r#"{"choices":[{"message":{"content":"a b"}}]}"#;
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"a \"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: {\"choices\":[]}\n\ndata: [DONE]\n\n";

        assert_eq!(text(&answer(200, whole), Delivery::Whole).as_deref(), Some("a b"));
        assert_eq!(text(&answer(200, stream), Delivery::Stream).as_deref(), Some("a b"));
        assert_eq!(text(&answer(500, whole), Delivery::Whole), None);
        assert_eq!(text(&answer(200, "data: [DONE]\n\n"), Delivery::Stream), None);
    }
}
