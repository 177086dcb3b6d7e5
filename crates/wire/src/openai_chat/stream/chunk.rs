//! The shape of one stream chunk, and of a whole reply, as providers of this family send them.
//!
//! Everything is optional and borrowed: these structs are filled once per stream event. A whole reply
//! is a chunk whose choices have `message` in place of `delta`. Members of a type nobody expects are
//! skipped where they carry no content (a `created` in words), and are errors where they do.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::string_or_list::StringOrList;
use crate::text::Text;

/// One `data:` object of a stream, or a whole reply.
#[derive(Debug, Deserialize)]
pub(crate) struct Chunk<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) model: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) created: Count,
    #[serde(borrow)]
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    pub(crate) usage: Option<WireUsage>,
    pub(crate) x_groq: Option<Groq>,
    /// Addresses of sources (Perplexity, xAI), repeated in every chunk.
    #[serde(borrow)]
    pub(crate) citations: Option<&'a RawValue>,
    /// The same with titles (Perplexity).
    #[serde(borrow)]
    pub(crate) search_results: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) errors: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) detail: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) message: Option<&'a RawValue>,
}

/// Where Groq puts the usage of a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct Groq {
    pub(crate) usage: Option<WireUsage>,
}

/// One answer's share of a chunk.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice<'a> {
    #[serde(default)]
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(crate) message: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(crate) finish_reason: Option<Text<'a>>,
    /// vLLM: the stop sequence that matched (a string) or a token id (a number).
    #[serde(borrow)]
    pub(crate) stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) logprobs: Option<&'a RawValue>,
    pub(crate) usage: Option<WireUsage>,
}

/// The members of `delta` and `message` that carry content.
#[derive(Debug, Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(borrow)]
    pub(crate) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(crate) refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reasoning: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reasoning_details: Option<Vec<ReasoningDetail<'a>>>,
    #[serde(borrow)]
    pub(crate) tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow)]
    pub(crate) function_call: Option<Function<'a>>,
    #[serde(borrow)]
    pub(crate) images: Option<Vec<Image<'a>>>,
    #[serde(borrow)]
    pub(crate) audio: Option<Audio<'a>>,
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
}

/// `content`: characters, or a list of parts (Mistral).
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// Visible text.
    Text(Cow<'a, str>),
    /// Parts in order.
    Parts(Vec<ContentPart<'a>>),
}

/// One part of a `content` list.
#[derive(Debug, Deserialize)]
pub(crate) struct ContentPart<'a> {
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) thinking: Option<Content<'a>>,
    #[serde(borrow)]
    pub(crate) refusal: Option<Text<'a>>,
}

/// An entry of OpenRouter's `reasoning_details`.
#[derive(Debug, Deserialize)]
pub(crate) struct ReasoningDetail<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) summary: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) data: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) format: Option<Text<'a>>,
}

/// A call, or a fragment of one.
#[derive(Debug, Deserialize)]
pub(crate) struct ToolCall<'a> {
    #[serde(default)]
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) function: Option<Function<'a>>,
    #[serde(borrow)]
    pub(crate) custom: Option<Custom<'a>>,
    #[serde(borrow)]
    pub(crate) extra_content: Option<ExtraContent<'a>>,
}

/// Name and arguments of a call; also the legacy `function_call`.
#[derive(Debug, Deserialize)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
}

/// A call of a free-text tool.
#[derive(Debug, Deserialize)]
pub(crate) struct Custom<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) input: Option<Text<'a>>,
}

/// Where Google's own layer puts its signature.
#[derive(Debug, Deserialize)]
pub(crate) struct ExtraContent<'a> {
    #[serde(borrow)]
    pub(crate) google: Option<GoogleExtra<'a>>,
}

/// See [`ExtraContent`].
#[derive(Debug, Deserialize)]
pub(crate) struct GoogleExtra<'a> {
    #[serde(borrow)]
    pub(crate) thought_signature: Option<Text<'a>>,
}

/// A picture the model made (OpenRouter).
#[derive(Debug, Deserialize)]
pub(crate) struct Image<'a> {
    #[serde(borrow)]
    pub(crate) image_url: Option<ImageUrl<'a>>,
}

/// See [`Image`].
#[derive(Debug, Deserialize)]
pub(crate) struct ImageUrl<'a> {
    #[serde(borrow)]
    pub(crate) url: Option<Text<'a>>,
}

/// Sound the model made.
#[derive(Debug, Deserialize)]
pub(crate) struct Audio<'a> {
    #[serde(borrow)]
    pub(crate) data: Option<Text<'a>>,
}

/// `usage` with the members of all dialects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    pub(crate) prompt_tokens: Count,
    pub(crate) completion_tokens: Count,
    pub(crate) total_tokens: Count,
    pub(crate) prompt_tokens_details: Option<PromptDetails>,
    pub(crate) completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek.
    pub(crate) prompt_cache_hit_tokens: Count,
    /// Perplexity.
    pub(crate) num_search_queries: Count,
    /// OpenRouter.
    pub(crate) server_tool_use: Option<ServerToolUse>,
}

/// See [`WireUsage`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServerToolUse {
    pub(crate) web_search_requests: Count,
}

/// See [`WireUsage`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PromptDetails {
    pub(crate) cached_tokens: Count,
    pub(crate) cache_write_tokens: Count,
    pub(crate) audio_tokens: Count,
    pub(crate) image_tokens: Count,
}

/// See [`WireUsage`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CompletionDetails {
    pub(crate) reasoning_tokens: Count,
    pub(crate) audio_tokens: Count,
    pub(crate) image_tokens: Count,
}

/// A number that is not negative, written as whole number, fraction or text; anything else is "not
/// said".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Count, E> {
        Ok(Count(Some(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(number).ok()))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range; a fraction of a token or second means nothing"
    )]
    fn visit_f64<E>(self, number: f64) -> Result<Count, E> {
        let fits = (0.0..9e15).contains(&number);
        Ok(Count(fits.then_some(number as u64)))
    }

    fn visit_str<E>(self, number: &str) -> Result<Count, E> {
        Ok(Count(number.parse().ok()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match StringOrList::read(deserializer, "a string or a list of content parts")? {
            StringOrList::String(text) => Self::Text(text),
            StringOrList::List(parts) => Self::Parts(parts),
        })
    }
}
