//! The first question to everyone: their answers must be the same, and say what later ones must be like.

use std::net::SocketAddr;

use serde_json::Value;

use crate::bed::{Bed, Subject};
use crate::connection::{Answer, Expected, ask};
use crate::failure::Failure;
use crate::orders::Aim;
use crate::request::{Delivery, Request};

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) body_bytes: usize,
    pub(crate) delivery: Delivery,
    /// Tokens of the answer.
    pub(crate) tokens: usize,
}

/// Asks a subject once, and checks that the text is the same as everyone else's before it. Returns what to
/// ask it from now on and the events of an answer; `None` for a subject that is not there.
///
/// # Errors
///
/// If it does not answer, or not as the others.
pub(crate) async fn probe(
    bed: &Bed,
    subject: Subject,
    kind: Kind,
    reference: &mut Option<String>,
) -> Result<Option<(Aim, usize)>, Failure> {
    let Some(process) = bed.process(subject) else { return Ok(None) };
    let model = format!("{}/tokens?n={}", subject.prefix(), kind.tokens);
    let to = To { name: subject.title(), address: process.address(), model, headers: Vec::new() };
    let asked = ask_first(to, kind, reference).await?;
    bed.settle(subject, 1).await?;
    Ok(Some(asked))
}

/// Who is asked, and what it needs to be told.
#[derive(Debug)]
pub(crate) struct To {
    /// What messages call it.
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) model: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// The same for a process that is no part of the test bed.
///
/// # Errors
///
/// As [`probe`].
pub(crate) async fn ask_first(
    to: To,
    kind: Kind,
    reference: &mut Option<String>,
) -> Result<(Aim, usize), Failure> {
    let mut aim = Aim {
        address: to.address,
        model: to.model,
        body_bytes: kind.body_bytes,
        delivery: kind.delivery,
        headers: to.headers,
        expected: Expected::Events(0),
    };
    let answer = ask(aim.address, &Request::of(&aim)?).await?;
    let wrong = |what: String| Failure::Answer { from: to.name.to_owned(), what };
    let text = text(&answer, kind.delivery).ok_or_else(|| {
        let body = String::from_utf8_lossy(&answer.body);
        wrong(format!("status {}, no answer of a model in: {body}", answer.status))
    })?;
    let first = reference.get_or_insert_with(|| text.clone());
    if *first != text {
        return Err(wrong(format!("`{text}` instead of `{first}`")));
    }
    aim.expected = match kind.delivery {
        Delivery::Whole => Expected::Text(text),
        Delivery::Stream if answer.events < kind.tokens => {
            return Err(wrong(format!("only {} events", answer.events)));
        }
        Delivery::Stream => Expected::Events(answer.events),
    };
    Ok((aim, answer.events))
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
