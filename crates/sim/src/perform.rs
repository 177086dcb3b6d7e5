//! From a request to its reply: which behaviour, whose words, and where a fault cuts in.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{self, Answer, Frame};
use crate::ask::{self, Ask, Refusal};
use crate::behaviour::{Behaviour, Kind, Params};
use crate::connection::Cut;
use crate::count;
use crate::faults::{self, Retry, Trouble};
use crate::reply::{Content, Piece, Reply};
use crate::route::{self, Delivery, Format, Target};
use crate::tokens::{Key, Shelf};
use crate::{chat, generate, messages, models, responses};

/// What `html` answers: the page of some proxy in between.
const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n";
/// What `garbage` answers: no UTF-8, no JSON, no event.
const GARBAGE: &[u8] = b"\x00\xfe\xff{{\"choices\": [}\x80 not a reply\n\n";

/// What all requests of a simulator share.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// The accepted credentials; any if there are none.
    pub(crate) keys: Vec<String>,
    /// The wait between tokens unless the model's name says otherwise.
    pub(crate) pace: Duration,
    pub(crate) shelf: Shelf,
}

impl Stage {
    /// Composes the reply to a request; `number` names it in headers.
    pub(crate) fn reply(&self, parts: &Parts, body: &Bytes, number: u64) -> Reply {
        let target = route::target(parts);
        let (Target::Answer { format, .. }
        | Target::Count { format, .. }
        | Target::Models(format)
        | Target::Nothing(format)) = &target;
        let format = *format;
        let counts = matches!(target, Target::Count { .. });
        let credential = route::credential(parts);
        let is_accepted = |key: &str| self.keys.iter().any(|accepted| accepted == key);
        if !self.keys.is_empty() && !credential.is_some_and(is_accepted) {
            return faults::reply(format, &Trouble::BadKey, number);
        }
        let in_path = match target {
            Target::Models(_) => return models::reply(format, number),
            Target::Nothing(_) => {
                let path = format!("{} {}", parts.method, parts.uri.path());
                return faults::reply(format, &Trouble::NoSuchPath(path), number);
            }
            Target::Answer { in_path, .. } | Target::Count { in_path, .. } => in_path,
        };
        let outline = match Outline::read(body, in_path) {
            Ok(outline) => outline,
            Err(refusal) => return faults::reply(format, &Trouble::Refused(refusal), number),
        };
        let behaviour = credential
            .and_then(Behaviour::of_credential)
            .unwrap_or_else(|| Behaviour::of_model(&outline.model));
        let scene = Scene { stage: self, format, outline, behaviour, number };
        let mut reply = if counts { scene.count(body) } else { scene.reply(body) };
        if let Some(wait) = scene.behaviour.params.first_byte {
            reply.before.insert(0, Piece::Pause(wait));
        }
        reply
    }
}

/// Writes a whole reply.
pub(crate) fn whole(format: Format, answer: &Answer) -> Bytes {
    let value = match format {
        Format::Chat => chat::whole(answer),
        Format::Messages => messages::whole(answer),
        Format::Generate => generate::whole(answer),
        Format::Responses => responses::whole(answer),
    };
    Bytes::from(value.to_string())
}

/// Writes the frames of a stream.
pub(crate) fn events(format: Format, answer: &Answer, ask: &Ask) -> Vec<Frame> {
    match format {
        Format::Chat => chat::events(answer, ask),
        Format::Messages => messages::events(answer),
        Format::Generate => generate::events(answer, ask.delivery),
        Format::Responses => responses::events(answer),
    }
}

/// The few members that faults and load tests need, read without reading the rest.
struct Outline {
    model: String,
    delivery: Delivery,
    wants_usage: bool,
}

#[derive(Deserialize)]
struct OutlineMembers<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Outline {
    fn read(body: &[u8], in_path: Option<(String, Delivery)>) -> Result<Self, Refusal> {
        if let Some((model, delivery)) = in_path {
            return Ok(Self { model, delivery, wants_usage: false });
        }
        let members: OutlineMembers<'_> = serde_json::from_slice(body).map_err(not_json)?;
        let Some(model) = members.model else {
            return Err(Refusal::at("model", "you must provide a model parameter"));
        };
        let is_stream = members.stream.unwrap_or(false);
        let delivery = if is_stream { Delivery::Events } else { Delivery::Whole };
        let options = members.stream_options;
        let wants_usage = options.and_then(|options| options.include_usage).unwrap_or(false);
        Ok(Self { model: model.into_owned(), delivery, wants_usage })
    }
}

