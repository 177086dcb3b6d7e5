//! What a reply says to a client, and what a client of another format is to find of it.

use std::collections::BTreeSet;

use omniroute_wire::api_error::ErrorKind;
use omniroute_wire::chat::CallKind;
use omniroute_wire::collect::{CollectedChoice, CollectedPart, collect};
use omniroute_wire::estimate::Running;
use omniroute_wire::event::{Event, Finish, PartHead, Usage};
use omniroute_wire::{UpstreamError, WireFormat};
use serde_json::Value;

/// What a reply says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    answers: Vec<Answer>,
    usage: Usage,
    /// Why it failed.
    pub(crate) failure: Option<UpstreamError>,
    /// Whose rules the ids of calls must follow; none for what the provider said.
    client: Option<WireFormat>,
}

/// One of the answers of a reply.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    reasoning: String,
    refusal: String,
    calls: Vec<Call>,
    /// Addresses of the sources; sources of one place may be listed together.
    sources: BTreeSet<String>,
    /// Kinds and lengths of pictures and sounds.
    media: Vec<String>,
    tokens: Vec<String>,
    finish: Option<Finish>,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: String,
    is_custom: bool,
}

impl Said {
    /// Gathers what events say.
    pub(crate) fn of(events: &[Event]) -> Self {
        let whole = collect(events);
        Self {
            answers: whole.choices.iter().map(answer).collect(),
            usage: whole.usage,
            failure: whole.error,
            client: None,
        }
    }

    /// Returns the facts in which a client's reply differs from this.
    pub(crate) fn differences(&self, got: &Self) -> Vec<(&'static str, String)> {
        let mut list = Vec::new();
        let mut differ = |fact, want: String, got: String| {
            if want != got {
                list.push((fact, format!("got {got}, wanted {want}")));
            }
        };
        if self.failure.is_some() || got.failure.is_some() {
            let message = |said: &Self| said.failure.as_ref().map(|error| error.message.clone());
            differ("failure", format!("{:?}", message(self)), format!("{:?}", message(got)));
            if let (Some(want), Some(got)) = (&self.failure, &got.failure) {
                differ("class", class(want.kind).to_owned(), class(got.kind).to_owned());
            }
            return list;
        }
        differ("choices", self.answers.len().to_string(), got.answers.len().to_string());
        for (want, got) in self.answers.iter().zip(&got.answers) {
            differ("text", want.text.clone(), got.text.clone());
            differ("reasoning", want.reasoning.clone(), got.reasoning.clone());
            differ("refusal", want.refusal.clone(), got.refusal.clone());
            differ("sources", format!("{:?}", want.sources), format!("{:?}", got.sources));
            differ("media", want.media.join(" "), got.media.join(" "));
            differ("tokens", format!("{:?}", want.tokens), format!("{:?}", got.tokens));
            differ("finish", format!("{:?}", want.finish), format!("{:?}", got.finish));
            differ("calls", shown(&want.calls), shown(&got.calls));
            if let Some(client) = self.client {
                differ("ids", String::new(), bad_ids(&want.calls, &got.calls, client));
            }
        }
        differ("usage", numbers(&self.usage), numbers(&got.usage));
        list
    }
}

/// Classes of errors that every format can tell apart in a stream. A fault of our credentials is a plain
/// server error to clients.
pub(crate) const fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong | ErrorKind::TooLarge => "request",
        ErrorKind::NotFound => "not found",
        ErrorKind::RateLimit | ErrorKind::Quota => "limit",
        ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::Overloaded
        | ErrorKind::Timeout
        | ErrorKind::Server => "server",
    }
}

