//! The answer before it takes a format: tokens, reasoning, calls, finish and usage.

use bytes::Bytes;

use crate::arguments;
use crate::ask::{Ask, Choice, Said, Tool, ToolKind};
use crate::behaviour::{Kind, Params};

/// Characters of a tool call's arguments per streamed fragment.
const FRAGMENT_CHARS: usize = 8;
/// The time every answer claims to be from: 2023-11-14T22:13:20Z.
pub(crate) const CREATED: u64 = 1_700_000_000;
/// What signs reasoning: valid base64, since Google's client refuses anything else.
pub(crate) const SIGNATURE: &str = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";
/// One token of `big`, in bytes.
const BIG_TOKEN_BYTES: usize = 1024;

/// A finished answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Sixteen hexadecimal digits that depend on the request alone.
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) reasoning: Vec<String>,
    pub(crate) tokens: Vec<String>,
    /// What a search of the vendor's own looked for, after the text and before the calls.
    pub(crate) search: Option<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
}

/// One tool call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Unique in a conversation; without the vendor's prefix.
    pub(crate) id: String,
    pub(crate) name: String,
    /// A JSON object as text; of a custom tool any text.
    pub(crate) arguments: String,
    pub(crate) kind: ToolKind,
}

impl Call {
    /// Cuts the arguments into the fragments in which they are streamed.
    pub(crate) fn fragments(&self) -> Vec<String> {
        let letters: Vec<char> = self.arguments.chars().collect();
        letters.chunks(FRAGMENT_CHARS).map(|fragment| fragment.iter().collect()).collect()
    }
}

/// Why an answer ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    StopSequence(String),
    Length,
    Calls,
    Pause,
}

/// Token counts; `input` includes `cached`, `output` includes `reasoning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Usage {
    pub(crate) fn total(self) -> u64 {
        self.input + self.output
    }

    /// Counts four characters of input as a token; numbers asked for by parameter win.
    pub(crate) fn new(chars: u64, visible: u64, reasoning: u64, params: &Params) -> Self {
        let cached = params.cached.unwrap_or(0);
        let input = params.input.unwrap_or(chars.div_ceil(4)).max(cached);
        let reasoning = params.reasoning.unwrap_or(reasoning);
        Self { input, cached, output: visible.saturating_add(reasoning), reasoning }
    }
}

/// One event of a stream, as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// Whether it carries generated content, which paces and faults count.
    pub(crate) is_token: bool,
}

impl Frame {
    pub(crate) fn token(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), is_token: true }
    }

    pub(crate) fn other(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), is_token: false }
    }
}

/// Composes the answer to a request.
pub(crate) fn compose(ask: &Ask, kind: Kind, params: &Params) -> Answer {
    let id = format!("{:016x}", fingerprint(ask));
    let pauses = ask.may_pause && ask.said.searches < params.pauses;
    let calls = if pauses { Vec::new() } else { calls(ask, params, &id) };
    let search = pauses.then(|| ask.said.text.clone());
    let reasoning = match params.thinks {
        true => tokens(&format!("Thinking about: {}", ask.said.text)),
        false => Vec::new(),
    };
    let (text, mut finish) = match (kind, calls.is_empty()) {
        (Kind::Big, _) => (String::new(), Finish::Stop),
        _ if pauses => (format!("Search {}. ", ask.said.searches + 1), Finish::Pause),
        (_, true) => {
            let text = params.text.clone().unwrap_or_else(|| echo(&ask.said));
            cut_at_stop(text, &ask.stop_sequences)
        }
        (_, false) if params.talks => (format!("Calling {}. ", calls[0].name), Finish::Calls),
        (_, false) => (String::new(), Finish::Calls),
    };
    let mut tokens = match kind {
        Kind::Big => vec![
            "big text ".repeat(BIG_TOKEN_BYTES)[..BIG_TOKEN_BYTES].to_owned();
            params.kib.unwrap_or(512)
        ],
        _ => tokens(&text),
    };
    let limit = ask.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    if tokens.len() > limit {
        tokens.truncate(limit);
        finish = Finish::Length;
    }
    let fragments: usize = calls.iter().map(|call| call.fragments().len()).sum();
    let visible = (tokens.len() + fragments) as u64;
    let usage = Usage::new(ask.said.chars, visible, reasoning.len() as u64, params);
    Answer { id, model: ask.model.clone(), reasoning, tokens, search, calls, finish, usage }
}

