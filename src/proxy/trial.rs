//! Trying an account before it is used: one short question, asked and judged as those of clients, but
//! outside routing, so that it moves no breaker, limit or statistics.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use omniroute_core::clock::{Clock, millis};
use omniroute_core::context::RequestHead;
use omniroute_core::error::Error;
use omniroute_core::routing::Choice;
use omniroute_core::snapshot::{Account, Snapshot, Target};
use omniroute_core::verdict::{Reason, Signal, header_wait, judge};
use omniroute_wire::{Codec, Event, Notes, UpstreamError, WireFormat};
use serde::Serialize;

use super::blame::redacted;
use super::outbound::{Outbound, Passage};
use crate::upstream::{Destination, Fetch, FetchError, Unreachable};

/// Time for the whole trial; models that think take a while.
const LIMIT: Duration = Duration::from_secs(60);

/// Tokens of an answer; the least that OpenAI's Responses take.
const ANSWER_TOKENS: u32 = 16;

/// What a trial came to.
#[derive(Debug, Serialize)]
pub struct Trial {
    /// Whether the account answered.
    pub valid: bool,
    /// The model that was asked.
    pub model: String,
    /// The status that the provider answered with, if it did.
    pub status: Option<u16>,
    /// Why not, as logs and metrics name it.
    pub reason: Option<&'static str>,
    /// The same in words, the provider's own where it gave some.
    pub error: Option<String>,
    /// How long it took.
    pub latency_ms: u64,
}

/// Asks an account a question of a few tokens.
///
/// # Errors
///
/// That a question cannot be written for this provider.
pub async fn trial(
    fetch: &Fetch,
    (account, model): (&Arc<Account>, &str),
    snapshot: &Snapshot,
    clock: &Clock,
) -> Result<Trial, Error> {
    let target = Target::new(&account.provider, model);
    let choice = Choice::of(target, Arc::clone(account));
    let (request, is_stream) = question(&choice)?;
    let destination = Destination {
        endpoint: account.endpoint().clone(),
        tunnel: choice.tunnel(None, snapshot).map(|(tunnel, _)| Arc::clone(tunnel)),
        is_fresh: true,
        connect: snapshot.server.timeouts.connect,
    };
    let begun = clock.now();
    let answer = fetch.send(&destination, request, LIMIT).await;
    let latency_ms = millis(clock.now().saturating_duration_since(begun));
    let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
    let fault = match answer {
        Ok(answer) => refusal(account.provider.wire.codec(), &answer, is_stream)
            .map(|error| judged(&choice, &error, answer.headers(), clock)),
        Err(error) => Some((unanswered(error), error.to_string())),
    };
    let (reason, error) = fault.unzip();
    let reason = reason.map(Reason::name);
    let error = error.map(|error| redacted(&error, account.key.as_ref()));
    Ok(Trial {
        valid: reason.is_none(),
        model: model.to_owned(),
        status,
        reason,
        error,
        latency_ms,
    })
}

/// Writes the question in the provider's format.
fn question(choice: &Choice) -> Result<(Request<Bytes>, bool), Error> {
    let provider = &choice.target.provider;
    let asked = serde_json::json!({
        "model": &*choice.target.model,
        "messages": [{ "role": "user", "content": "Say ok." }],
        "max_tokens": ANSWER_TOKENS,
        "stream": provider.streaming.choose(false),
    });
    let chat = WireFormat::OpenAiChat.codec();
    let body = asked.to_string();
    let peek = chat.peek(body.as_bytes(), None)?;
    let request = chat.read_request(&Bytes::from(body), &peek)?;
    let (codec, facts) = (provider.wire.codec(), provider.facts(&choice.target.model));
    let target = omniroute_wire::Target::new(&choice.target.model, &facts);
    let written = codec.write_request(&request, &target, &mut Notes::default())?;
    let path = codec.upstream_path(&provider.chat_path, &choice.target.model, written.stream);
    let nobody = RequestHead {
        method: Method::POST,
        path: "".into(),
        query: "".into(),
        headers: HeaderMap::new(),
        peer: None,
    };
    let body = written.body.into();
    let mut outbound = Outbound::new(choice, &nobody, Passage::Translated, &path, body)?;
    outbound.add_headers(&written.headers)?;
    Ok((outbound.into_request(), written.stream))
}

/// Finds what is wrong with an answer.
fn refusal(codec: &dyn Codec, answer: &Response<Bytes>, is_stream: bool) -> Option<UpstreamError> {
    if !answer.status().is_success() {
        return Some(codec.read_error(answer.status().as_u16(), answer.body()));
    }
    let events = if is_stream {
        let mut events = Vec::new();
        let mut reader = codec.event_reader();
        reader.push(answer.body(), &mut events);
        reader.finish(&mut events);
        events
    } else {
        codec.read_reply(answer.body())
    };
    events.into_iter().find_map(|event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    })
}

fn judged(
    choice: &Choice,
    error: &UpstreamError,
    headers: &HeaderMap,
    clock: &Clock,
) -> (Reason, String) {
    let rule = choice.target.provider.rule(error.status, error);
    let header_wait = header_wait(headers, clock.wall());
    let verdict = judge(Signal::Refused { error, header_wait }, rule);
    (verdict.reason, error.message.clone())
}

const fn unanswered(error: FetchError) -> Reason {
    match error {
        FetchError::Unreachable(Unreachable::Tunnel(_)) => Reason::Tunnel,
        FetchError::Unreachable(Unreachable::Provider(_)) => Reason::Connect,
        FetchError::Stranger => Reason::Connect,
        FetchError::Broken => Reason::Reset,
        FetchError::TimedOut => Reason::Timeout,
        FetchError::TooLong | FetchError::NotTaken => Reason::Unusable,
    }
}