fn answer(choice: &CollectedChoice) -> Answer {
    let joined = |wanted: fn(&PartHead) -> bool| -> String {
        let parts = choice.parts.iter().filter(|part| wanted(&part.head));
        parts.map(|part| part.text.as_str()).collect()
    };
    Answer {
        text: joined(|head| *head == PartHead::Text),
        // Pieces of reasoning are paragraphs to some formats.
        reasoning: joined(|head| matches!(head, PartHead::Reasoning(_))).replace("\n\n", ""),
        refusal: joined(|head| *head == PartHead::Refusal),
        calls: choice.parts.iter().filter_map(call).collect(),
        sources: choice.parts.iter().flat_map(sources).collect(),
        media: choice.parts.iter().filter_map(media).collect(),
        tokens: choice.logprobs.iter().map(|token| token["token"].to_string()).collect(),
        finish: choice.finish.as_ref().map(|finish| finish.reason),
    }
}

fn sources(part: &CollectedPart) -> impl Iterator<Item = String> {
    let urls = part.citations.iter().map(|citation| citation.url.clone());
    urls.filter(|url| !url.is_empty())
}

fn media(part: &CollectedPart) -> Option<String> {
    let PartHead::Media { mime, data } = &part.head else { return None };
    // Chunks of chat streams do not say how sound is coded.
    let kind = if mime.starts_with("audio/") { "audio" } else { mime };
    Some(format!("{kind} {}", data.len()))
}

fn call(part: &CollectedPart) -> Option<Call> {
    let PartHead::ToolCall { id, name, kind } = &part.head else { return None };
    let is_custom = *kind == CallKind::Custom;
    let is_empty = !is_custom && part.text.trim().is_empty();
    let arguments = if is_empty { "{}" } else { part.text.as_str() };
    Some(Call { id: id.clone(), name: name.clone(), arguments: arguments.to_owned(), is_custom })
}

fn shown(calls: &[Call]) -> String {
    let lines: Vec<String> = calls
        .iter()
        .map(|call| {
            format!("{}{} {}", call.name, if call.is_custom { "*" } else { "" }, call.arguments)
        })
        .collect();
    lines.join("\n")
}

/// Says which ids of calls a client of this format could not use, or are not the provider's though they
/// might be.
fn bad_ids(want: &[Call], got: &[Call], client: WireFormat) -> String {
    let mut seen = BTreeSet::new();
    let mut bad = Vec::new();
    for (place, call) in got.iter().enumerate() {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let is_legal = |id: &str| match client {
            WireFormat::Anthropic => (1..=64).contains(&id.len()) && id.bytes().all(letters),
            WireFormat::OpenAiResponses => (1..=64).contains(&id.len()),
            WireFormat::OpenAiChat | WireFormat::Gemini => !id.is_empty(),
        };
        let mut first = want.iter().take(place).all(|other| other.id != want[place].id);
        first &= is_legal(&want[place].id);
        let is_lost = want.len() == got.len() && first && call.id != want[place].id;
        if !is_legal(&call.id) || !seen.insert(&call.id) || is_lost {
            bad.push(format!("{:?} for {:?}", call.id, want[place].id));
        }
    }
    bad.join(", ")
}

fn numbers(usage: &Usage) -> String {
    let of = |number: Option<u64>| number.unwrap_or(0);
    let (input, read) = (of(usage.input_total()), of(usage.cache_read));
    format!("{input} in, {read} cached, {} out, {} thought", of(usage.output), of(usage.reasoning))
}

/// Returns how many tokens the deltas of an answer come to.
fn estimated(events: &[Event]) -> u64 {
    let mut running = Running::default();
    for event in events {
        if let Event::Text { delta, .. }
        | Event::Reasoning { delta, .. }
        | Event::Arguments { delta, .. } = event
        {
            running.add(delta);
        }
    }
    running.tokens()
}

