//! The shape of items, parts and tools as clients write them. Everything is optional, because some
//! client sends `null` for it; what is missing is found out where it is needed.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::breakpoint::Breakpoint;
use crate::chat::RawJson;
use crate::openai_media::InputAudio;
use crate::plain::{Content, Plain};

/// One item of `input`, whatever its type.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) role: Option<String>,
    pub(super) id: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a, Part<'a>>>,
    pub(super) call_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) output: Option<Content<'a, Part<'a>>>,
    #[serde(borrow)]
    pub(super) summary: Option<&'a RawValue>,
    pub(super) encrypted_content: Option<String>,
    #[serde(borrow)]
    pub(super) tools: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
}

/// One part of a message's `content` or of a call's `output`.
#[derive(Debug, Deserialize)]
pub(super) struct Part<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) text: Option<String>,
    pub(super) refusal: Option<String>,
    #[serde(borrow)]
    pub(super) image_url: Option<&'a RawValue>,
    pub(super) file_id: Option<String>,
    pub(super) file_url: Option<String>,
    pub(super) file_data: Option<String>,
    pub(super) filename: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) input_audio: Option<InputAudio>,
    pub(super) prompt_cache_breakpoint: Option<Breakpoint>,
    pub(super) cache_control: Option<Value>,
}

impl Plain for Part<'_> {
    const KINDS: &'static [&'static str] = &[
        "input_text",
        "output_text",
        "input_image",
        "input_file",
        "input_audio",
        "refusal",
        "reasoning_text",
    ];

    fn kind(&mut self) -> &mut Option<String> {
        &mut self.kind
    }
}

/// `image_url` as an object, as Chat Completions has it.
#[derive(Debug, Deserialize)]
pub(super) struct ImageUrl {
    pub(super) url: Option<String>,
}

/// An entry of a reasoning item's `summary` or `content`.
#[derive(Debug, Deserialize)]
pub(super) struct Thought {
    pub(super) text: Option<String>,
}

/// A declared tool, or a namespace of tools.
#[derive(Debug, Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) parameters: Option<RawJson>,
    pub(super) strict: Option<bool>,
    pub(super) format: Option<RawJson>,
    pub(super) cache_control: Option<Value>,
    pub(super) defer_loading: Option<bool>,
    #[serde(borrow)]
    pub(super) output_schema: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tools: Option<Vec<&'a RawValue>>,
    pub(super) filters: Option<Filters>,
    pub(super) user_location: Option<Value>,
    pub(super) search_context_size: Option<String>,
}

/// What a web search is to keep to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filters {
    pub(super) allowed_domains: Option<Vec<String>>,
    pub(super) blocked_domains: Option<Vec<String>>,
}

/// `tool_choice` as an object, and the entries of its `tools`.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) tools: Option<Vec<Choice>>,
}

/// `text`.
#[derive(Debug, Deserialize)]
pub(super) struct TextOptions<'a> {
    #[serde(borrow)]
    pub(super) format: Option<&'a RawValue>,
    pub(super) verbosity: Option<String>,
}

/// `text.format`.
#[derive(Debug, Deserialize)]
pub(super) struct Format {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) schema: Option<RawJson>,
    pub(super) strict: Option<bool>,
}
