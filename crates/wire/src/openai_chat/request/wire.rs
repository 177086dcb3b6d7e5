//! The shape of messages, parts and tools as clients write them. Everything is optional, because some
//! client sends `null` for it; what is missing is found out where it is needed.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::breakpoint::Breakpoint;
use crate::chat::RawJson;
use crate::openai_media::InputAudio;
use crate::plain::{Content, Plain};

/// One message.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    pub(super) role: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a, Part<'a>>>,
    pub(super) name: Option<String>,
    pub(super) refusal: Option<String>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<&'a RawValue>>,
    pub(super) function_call: Option<Function>,
    pub(super) tool_call_id: Option<String>,
    #[serde(borrow)]
    pub(super) audio: Option<&'a RawValue>,
    pub(super) reasoning_content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) reasoning_details: Option<Vec<Detail>>,
    pub(super) thinking_blocks: Option<Vec<ThinkingBlock>>,
}

/// One part of `content`.
#[derive(Debug, Deserialize)]
pub(super) struct Part<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) text: Option<String>,
    pub(super) refusal: Option<String>,
    #[serde(borrow)]
    pub(super) image_url: Option<&'a RawValue>,
    pub(super) input_audio: Option<InputAudio>,
    pub(super) file: Option<File>,
    #[serde(borrow)]
    pub(super) thinking: Option<&'a RawValue>,
    pub(super) cache_control: Option<Value>,
    pub(super) prompt_cache_breakpoint: Option<Breakpoint>,
}

impl Plain for Part<'_> {
    const KINDS: &'static [&'static str] =
        &["text", "image_url", "input_audio", "file", "refusal", "thinking"];

    fn kind(&mut self) -> &mut Option<String> {
        &mut self.kind
    }
}

/// `image_url` as an object.
#[derive(Debug, Deserialize)]
pub(super) struct ImageUrl {
    pub(super) url: Option<String>,
    pub(super) detail: Option<String>,
}

/// `file`.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) file_data: Option<String>,
    pub(super) file_id: Option<String>,
    pub(super) filename: Option<String>,
}

/// A thought inside a Mistral `thinking` part.
#[derive(Debug, Deserialize)]
pub(super) struct Thought {
    pub(super) text: Option<String>,
}

/// An entry of `reasoning_details`.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    pub(super) id: Option<String>,
    pub(super) text: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) data: Option<String>,
    pub(super) format: Option<String>,
}

/// An entry of LiteLLM's `thinking_blocks`.
#[derive(Debug, Deserialize)]
pub(super) struct ThinkingBlock {
    pub(super) thinking: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) data: Option<String>,
}

/// A call in the history.
#[derive(Debug, Deserialize)]
pub(super) struct ToolCall {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
    pub(super) custom: Option<CustomCall>,
    pub(super) extra_content: Option<Value>,
}

/// Name and text of a custom tool's call.
#[derive(Debug, Deserialize)]
pub(super) struct CustomCall {
    pub(super) name: Option<String>,
    pub(super) input: Option<String>,
}

/// Name and arguments of a call. Arguments are text; an object is taken as it was written.
#[derive(Debug, Deserialize)]
pub(super) struct Function {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<RawJson>,
}

/// A declared tool.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) function: Option<Declaration>,
    pub(super) custom: Option<CustomDeclaration>,
    pub(super) cache_control: Option<Value>,
}

/// A declared custom tool.
#[derive(Debug, Deserialize)]
pub(super) struct CustomDeclaration {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) format: Option<RawJson>,
}

/// `web_search_options`.
#[derive(Debug, Deserialize)]
pub(super) struct SearchOptions {
    pub(super) user_location: Option<UserLocation>,
    pub(super) search_context_size: Option<String>,
}

/// See [`SearchOptions`].
#[derive(Debug, Deserialize)]
pub(super) struct UserLocation {
    pub(super) approximate: Option<Value>,
}

/// `audio`: the sound that is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct AudioOptions {
    /// A name, or an object with the id of a voice of one's own.
    pub(super) voice: Option<Value>,
    pub(super) format: Option<String>,
}

/// A declared function.
#[derive(Debug, Deserialize)]
pub(super) struct Declaration {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) parameters: Option<RawJson>,
    pub(super) strict: Option<bool>,
}

/// `tool_choice` as an object, and the entries of `allowed_tools`.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) function: Option<Named>,
    pub(super) custom: Option<Named>,
    pub(super) allowed_tools: Option<AllowedTools>,
    /// Legacy `function_call: {name}`.
    pub(super) name: Option<String>,
}

/// A function by its name.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

/// See [`Choice`].
#[derive(Debug, Deserialize)]
pub(super) struct AllowedTools {
    pub(super) mode: Option<String>,
    pub(super) tools: Option<Vec<Choice>>,
}

/// `response_format`.
#[derive(Debug, Deserialize)]
pub(super) struct ResponseFormat {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) json_schema: Option<JsonSchema>,
}

/// See [`ResponseFormat`].
#[derive(Debug, Deserialize)]
pub(super) struct JsonSchema {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) schema: Option<RawJson>,
    pub(super) strict: Option<bool>,
}

/// OpenRouter's `reasoning` object.
#[derive(Debug, Deserialize)]
pub(super) struct ReasoningOptions {
    pub(super) effort: Option<String>,
    pub(super) max_tokens: Option<u64>,
    pub(super) enabled: Option<bool>,
    pub(super) exclude: Option<bool>,
}

/// `stop`: one text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Stop {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}