fn not_json(error: serde_json::Error) -> Refusal {
    Refusal::new(format!("We could not parse the JSON body of your request: {error}"))
}

/// One request with all that decides its reply.
struct Scene<'a> {
    stage: &'a Stage,
    format: Format,
    outline: Outline,
    behaviour: Behaviour,
    number: u64,
}

impl Scene<'_> {
    fn reply(&self, body: &Bytes) -> Reply {
        let params = &self.behaviour.params;
        let trouble = match self.behaviour.kind {
            Kind::Status(429) => Trouble::RateLimit(retry(params)),
            Kind::Status(status) => Trouble::Status(status),
            Kind::Quota => Trouble::Quota,
            Kind::Context => Trouble::Context,
            Kind::Reset => return Reply::cut(Cut::Reset),
            Kind::Garbage => return self.promised(Content::Whole(Bytes::from_static(GARBAGE))),
            Kind::Empty => return self.promised(Content::Whole(Bytes::new())),
            Kind::Html => {
                return Reply::whole(StatusCode::OK, "text/html; charset=utf-8", HTML.into());
            }
            Kind::Tokens => return self.tokens(),
            Kind::Echo
            | Kind::Big
            | Kind::ResetAfter(_)
            | Kind::EofAfter(_)
            | Kind::StallAfter(_)
            | Kind::InBandError(_) => match self.ask(body) {
                Ok(ask) => return self.answer(&ask),
                Err(refusal) => Trouble::Refused(refusal),
            },
        };
        faults::reply(self.format, &trouble, self.number)
    }

    /// Makes a 200 with the head that a good answer would have.
    fn promised(&self, content: Content) -> Reply {
        let mut reply = Reply::new(StatusCode::OK, content);
        reply.headers = faults::headers(self.format, self.outline.delivery, self.number);
        reply
    }

    fn ask(&self, body: &Bytes) -> Result<Ask, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(not_json)?;
        match self.format {
            Format::Chat => ask::chat::read(&value),
            Format::Messages => ask::messages::read(&value),
            Format::Responses => ask::responses::read(&value),
            Format::Generate => {
                ask::generate::read(&value, &self.outline.model, self.outline.delivery)
            }
        }
    }

    /// Counts the tokens that a request would have as input; a status in the model's name is a fault here too.
    fn count(&self, body: &Bytes) -> Reply {
        if let Kind::Status(status) = self.behaviour.kind {
            return faults::reply(self.format, &Trouble::Status(status), self.number);
        }
        let asked = count::chat_request(self.format, body).and_then(|chat| self.ask(&chat));
        let ask = match asked {
            Ok(ask) => ask,
            Err(refusal) => {
                return faults::reply(self.format, &Trouble::Refused(refusal), self.number);
            }
        };
        let answer = answer::compose(&ask, self.behaviour.kind, &self.behaviour.params);
        let body = count::reply(self.format, answer.usage.input);
        self.promised(Content::Whole(Bytes::from(body.to_string())))
    }

    fn answer(&self, ask: &Ask) -> Reply {
        let answer = answer::compose(ask, self.behaviour.kind, &self.behaviour.params);
        if ask.delivery == Delivery::Whole {
            return self.whole(&answer);
        }
        let frames = events(self.format, &answer, ask);
        let kept = match self.behaviour.kind {
            Kind::ResetAfter(tokens)
            | Kind::EofAfter(tokens)
            | Kind::StallAfter(tokens)
            | Kind::InBandError(Some(tokens)) => kept_frames(&frames, tokens),
            Kind::InBandError(None) => 0,
            _ => frames.len(),
        };
        let mut pieces = self.paced(&frames[..kept]);
        match self.behaviour.kind {
            Kind::ResetAfter(_) => pieces.push(Piece::Cut(Cut::Reset)),
            Kind::StallAfter(_) => pieces.push(Piece::Hang),
            Kind::InBandError(_) => pieces.extend(self.error_pieces(&answer, kept)),
            _ => {}
        }
        self.promised(Content::Pieces(pieces))
    }

    /// Makes a reply in one piece; faults in the middle of it cut it in half.
    fn whole(&self, answer: &Answer) -> Reply {
        let body = match self.behaviour.kind {
            Kind::InBandError(_) => {
                let error = faults::body(self.format, &self.in_band_trouble(), self.number);
                Bytes::from(error.to_string())
            }
            _ => whole(self.format, answer),
        };
        let half = Piece::Bytes(body.slice(..body.len() / 2));
        let content = match self.behaviour.kind {
            Kind::ResetAfter(_) => Content::Pieces(vec![half, Piece::Cut(Cut::Reset)]),
            Kind::StallAfter(_) => Content::Pieces(vec![half, Piece::Hang]),
            Kind::EofAfter(_) => Content::Pieces(vec![half]),
            _ => Content::Whole(body),
        };
        let mut reply = self.promised(content);
        let tokens = u32::try_from(answer.usage.output).unwrap_or(u32::MAX);
        let pace = self.pace().saturating_mul(tokens);
        let first_token = self.behaviour.params.first_token.unwrap_or_default();
        let time = pace.saturating_add(first_token);
        if !time.is_zero() {
            reply.before.push(Piece::Pause(time));
        }
        reply
    }

    fn tokens(&self) -> Reply {
        let params = &self.behaviour.params;
        let key = Key {
            format: self.format,
            delivery: self.outline.delivery,
            wants_usage: self.outline.wants_usage,
            model: self.outline.model.clone(),
        };
        let written = self.stage.shelf.written(key, params);
        let is_paced = !self.pace().is_zero() || params.first_token.is_some();
        let content = match self.outline.delivery {
            Delivery::Whole => Content::Whole(written.joined.clone()),
            _ if is_paced => Content::Pieces(self.paced(&written.frames)),
            _ if params.coalesces => Content::Shared([written.joined.clone()].into()),
            _ => Content::Shared(written.chunks.clone()),
        };
        self.promised(content)
    }

    fn pace(&self) -> Duration {
        self.behaviour.params.pace.unwrap_or(self.stage.pace)
    }

    /// Turns frames into pieces with the waits before the tokens.
    fn paced(&self, frames: &[Frame]) -> Vec<Piece> {
        let pace = self.pace();
        let mut wait = self.behaviour.params.first_token.unwrap_or_default();
        let mut pieces = Vec::with_capacity(frames.len());
        for frame in frames {
            if frame.is_token {
                if !wait.is_zero() {
                    pieces.push(Piece::Pause(wait));
                }
                wait = pace;
            }
            pieces.push(Piece::Bytes(frame.bytes.clone()));
        }
        pieces
    }

    /// The error inside a 200: an overload, unless `status` names another.
    fn in_band_trouble(&self) -> Trouble {
        let overload = if self.format == Format::Messages { 529 } else { 503 };
        Trouble::Status(self.behaviour.params.status.unwrap_or(overload))
    }

    fn error_pieces(&self, answer: &Answer, sent: usize) -> Vec<Piece> {
        let error = faults::body(self.format, &self.in_band_trouble(), self.number);
        let frames = match self.format {
            Format::Chat => vec![Frame::other(format!("data: {error}\n\n"))],
            Format::Messages => vec![Frame::other(format!("event: error\ndata: {error}\n\n"))],
            Format::Generate => generate::error_frames(&error, self.outline.delivery, sent == 0),
            Format::Responses => responses::error_frames(answer, &error, sent),
        };
        frames.into_iter().map(|frame| Piece::Bytes(frame.bytes)).collect()
    }
}

fn retry(params: &Params) -> Retry {
    match params.retry_after {
        None => Retry::Unsaid,
        Some(wait) if params.has_body_hint => Retry::Body(wait),
        Some(wait) => Retry::Header(wait),
    }
}

/// Returns how many frames come before a fault after so many tokens.
///
/// A shorter answer is cut behind its last token, so that a fault never lets it end properly.
fn kept_frames(frames: &[Frame], tokens: usize) -> usize {
    let places = frames.iter().enumerate().filter(|(_, frame)| frame.is_token);
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    match (tokens, places.as_slice()) {
        (_, []) => frames.len().min(1),
        (0, [first, ..]) => *first,
        (_, [.., last]) => places.get(tokens - 1).unwrap_or(last) + 1,
    }
}
