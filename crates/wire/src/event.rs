//! The canonical reply: a stream of events. A whole answer is a stream that was collected.
//!
//! What every reader guarantees and every writer may rely on: `Start` comes first; every delta lies
//! between its part's start and end; at most one `Finish` per choice, after that choice's last part;
//! exactly one `End` or `Error`, and it is last. Part numbers are ours, from 0 per choice in order of
//! first appearance. Parts of one choice may interleave (Chat sends parallel calls so); a writer whose
//! format cannot do that serialises them.

use serde_json::Value;

use crate::api_error::UpstreamError;
use crate::chat::{CallKind, Opaque};

/// One step of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The reply has begun. Id and model as the provider said, empty if it did not.
    Start {
        /// The provider's id of the reply.
        id: String,
        /// The model as the provider names it.
        model: String,
        /// Unix seconds, where the format has them.
        created: Option<u64>,
    },
    /// A part begins.
    PartStart {
        /// Which answer, 0 unless several were asked for.
        choice: u16,
        /// Which part of it.
        part: u32,
        /// What it is.
        head: PartHead,
    },
    /// More text of a `Text` or `Refusal` part.
    Text {
        /// Which answer.
        choice: u16,
        /// Which part.
        part: u32,
        /// The new characters.
        delta: String,
    },
    /// More text of a `Reasoning` part.
    Reasoning {
        /// Which answer.
        choice: u16,
        /// Which part.
        part: u32,
        /// The new characters.
        delta: String,
    },
    /// More characters of a tool call's arguments; may be cut anywhere, may be empty.
    Arguments {
        /// Which answer.
        choice: u16,
        /// Which part.
        part: u32,
        /// The new characters.
        delta: String,
    },
    /// Vendor data that belongs to a part: a signature, redacted reasoning.
    Opaque {
        /// Which answer.
        choice: u16,
        /// Which part.
        part: u32,
        /// The data.
        opaque: Opaque,
    },
    /// A source of what a `Text` part says.
    Cite {
        /// Which answer.
        choice: u16,
        /// Which part.
        part: u32,
        /// The source.
        citation: Citation,
    },
    /// Log probabilities of the newest tokens of an answer.
    Logprobs {
        /// Which answer.
        choice: u16,
        /// One entry per token, as Chat Completions writes them: `{token, logprob, bytes,
        /// top_logprobs}`.
        tokens: Vec<Value>,
    },
    /// A part is complete.
    PartEnd {
        /// Which answer.
        choice: u16,
        /// Which part.
        part: u32,
    },
    /// The best numbers known so far; later ones replace earlier ones field by field.
    Usage(Usage),
    /// An answer is complete.
    Finish {
        /// Which answer.
        choice: u16,
        /// Why it ended.
        reason: Finish,
        /// The provider's own word, empty if it had none.
        native: String,
        /// The stop sequence that matched, where the provider says so.
        stop_sequence: Option<String>,
        /// Further explanation, e.g. of a refusal.
        detail: Option<String>,
    },
    /// A sign of life without content.
    Ping,
    /// The reply failed. Last event.
    Error(UpstreamError),
    /// The format's own end was seen: the reply is complete. Last event.
    End,
}

impl Event {
    /// Appends the characters of the next event of the same part. Returns whether it is joined: if so,
    /// `next` says nothing more.
    pub(crate) fn absorb(&mut self, next: &Self) -> bool {
        let (known, more) = match (self, next) {
            (
                Self::Text { choice, part, delta },
                Self::Text { choice: next_choice, part: next_part, delta: more },
            )
            | (
                Self::Reasoning { choice, part, delta },
                Self::Reasoning { choice: next_choice, part: next_part, delta: more },
            )
            | (
                Self::Arguments { choice, part, delta },
                Self::Arguments { choice: next_choice, part: next_part, delta: more },
            ) if choice == next_choice && part == next_part => (delta, more),
            _ => return false,
        };
        known.push_str(more);
        true
    }