fn echo(said: &Said) -> String {
    let mut parts = vec![format!("You said: {}", said.text)];
    if !said.system.is_empty() {
        parts.push(format!("(system: {})", said.system.join("\n")));
    }
    for (count, noun) in [(said.images, "image"), (said.files, "file")] {
        match count {
            0 => {}
            1 => parts.push(format!("[1 {noun}]")),
            _ => parts.push(format!("[{count} {noun}s]")),
        }
    }
    let results = said.results.iter();
    parts.extend(results.map(|result| format!("Tool {} returned: {}", result.name, result.text)));
    parts.join(" ")
}

/// Cuts the text before the first stop sequence in it.
fn cut_at_stop(mut text: String, stops: &[String]) -> (String, Finish) {
    let found = stops.iter().filter_map(|stop| Some((text.find(stop.as_str())?, stop)));
    let Some((place, stop)) = found.min_by_key(|(place, _)| *place) else {
        return (text, Finish::Stop);
    };
    text.truncate(place);
    (text, Finish::StopSequence(stop.clone()))
}

/// Cuts text into words with the white space behind them; joined they give the text again.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    for letter in text.chars() {
        let starts_word = !letter.is_whitespace() && token.ends_with(char::is_whitespace);
        if starts_word && !token.trim().is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
        token.push(letter);
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}

fn calls(ask: &Ask, params: &Params, id: &str) -> Vec<Call> {
    let is_wanted = ask.said.results.is_empty() && ask.choice != Choice::None;
    if !is_wanted || ask.tools.is_empty() {
        return Vec::new();
    }
    let count = params.calls.unwrap_or(1);
    let count = if ask.calls_in_parallel { count } else { count.min(1) };
    let usable: Vec<_> = ask
        .tools
        .iter()
        .filter(|tool| !matches!(&ask.choice, Choice::Named(name) if *name != tool.name))
        .filter(|tool| params.tool.as_ref().is_none_or(|name| *name == tool.name))
        .collect();
    let chosen = usable.iter().cycle().take(count).enumerate();
    let call = chosen.map(|(index, tool)| Call {
        id: format!("{id}{index:02}"),
        name: tool.name.clone(),
        arguments: params.arguments.clone().unwrap_or_else(|| made_arguments(tool)),
        kind: tool.kind,
    });
    call.collect()
}

fn made_arguments(tool: &Tool) -> String {
    match tool.kind {
        ToolKind::Function => arguments::from_schema(&tool.schema).to_string(),
        ToolKind::Custom => arguments::SAMPLE_TEXT.to_owned(),
    }
}

/// FNV-1a over what the answer depends on.
fn fingerprint(ask: &Ask) -> u64 {
    let said = &ask.said;
    let counts = [said.chars.to_le_bytes(), said.turns.to_le_bytes()].concat();
    let parts = [ask.model.as_bytes(), said.text.as_bytes(), &counts];
    parts.iter().flat_map(|part| part.iter()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_join_to_the_text_and_are_words_with_their_space() {
        for text in ["", " ", "  two  words\n", "one", "a b c", "ünï çödé 🦀 x"] {
            assert_eq!(tokens(text).concat(), text);
        }
        assert_eq!(tokens(" say  it\nnow"), [" say  ", "it\n", "now"]);
    }

    #[test]
    fn the_first_stop_sequence_in_the_text_ends_it() {
        let stops = ["four".to_owned(), "two".to_owned()];

        let (text, finish) = cut_at_stop("one two three four".to_owned(), &stops);

        assert_eq!(text, "one ");
        assert_eq!(finish, Finish::StopSequence("two".to_owned()));
    }

    #[test]
    fn asked_for_usage_wins_and_cached_never_exceeds_input() {
        let params = Params { cached: Some(50), reasoning: Some(7), ..Params::default() };

        let usage = Usage::new(9, 3, 0, &params);

        assert_eq!(usage, Usage { input: 50, cached: 50, output: 10, reasoning: 7 });
    }
}
