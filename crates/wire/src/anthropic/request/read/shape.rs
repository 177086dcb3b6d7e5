//! Requests as they stand on the wire. Every member is optional; what is missing is found where it is
//! needed, so that the fault can name it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::Extra;
use crate::plain::{self, Plain};
use crate::string_or_list::StringOrList;

/// The request.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    /// Read by routing; named here so that they are not among the unknown members.
    #[serde(rename = "model")]
    pub(super) _model: Option<IgnoredAny>,
    #[serde(rename = "stream")]
    pub(super) _stream: Option<IgnoredAny>,
    pub(super) max_tokens: Option<u64>,
    #[serde(borrow)]
    pub(super) system: Option<Written<'a>>,
    #[serde(borrow)]
    pub(super) messages: Option<Vec<Message<'a>>>,
    #[serde(borrow)]
    pub(super) tools: Option<Vec<&'a RawValue>>,
    pub(super) tool_choice: Option<ToolChoice>,
    pub(super) thinking: Option<Thinking>,
    #[serde(borrow)]
    pub(super) output_config: Option<OutputConfig<'a>>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<u64>,
    pub(super) stop_sequences: Option<Vec<String>>,
    pub(super) metadata: Option<Metadata>,
    pub(super) service_tier: Option<String>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// One message.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    pub(super) role: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
}

/// Content: a string or a list of blocks.
pub(super) type Content<'a> = plain::Content<'a, Block<'a>>;

/// Content whose blocks are still as they were written.
pub(super) enum Written<'a> {
    Text(String),
    Blocks(Vec<&'a RawValue>),
}

/// The members of all block types.
#[derive(Deserialize)]
pub(super) struct Block<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) data: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    pub(super) tool_use_id: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    pub(super) is_error: Option<bool>,
    /// An object on images and documents, a string on search results.
    #[serde(borrow)]
    pub(super) source: Option<&'a RawValue>,
    pub(super) title: Option<String>,
    pub(super) context: Option<String>,
    /// A list on texts, an object on documents.
    pub(super) citations: Option<Value>,
    pub(super) cache_control: Option<Value>,
}

impl Plain for Block<'_> {
    const KINDS: &'static [&'static str] = &[
        "text",
        "image",
        "document",
        "search_result",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
    ];

    fn kind(&mut self) -> &mut Option<String> {
        &mut self.kind
    }
}

impl Content<'_> {
    /// Tells whether all blocks are plain, also those inside them.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Other => false,
            Self::Parts(blocks) => {
                blocks.iter().all(|block| block.content.as_ref().is_none_or(Self::is_plain))
            }
        }
    }
}

/// Where the bytes of an image or document are.
#[derive(Deserialize)]
pub(super) struct Source<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) data: Option<String>,
    pub(super) url: Option<String>,
    pub(super) file_id: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
}

/// The members of all tools.
#[derive(Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    #[serde(borrow)]
    pub(super) input_schema: Option<&'a RawValue>,
    pub(super) strict: Option<bool>,
    pub(super) cache_control: Option<Value>,
    pub(super) input_examples: Option<IgnoredAny>,
    pub(super) allowed_callers: Option<IgnoredAny>,
    pub(super) defer_loading: Option<bool>,
}

/// The members of a web search.
#[derive(Default, Deserialize)]
pub(super) struct WebSearchTool {
    pub(super) allowed_domains: Option<Vec<String>>,
    pub(super) blocked_domains: Option<Vec<String>>,
    pub(super) user_location: Option<Value>,
    pub(super) max_uses: Option<u32>,
}

/// Which tool may or must be called.
#[derive(Deserialize)]
pub(super) struct ToolChoice {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) disable_parallel_tool_use: Option<bool>,
}

/// How much reasoning.
#[derive(Deserialize)]
pub(super) struct Thinking {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) budget_tokens: Option<u64>,
    pub(super) display: Option<String>,
}

/// Effort and the form of the answer.
#[derive(Deserialize)]
pub(super) struct OutputConfig<'a> {
    pub(super) effort: Option<String>,
    #[serde(borrow)]
    pub(super) format: Option<Format<'a>>,
}

/// The form of the answer.
#[derive(Deserialize)]
pub(super) struct Format<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(borrow)]
    pub(super) schema: Option<&'a RawValue>,
}

/// Who asks.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) user_id: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Written<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match StringOrList::read(deserializer, "a string or a list of blocks")? {
            StringOrList::String(text) => Self::Text(text.into_owned()),
            StringOrList::List(blocks) => Self::Blocks(blocks),
        })
    }
}