    /// Returns the number of the part that this is said of.
    pub(crate) const fn part_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::PartStart { part, .. }
            | Self::Text { part, .. }
            | Self::Reasoning { part, .. }
            | Self::Arguments { part, .. }
            | Self::Opaque { part, .. }
            | Self::Cite { part, .. }
            | Self::PartEnd { part, .. } => Some(part),
            Self::Start { .. }
            | Self::Logprobs { .. }
            | Self::Usage(_)
            | Self::Finish { .. }
            | Self::Ping
            | Self::Error(_)
            | Self::End => None,
        }
    }

    /// Tells whether a client has something to show for it: the point after which a reply can no
    /// longer be replaced by another attempt's.
    ///
    /// A finish counts, because an empty answer is an answer.
    pub const fn is_content(&self) -> bool {
        matches!(
            self,
            Self::PartStart { .. }
                | Self::Text { .. }
                | Self::Reasoning { .. }
                | Self::Arguments { .. }
                | Self::Opaque { .. }
                | Self::Cite { .. }
                | Self::Finish { .. }
        )
    }
}

/// What a part is, known when it starts.
#[derive(Clone, Debug, PartialEq)]
pub enum PartHead {
    /// Visible text.
    Text,
    /// Reasoning text.
    Reasoning(ReasoningKind),
    /// Refusal text (OpenAI); its deltas are [`Event::Text`].
    Refusal,
    /// A call of one of the client's tools.
    ToolCall {
        /// From a reader the provider's id, empty if it gave none; for a writer the one that its client
        /// sees ([`Codec::call_id`](crate::Codec::call_id)), never empty.
        id: String,
        /// The tool's name.
        name: String,
        /// What its input is.
        kind: CallKind,
    },
    /// A picture or sound the model made, whole.
    Media {
        /// Media type.
        mime: String,
        /// Standard base64.
        data: String,
    },
    /// A piece of the provider's own server-side tools. Never to be shown as a call to answer.
    Server {
        /// The part as the provider wrote it.
        raw: Value,
        /// What was searched for, if it is a call of the web search.
        query: Option<String>,
    },
}

/// Which reasoning a client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningKind {
    /// A summary (Claude, Gemini, OpenAI's summaries).
    Summary,
    /// What the model really thought (`reasoning_content` and the like).
    Raw,
}

/// A source of a piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation {
    /// Address of a web source; empty for a document.
    pub url: String,
    /// Title of the source.
    pub title: Option<String>,
    /// The words of the source.
    pub quote: Option<String>,
    /// Which characters of the part's text it backs, in code points from 0, end excluded. `None`: the
    /// whole part, or not said.
    pub span: Option<(u64, u64)>,
    /// The citation as the provider wrote it, for what only its own format can say.
    pub raw: Option<Value>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// One of the client's stop sequences came.
    StopSequence,
    /// The token limit of the request.
    Length,
    /// The model's context is full.
    ContextFull,
    /// The client is to run tools.
    ToolCalls,
    /// A safety filter cut or blocked it.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The provider's own tool loop paused (Anthropic `pause_turn`).
    Pause,
    /// The provider compacted the conversation and stopped (Anthropic `compaction`).
    Compaction,
    /// Someone cancelled it (Responses).
    Cancelled,
    /// It has not been answered yet (Responses in the background).
    Queued,
    /// The model's call was unusable (Gemini `MALFORMED_FUNCTION_CALL`).
    InvalidCall,
    /// Anything else; the native word says what.
    Other,
}

impl Finish {
    /// Returns the stable name for logs and tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::StopSequence => "stop_sequence",
            Self::Length => "length",
            Self::ContextFull => "context_full",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Compaction => "compaction",
            Self::Cancelled => "cancelled",
            Self::Queued => "queued",
            Self::InvalidCall => "invalid_call",
            Self::Other => "other",
        }
    }
}

/// Most tokens that a call is believed to have taken: a hundred times the longest context there is (10 million).
const MOST_TOKENS: u64 = 1_000_000_000;

