//! The request as it goes out, in the order of its members.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The request.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    pub(super) max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata<'a>>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) system: Vec<Block<'a>>,
    pub(super) messages: Vec<Message<'a>>,
}

/// How much reasoning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Thinking {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) budget_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display: Option<&'static str>,
}

/// Effort and the form of the answer.
#[derive(Serialize)]
pub(super) struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Format<'a>>,
}

impl OutputConfig<'_> {
    /// Returns it, or `None` if it says nothing.
    pub(super) fn unless_empty(self) -> Option<Self> {
        (self.effort.is_some() || self.format.is_some()).then_some(self)
    }
}

/// The form of the answer.
#[derive(Serialize)]
pub(super) struct Format<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) schema: Cow<'a, RawValue>,
}

/// Who asks.
#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) user_id: &'a str,
}

/// Which tool may or must be called.
#[derive(Serialize)]
pub(super) struct ToolChoice<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disable_parallel_tool_use: Option<bool>,
}

/// A tool: the client's own, one of the vendor's as it was declared, or the vendor's web search.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tool<'a> {
    Own(OwnTool<'a>),
    Raw(&'a RawValue),
    Search(WebSearch<'a>),
}

/// The vendor's web search.
#[derive(Serialize)]
pub(super) struct WebSearch<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_uses: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) allowed_domains: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) blocked_domains: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_location: Option<Value>,
}

/// A tool the client runs.
#[derive(Serialize)]
pub(super) struct OwnTool<'a> {
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Cow<'a, str>>,
    pub(super) input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<Value>,
}

/// One message.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) role: &'static str,
    pub(super) content: Vec<Block<'a>>,
}

/// A content block: one of ours, or one of the vendor's as it was sent.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Block<'a> {
    Own(Box<OwnBlock<'a>>),
    Raw(&'a RawValue),
}

/// The members of all block types.
#[derive(Default, Serialize)]
pub(super) struct OwnBlock<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_use_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) content: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_error: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<Value>,
}

/// Where the bytes of an image or document are.
#[derive(Default, Serialize)]
pub(super) struct Source<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_id: Option<&'a str>,
}

impl<'a> Block<'a> {
    /// Makes a text block.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        OwnBlock { kind: "text", text: Some(text.into()), ..OwnBlock::default() }.into()
    }

    /// Returns the block's type; that of a vendor's own block is not looked up.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Own(block) => block.kind,
            Self::Raw(_) => "",
        }
    }

    /// Returns the place of the cache mark, where we may change it.
    pub(super) fn cache_mark(&mut self) -> Option<&mut Option<Value>> {
        match self {
            Self::Own(block) => Some(&mut block.cache_control),
            Self::Raw(_) => None,
        }
    }
}

impl<'a> From<OwnBlock<'a>> for Block<'a> {
    fn from(block: OwnBlock<'a>) -> Self {
        Self::Own(Box::new(block))
    }
}
