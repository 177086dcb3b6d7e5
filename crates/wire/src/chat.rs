//! The canonical request: what a chat call asks for, whatever format said it.
//!
//! Turns keep the order in which the client sent them, system turns included, because three of the
//! four formats can carry them in mid-conversation and lifting them out loses their place for ever.
//! Text of tool arguments and schemas is carried as the characters the client wrote ([`RawValue`]),
//! never parsed and printed again: key order, `1.0` and large integers would change.

mod opaque;
mod tool;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::WireFormat;
use crate::notes::Notes;

pub use self::opaque::{Opaque, OpaqueKind, Origin, Vendor};
pub use self::tool::{Tool, ToolChoice, ToolKind, WebSearch};

/// JSON text exactly as it was written.
pub type RawJson = Box<RawValue>;

/// Members this form has no field for, by name, as they stood at one place of the request.
pub type Extra = Map<String, Value>;

/// A chat call in canonical form.
#[derive(Clone, Debug, Default)]
pub struct ChatRequest {
    /// The format the client spoke, set by the reader. Tells whose members [`ChatRequest::extra`]
    /// holds: a writer of the same format writes them back, any other notes them as dropped.
    pub origin: Option<WireFormat>,
    /// The name the client asked for, before routing.
    pub model: String,
    /// The conversation, in the client's order.
    pub turns: Vec<Turn>,
    /// Tools the model may call, in the client's order.
    pub tools: Vec<Tool>,
    /// Which tool must, may or must not be called.
    pub tool_choice: ToolChoice,
    /// Whether several calls may come in one step. `None`: the client did not say.
    pub parallel_calls: Option<bool>,
    /// Sampling fields.
    pub sampling: Sampling,
    /// Upper bound of the answer in tokens. `None`: not said. Zero is legal for Anthropic.
    pub max_output_tokens: Option<u64>,
    /// How much reasoning is wanted, and whether it is to be shown.
    pub reasoning: Reasoning,
    /// The form of the answer.
    pub output: OutputFormat,
    /// Whether the client wants a stream, and whether that stream carries usage.
    pub delivery: Delivery,
    /// The end user as the client names them: OpenAI `user`/`safety_identifier`, Anthropic
    /// `metadata.user_id`.
    pub end_user: Option<String>,
    /// The client's own labels for the call (OpenAI `metadata`, Vertex `labels`). Empty: none.
    pub metadata: Extra,
    /// Which prompt cache to use (`prompt_cache_key`).
    pub cache_key: Option<String>,
    /// How long the prompt cache is kept (`prompt_cache_retention`), in OpenAI's words.
    pub cache_retention: Option<String>,
    /// How urgently to serve: `auto`, `default`, `flex`, `priority`, … in OpenAI's words.
    pub service_tier: Option<String>,
    /// How wordy the answer is to be (`low`, `medium`, `high`).
    pub verbosity: Option<String>,
    /// Sound wanted besides text.
    pub audio: Option<AudioOutput>,
    /// Whether pictures are wanted besides text.
    pub wants_images: bool,
    /// Top-level members no field above holds. Written back only to providers of the same format;
    /// other writers list them in the notes.
    pub extra: Extra,
    /// What was lost before any writer saw the request, such as a forged envelope.
    pub notes: Notes,
}

impl ChatRequest {
    /// Tells whether the model has work without the vendor's web search: the client offers tools of its
    /// own and forces no search. A target without a search may then be asked all the same; coding tools
    /// declare a search in every request and seldom need it.
    pub fn can_do_without_search(&self) -> bool {
        let is_search =
            |name: &String| self.tools.iter().any(|tool| !tool.is_clients() && tool.name == *name);
        let forced = match &self.tool_choice {
            ToolChoice::One(name) => is_search(name),
            ToolChoice::Allowed { required: true, names } => names.iter().all(is_search),
            _ => false,
        };
        !forced && self.tools.iter().any(Tool::is_clients)
    }
}

/// One message of the conversation.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The participant's name (OpenAI only).
    pub name: Option<String>,
}

/// Who speaks in a [`Turn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions of the operator.
    System,
    /// Instructions of the developer (OpenAI); a system turn elsewhere.
    Developer,
    /// The human, or the program that speaks for them. Tool results of Anthropic and Gemini stand here.
    User,
    /// The model.
    Assistant,
    /// A turn that only holds tool results (OpenAI Chat).
    Tool,
}

impl Role {
    /// Tells whether its turns are instructions.
    pub const fn is_instructions(self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}

/// A piece of a turn.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Bytes that only the vendor who made them can read; sent back unchanged or not at all.
    pub opaque: Option<Opaque>,
    /// Whether the prompt up to here is to be cached (Anthropic `cache_control`, kept as it was).
    pub cache: Option<Value>,
}

impl Part {
    /// Makes a part without opaque data and cache mark.
    pub const fn new(kind: PartKind) -> Self {
        Self { kind, opaque: None, cache: None }
    }

    /// Makes a plain text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartKind::Text(text.into()))
    }
}

