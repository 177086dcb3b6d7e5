//! The shape of a request as it is written to a provider, in the order of its members. What was not
//! said is left out.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::breakpoint::Breakpoint;
use crate::chat::{Extra, RawJson};

/// The whole body.
#[derive(Debug, Default, Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    /// Always `false`.
    pub(super) store: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) include: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) reasoning: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<TextOptions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) safety_identifier: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) metadata: Cow<'a, Extra>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_retention: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    #[serde(flatten)]
    pub(super) extra: Extra,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) input: Vec<Item<'a>>,
}

/// `text`.
#[derive(Debug, Serialize)]
pub(super) struct TextOptions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verbosity: Option<&'a str>,
}

/// `text.format`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Format<'a> {
    /// Any object.
    JsonObject,
    /// Of a schema.
    JsonSchema {
        /// Its name, which must be there.
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        schema: Cow<'a, RawValue>,
    },
}

/// A declared tool: the client's own, or one of this vendor's.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Tool<'a> {
    /// The client's.
    Own(OwnTool<'a>),
    /// The vendor's, made here of another vendor's.
    Hosted(Value),
    /// The vendor's, as it was written.
    Raw(&'a RawJson),
}

/// A tool the client runs.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OwnTool<'a> {
    /// Its input is a JSON object.
    Function {
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        /// `null` if it takes no arguments.
        parameters: Option<Cow<'a, RawValue>>,
        /// Always said: this format's default is `true`.
        strict: bool,
    },
    /// Its input is free text.
    Custom {
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<&'a RawJson>,
    },
}

/// One item of `input`: one of ours, or one of this vendor's as it was written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Item<'a> {
    /// Ours.
    Own(OwnItem<'a>),
    /// As it was written.
    Raw(&'a RawJson),
}

/// An item. None has an id: an item with one must come with all others of its answer, just as they
/// were, and with reasoning that the provider may not have sent us.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OwnItem<'a> {
    /// What somebody says.
    Message { role: &'static str, content: Content<'a> },
    /// What the model thought.
    Reasoning { summary: Vec<Summary<'a>>, encrypted_content: &'a str },
    /// A call whose input is a JSON object.
    FunctionCall { call_id: String, name: Cow<'a, str>, arguments: &'a str },
    /// A call whose input is free text.
    CustomToolCall { call_id: String, name: Cow<'a, str>, input: &'a str },
    /// The answer to a function call.
    FunctionCallOutput { call_id: String, output: Content<'a> },
    /// The answer to a custom call.
    CustomToolCallOutput { call_id: String, output: Content<'a> },
}

/// `content` and `output`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Parts.
    Parts(Vec<Part<'a>>),
}

/// One part of content.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    /// Text for the model.
    InputText {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<Breakpoint>,
    },
    /// A picture.
    InputImage {
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    /// A file.
    InputFile(File<'a>),
    /// Text of the model.
    OutputText { text: Cow<'a, str> },
    /// A refusal of the model.
    Refusal { refusal: &'a str },
}

/// A file: its bytes, or where they are.
#[derive(Debug, Default, Serialize)]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_breakpoint: Option<Breakpoint>,
}

/// One part of a reasoning item's summary.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary<'a> {
    /// Text.
    SummaryText { text: &'a str },
}

impl<'a> Part<'a> {
    /// Makes a text part.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::InputText { text: text.into(), prompt_cache_breakpoint: None }
    }
}

impl<'a> Content<'a> {
    /// Makes content of parts, in the short form if it is one plain text.
    pub(super) fn of(mut parts: Vec<Part<'a>>) -> Self {
        match parts.pop() {
            Some(Part::InputText { text, prompt_cache_breakpoint: None }) if parts.is_empty() => {
                Self::Text(text)
            }
            last => {
                parts.extend(last);
                Self::Parts(parts)
            }
        }
    }
}
