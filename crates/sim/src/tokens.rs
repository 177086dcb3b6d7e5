//! The `tokens` model: answers of a given length, written once and shared, for load tests.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use crate::answer::{Answer, Finish, Frame, Usage};
use crate::ask::Ask;
use crate::behaviour::Params;
use crate::perform;
use crate::route::{Delivery, Format};

/// How many different answers are kept; one more empties the shelf.
const KEPT_ANSWERS: usize = 64;
/// The length of an answer unless `n` says otherwise.
const USUAL_TOKENS: usize = 20;

/// What decides the bytes of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) format: Format,
    pub(crate) delivery: Delivery,
    pub(crate) wants_usage: bool,
    pub(crate) model: String,
}

/// A written answer.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) frames: Vec<Frame>,
    /// The bytes of the frames, to be sent one by one.
    pub(crate) chunks: Arc<[Bytes]>,
    /// All bytes in one.
    pub(crate) joined: Bytes,
}

/// The written answers.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    answers: RwLock<HashMap<Key, Arc<Written>>>,
}

impl Shelf {
    /// Returns the answer, writing it at the first request.
    ///
    /// The answer does not depend on the conversation: its input is always one token, unless the
    /// parameters say otherwise.
    pub(crate) fn written(&self, key: Key, params: &Params) -> Arc<Written> {
        let known = self.answers.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return known;
        }
        let written = Arc::new(write(&key, params));
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= KEPT_ANSWERS {
            answers.clear();
        }
        answers.insert(key, Arc::clone(&written));
        written
    }
}

fn write(key: &Key, params: &Params) -> Written {
    let count = params.tokens.unwrap_or(USUAL_TOKENS);
    let answer = Answer {
        id: "00000000tokens00".to_owned(),
        model: key.model.clone(),
        reasoning: Vec::new(),
        tokens: vec!["token ".to_owned(); count],
        calls: Vec::new(),
        search: None,
        finish: Finish::Stop,
        usage: Usage::new(1, count as u64, 0, params),
    };
    let mut ask = Ask::new(&key.model, key.delivery);
    ask.wants_usage = key.wants_usage;
    let frames = match key.delivery {
        Delivery::Whole => vec![Frame::token(perform::whole(key.format, &answer))],
        Delivery::Events | Delivery::Array => perform::events(key.format, &answer, &ask),
    };
    let chunks: Arc<[Bytes]> = frames.iter().map(|frame| frame.bytes.clone()).collect();
    let joined = Bytes::from(chunks.concat());
    Written { frames, chunks, joined }
}