/// What a [`Part`] is.
#[derive(Clone, Debug)]
pub enum PartKind {
    /// Visible text.
    Text(String),
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// Moving pictures (Gemini only).
    Video(Media),
    /// A file to be read, PDF or text.
    Document(Media),
    /// The model asks the client to run a tool.
    ToolCall {
        /// The id a result must name. Empty when the format has none (older Gemini).
        id: String,
        /// The tool's name.
        name: String,
        /// What its input is.
        kind: CallKind,
        /// The arguments as the model wrote them: JSON text, possibly empty or broken; for a custom
        /// tool the text itself.
        arguments: String,
    },
    /// The client answers a call.
    ToolResult {
        /// The call's id. Empty when the format has none; then [`Self::ToolResult::name`] is set.
        call: String,
        /// The tool's name, where the format says it.
        name: Option<String>,
        /// The result's content, in order.
        parts: Vec<Part>,
        /// Whether the tool failed. `None`: the format cannot say.
        is_error: Option<bool>,
    },
    /// The model's reasoning as the vendor shows it. Signature and the like are in [`Part::opaque`].
    Reasoning(String),
    /// The model's refusal (OpenAI).
    Refusal(String),
    /// A part of one vendor's own server-side tools, kept raw for a provider of the same format.
    Server {
        /// The format it belongs to.
        format: WireFormat,
        /// The part as it was written.
        raw: RawJson,
    },
}

/// What the input of a called tool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallKind {
    /// A JSON object.
    #[default]
    Function,
    /// Free text (OpenAI's custom tools).
    Custom,
}

/// A picture, sound or file.
#[derive(Clone, Debug)]
pub struct Media {
    /// Media type such as `image/png`. Empty when unknown.
    pub mime: String,
    /// Where the bytes are.
    pub source: MediaSource,
    /// OpenAI's `detail` of an image.
    pub detail: Option<String>,
    /// File name or title.
    pub name: Option<String>,
}

/// Where the bytes of [`Media`] are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaSource {
    /// Standard base64, without the `data:` prefix.
    Base64(String),
    /// An http(s) address, or a vendor's file address (`gs://`, Files URI).
    Url(String),
    /// A file stored at the vendor of the client's format.
    FileId(String),
    /// Plain text (Anthropic text documents).
    Text(String),
}

/// Sampling fields. `None` is "not said".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2 (Anthropic: 0 to 1).
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Top-k sampling.
    pub top_k: Option<u64>,
    /// Seed for repeatable answers.
    pub seed: Option<i64>,
    /// Presence penalty, −2 to 2.
    pub presence_penalty: Option<f64>,
    /// Frequency penalty, −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Number of answers wanted.
    pub n: Option<u32>,
    /// Whether log probabilities are wanted.
    pub logprobs: Option<bool>,
    /// How many alternatives per token.
    pub top_logprobs: Option<u32>,
    /// Bias per token id (OpenAI), as written. Token ids are a vendor's own.
    pub logit_bias: Option<Value>,
}

/// How much reasoning, and whether it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// How much.
    pub amount: ReasoningAmount,
    /// Whether the client wants to see it. `None`: not said.
    pub show: Option<bool>,
}

/// How much reasoning is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReasoningAmount {
    /// Not said.
    #[default]
    NotSaid,
    /// None at all.
    Off,
    /// As the model sees fit.
    Adaptive,
    /// A level.
    Effort(Effort),
    /// A number of tokens, more than 0; see [`Self::of_budget`].
    Budget(u64),
}

impl ReasoningAmount {
    /// Returns what a number of tokens to think with asks for: none at all if it is 0.
    pub const fn of_budget(tokens: u64) -> Self {
        if tokens == 0 { Self::Off } else { Self::Budget(tokens) }
    }

    /// Returns what one of OpenAI's effort words asks for, or `None` if it is no such word.
    pub fn of_effort(word: &str) -> Option<Self> {
        if word == "none" { Some(Self::Off) } else { Effort::of_word(word).map(Self::Effort) }
    }
}

/// A level of reasoning effort, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    XHigh,
    /// `max`
    Max,
}

impl Effort {
    /// All levels, lowest first.
    pub const ALL: [Self; 6] =
        [Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// Returns the word for it, the same in all formats (Gemini writes it in capitals).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// Returns the level that a word stands for, or `None` if it is no level's.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.word() == word)
    }

    /// Returns the number of tokens that stands for a level: the anchors of Google's own OpenAI layer, so
    /// that effort → budget → effort is stable. The highest, where no limit says what it leaves, is no
    /// more than the one below.
    pub const fn tokens(self) -> u32 {
        match self {
            Self::Minimal => 512,
            Self::Low => 1024,
            Self::Medium => 8192,
            Self::High => 24_576,
            Self::XHigh | Self::Max => 32_768,
        }
    }

    /// Returns the level nearest to a number of tokens to think with.
    ///
    /// The bounds lie between the budgets that Google's own OpenAI layer gives the levels; no number is
    /// nearest to `Max`, which has none.
    pub const fn nearest(tokens: u64) -> Self {
        match tokens {
            0..=512 => Self::Minimal,
            513..=4_096 => Self::Low,
            4_097..=16_384 => Self::Medium,
            16_385..=28_672 => Self::High,
            _ => Self::XHigh,
        }
    }
}

/// The form of the answer.
#[derive(Clone, Debug, Default)]
pub enum OutputFormat {
    /// Text, or not said.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON of this schema.
    JsonSchema {
        /// The schema's name (OpenAI).
        name: Option<String>,
        /// What the schema is for.
        description: Option<String>,
        /// The schema as written.
        schema: RawJson,
        /// Whether it must be satisfied exactly.
        strict: Option<bool>,
    },
}

/// Sound wanted in the answer (OpenAI Chat `audio`, Gemini `speechConfig`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioOutput {
    /// The voice, by the vendor's name for it.
    pub voice: Option<String>,
    /// `wav`, `mp3`, `pcm16`, …
    pub format: Option<String>,
}

/// How the answer is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Whether the client wants an event stream.
    pub stream: bool,
    /// Whether a chat stream ends in a usage chunk (`stream_options.include_usage`).
    pub include_usage: bool,
}