/// Returns what a client of this format is to find of what a provider said.
pub(crate) fn expected(events: &[Event], client: WireFormat) -> Said {
    let whole = collect(events);
    let mut said = Said { client: Some(client), ..Said::of(events) };
    if whole.choices.is_empty() {
        said.answers.push(Answer::default());
    }
    if client == WireFormat::Anthropic && events.last() == Some(&Event::End) {
        // That format has no word for an answer that nobody counted.
        said.usage.output = said.usage.output.or_else(|| Some(estimated(events)));
    }
    if matches!(client, WireFormat::OpenAiResponses | WireFormat::Anthropic) {
        said.answers.truncate(1);
    }
    for (answer, choice) in said.answers.iter_mut().zip(&whole.choices) {
        if let Some(error) = unusable(choice, client) {
            said.failure = Some(error);
        }
        let has_refusal = !answer.refusal.is_empty();
        answer.finish = choice.finish.as_ref().map(|finish| {
            let sequence = finish.stop_sequence.is_some();
            expected_finish(finish.reason, client, !answer.calls.is_empty(), has_refusal, sequence)
        });
        if matches!(client, WireFormat::Anthropic | WireFormat::Gemini) {
            answer.text = shown_text(&choice.parts, client);
            answer.refusal.clear();
            answer.calls.iter_mut().for_each(as_object);
        }
        if client == WireFormat::Gemini {
            // A line of data has no line ends.
            let flat = |call: &mut Call| call.arguments = call.arguments.replace(['\r', '\n'], " ");
            answer.calls.iter_mut().for_each(flat);
        }
        if client == WireFormat::Anthropic {
            answer.tokens.clear();
            answer.media.clear();
        }
        if client == WireFormat::OpenAiResponses {
            answer.media.retain(|media| !media.starts_with("audio"));
        }
    }
    said
}

/// Returns the error that stands for an end which this client has no word for.
fn unusable(choice: &CollectedChoice, client: WireFormat) -> Option<UpstreamError> {
    let finish = choice.finish.as_ref()?;
    let what = match finish.reason {
        Finish::InvalidCall if client != WireFormat::Gemini => {
            "the model made a tool call that cannot be used"
        }
        Finish::Queued if client != WireFormat::OpenAiResponses => {
            "the upstream has not answered yet"
        }
        _ => return None,
    };
    let message = format!("{what} ({})", finish.native);
    Some(UpstreamError::server(502, finish.detail.clone().unwrap_or(message)))
}

/// The text of a client whose format has no refusals, and for messages a word about pictures.
fn shown_text(parts: &[CollectedPart], client: WireFormat) -> String {
    let text = |part: &CollectedPart| match &part.head {
        PartHead::Text | PartHead::Refusal => part.text.clone(),
        PartHead::Media { mime, .. } if client == WireFormat::Anthropic => {
            format!("[The model returned {mime} data, which cannot be shown here.]")
        }
        _ => String::new(),
    };
    parts.iter().map(text).collect()
}

/// Arguments of a client that takes objects only.
fn as_object(call: &mut Call) {
    if call.is_custom {
        call.is_custom = false;
        call.arguments = serde_json::json!({"input": call.arguments}).to_string();
    }
    match serde_json::from_str::<Value>(&call.arguments) {
        Ok(Value::Object(_)) => {}
        Ok(value) => call.arguments = format!("{{\"value\":{value}}}"),
        Err(_) => {
            call.arguments = serde_json::json!({"_invalid_json": call.arguments}).to_string();
        }
    }
}

/// Returns the end that a client's reader finds, after the way there and back.
fn expected_finish(
    reason: Finish,
    client: WireFormat,
    has_calls: bool,
    has_refusal: bool,
    has_sequence: bool,
) -> Finish {
    let plain = if has_calls { Finish::ToolCalls } else { Finish::Stop };
    match (reason, client) {
        (Finish::StopSequence, WireFormat::Anthropic) if has_sequence => Finish::StopSequence,
        (Finish::ContextFull | Finish::Pause | Finish::Compaction, WireFormat::Anthropic)
        | (Finish::Queued | Finish::Cancelled, WireFormat::OpenAiResponses)
        | (Finish::InvalidCall | Finish::Other, WireFormat::Gemini) => reason,
        (Finish::Refusal | Finish::ContentFilter, WireFormat::Anthropic) => Finish::Refusal,
        (Finish::Refusal, WireFormat::OpenAiChat | WireFormat::OpenAiResponses) if has_refusal => {
            Finish::Refusal
        }
        (Finish::Refusal | Finish::ContentFilter, _) => Finish::ContentFilter,
        (Finish::Length | Finish::ContextFull, _) => Finish::Length,
        _ => plain,
    }
}