/// Token counts of one reply. `None` is "not said", `Some(0)` is "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens without cache reads and writes.
    pub input: Option<u64>,
    /// Input tokens read from the provider's prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to the provider's prompt cache, whatever their lifetime.
    pub cache_write: Option<u64>,
    /// The part of `cache_write` that lives an hour or longer.
    pub cache_write_long: Option<u64>,
    /// Everything generated, reasoning included.
    pub output: Option<u64>,
    /// The part of `output` that is reasoning.
    pub reasoning: Option<u64>,
    /// The part of the input that is sound.
    pub audio_input: Option<u64>,
    /// The part of `output` that is sound.
    pub audio_output: Option<u64>,
    /// The part of the input that is pictures.
    pub image_input: Option<u64>,
    /// The part of `output` that is pictures.
    pub image_output: Option<u64>,
    /// Web searches the provider ran and bills.
    pub web_searches: Option<u64>,
    /// Whether any number is our own count, because the provider said none.
    pub estimated: bool,
}

impl Usage {
    /// Returns the same without counts that no call can have: they are as good as none, and one of them would spoil
    /// every sum it goes into.
    pub fn plausible(self) -> Self {
        let fits = |count: Option<u64>| count.filter(|count| *count <= MOST_TOKENS);
        Self {
            input: fits(self.input),
            cache_read: fits(self.cache_read),
            cache_write: fits(self.cache_write),
            cache_write_long: fits(self.cache_write_long),
            output: fits(self.output),
            reasoning: fits(self.reasoning),
            audio_input: fits(self.audio_input),
            audio_output: fits(self.audio_output),
            image_input: fits(self.image_input),
            image_output: fits(self.image_output),
            web_searches: fits(self.web_searches),
            estimated: self.estimated,
        }
    }

    /// Takes over every number that `newer` says.
    pub fn merge(&mut self, newer: &Self) {
        let pick = |newer: Option<u64>, older: Option<u64>| newer.or(older);
        *self = Self {
            input: pick(newer.input, self.input),
            cache_read: pick(newer.cache_read, self.cache_read),
            cache_write: pick(newer.cache_write, self.cache_write),
            cache_write_long: pick(newer.cache_write_long, self.cache_write_long),
            output: pick(newer.output, self.output),
            reasoning: pick(newer.reasoning, self.reasoning),
            audio_input: pick(newer.audio_input, self.audio_input),
            audio_output: pick(newer.audio_output, self.audio_output),
            image_input: pick(newer.image_input, self.image_input),
            image_output: pick(newer.image_output, self.image_output),
            web_searches: pick(newer.web_searches, self.web_searches),
            estimated: newer.estimated || self.estimated,
        };
    }

    /// Returns the counts of two calls together. What only one of them says is that.
    pub fn plus(&self, other: &Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Self {
            input: sum(self.input, other.input),
            cache_read: sum(self.cache_read, other.cache_read),
            cache_write: sum(self.cache_write, other.cache_write),
            cache_write_long: sum(self.cache_write_long, other.cache_write_long),
            output: sum(self.output, other.output),
            reasoning: sum(self.reasoning, other.reasoning),
            audio_input: sum(self.audio_input, other.audio_input),
            audio_output: sum(self.audio_output, other.audio_output),
            image_input: sum(self.image_input, other.image_input),
            image_output: sum(self.image_output, other.image_output),
            web_searches: sum(self.web_searches, other.web_searches),
            estimated: self.estimated || other.estimated,
        }
    }

    /// Returns all input tokens, cache included, or `None` if no input number is known.
    pub fn input_total(&self) -> Option<u64> {
        if self.input.is_none() && self.cache_read.is_none() && self.cache_write.is_none() {
            return None;
        }
        let parts = [self.input, self.cache_read, self.cache_write];
        Some(parts.into_iter().flatten().fold(0, u64::saturating_add))
    }

    /// Returns all tokens, input and output.
    pub fn total(&self) -> u64 {
        self.input_total().unwrap_or(0).saturating_add(self.output.unwrap_or(0))
    }

    /// Tells whether no number is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
