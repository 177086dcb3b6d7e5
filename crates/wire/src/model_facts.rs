//! What a writer must know about the model it writes to. Data from the catalogue, never guessed from
//! a name inside a codec.

use crate::chat::Effort;

/// Facts of one model, as the catalogue's YAML gives them. All optional; the defaults are cautious.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Tokens of input and output together. `None`: unknown.
    pub context_tokens: Option<u64>,
    /// Most tokens of one answer. `None`: unknown.
    pub max_output_tokens: Option<u64>,
    /// Which control over reasoning the model has.
    pub thinking: ThinkingControl,
    /// Which sampling fields it takes.
    pub sampling: SamplingSupport,
    /// Whether the limit is called `max_completion_tokens` (OpenAI Chat dialect).
    pub max_completion_tokens: bool,
    /// Whether `developer` messages are understood; else they are sent as `system`.
    pub developer_role: bool,
    /// Whether `system` messages inside a conversation are understood (Anthropic).
    pub system_inside: bool,
    /// Whether a text of the assistant at the end is gone on from (Anthropic, models up to 4.5); else it
    /// is refused.
    pub prefill: bool,
    /// Whether Gemini's `parametersJsonSchema` and `responseJsonSchema` are understood; else schemas
    /// are cleaned for `parameters` and `responseSchema`.
    pub json_schema: bool,
    /// Whether structured output is understood natively (`output_config.format` of Anthropic).
    pub structured_output: bool,
    /// Whether `stream_options.include_usage` is understood (OpenAI Chat dialect). Asked by default.
    pub no_stream_usage: bool,
    /// Whether `reasoning_content` of earlier assistant turns is sent back (OpenAI Chat dialect;
    /// DeepSeek and Kimi demand it inside a tool loop). Left out by default.
    pub reasoning_echo: bool,
    /// Whether ids of calls must be nine letters or digits (Mistral); others are made into such.
    pub short_call_ids: bool,
    /// Whether reasoning and tools exclude each other (OpenAI Chat, GPT-5.3 and later): the tools are
    /// sent, and no reasoning is asked for.
    pub no_reasoning_with_tools: bool,
    /// Whether a call can be demanded at all (newest Claude models refuse it); a demand is refused else.
    pub no_forced_calls: bool,
    /// Whether custom tools (free text) are understood (OpenAI); else they are sent as functions.
    pub custom_tools: bool,
    /// Whether `web_search_options` is understood (OpenAI Chat dialect); else a web search is refused.
    pub web_search_options: bool,
    /// Whether `prompt_cache_breakpoint` is understood (OpenAI); else cache marks are left out.
    pub cache_breakpoints: bool,
    /// Whether the model draws when `modalities` asks for it (OpenAI Chat dialect).
    pub image_output: bool,
    /// Whether `top_k` is understood (OpenAI Chat dialect). Left out by default.
    pub top_k: bool,
    /// Least and most tokens to think with, for a model with a budget. `None`: unknown. A least of more
    /// than 0 means that thinking cannot be turned off.
    pub thinking_budget: Option<(u64, u64)>,
    /// The levels of a model with levels or efforts. Empty: those that its format usually has.
    pub thinking_levels: Vec<Effort>,
    /// Whether thinking cannot be turned off: the lowest level is sent instead of none (OpenAI), or
    /// thinking between calls only (Anthropic).
    pub always_thinks: bool,
    /// Whether the provider fetches media from web addresses (Gemini; Vertex does).
    pub web_media: bool,
    /// Whether the provider takes labels of a call (Gemini; Vertex does).
    pub labels: bool,
}

impl ModelFacts {
    /// Returns the level of the model that is nearest to the wanted one, the higher of two.
    pub fn nearest_level(&self, wanted: Effort) -> Effort {
        let place = |effort: Effort| Effort::ALL.iter().position(|known| *known == effort);
        let distance = |effort: Effort| {
            place(effort).zip(place(wanted)).map(|(one, other)| one.abs_diff(other))
        };
        let known = self.thinking_levels.iter().copied();
        let nearest = known.min_by_key(|effort| (distance(*effort), std::cmp::Reverse(*effort)));
        nearest.unwrap_or(wanted)
    }
}

/// Which control over reasoning a model has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThinkingControl {
    /// Unknown: what the client asked for is sent in the format's usual field.
    #[default]
    Unknown,
    /// None: reasoning fields are left out.
    None,
    /// A budget of tokens.
    Budget,
    /// Adaptive thinking with an effort (Anthropic).
    Adaptive,
    /// A level or effort word.
    Level,
}

/// Which sampling fields a model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SamplingSupport {
    /// All that the format has.
    #[default]
    All,
    /// Temperature or top_p, not both.
    NotBoth,
    /// None: the fields are left out.
    None,
}
