//! The request as it stands on the wire, in the order in which its members are written.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The whole body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<System<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) tool_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) generation_config: Map<String, Value>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
    pub(super) contents: Vec<Content<'a>>,
}

/// The system instruction; its role is ignored and therefore left out.
#[derive(Serialize)]
pub(super) struct System<'a> {
    pub(super) parts: Vec<Part<'a>>,
}

/// One message.
#[derive(Serialize)]
pub(super) struct Content<'a> {
    pub(super) role: &'static str,
    pub(super) parts: Vec<Part<'a>>,
}

/// A part, made here or kept as a client of this format wrote it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Made(Box<Made<'a>>),
    Kept(&'a RawValue),
}

/// A part made here. Exactly one of the first five members is set.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<InlineData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_resolution: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    pub(super) mime_type: Cow<'a, str>,
    pub(super) data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) mime_type: &'a str,
    pub(super) file_uri: &'a str,
}

#[derive(Serialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: Cow<'a, str>,
    pub(super) args: Raw<'a>,
}

#[derive(Serialize)]
pub(super) struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: Cow<'a, str>,
    pub(super) response: Outcome<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Made<'a>>,
}

/// The object of a result.
pub(super) enum Outcome<'a> {
    /// As it was written.
    Json(Raw<'a>),
    /// A text under this name.
    Said(&'static str, Cow<'a, str>),
}

impl Serialize for Outcome<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(raw) => raw.serialize(serializer),
            Self::Said(name, text) => serializer.collect_map([(name, text)]),
        }
    }
}

/// JSON text, borrowed where the client's characters can stay.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Raw<'a> {
    Borrowed(&'a RawValue),
    Owned(Box<RawValue>),
}

/// One entry of `tools`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Entry<'a> {
    Functions {
        #[serde(rename = "functionDeclarations")]
        declarations: Vec<Declaration<'a>>,
    },
    Kept(&'a RawValue),
    Search {
        #[serde(rename = "googleSearch")]
        search: Map<String, Value>,
    },
}

/// The declaration of one function.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declaration<'a> {
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters_json_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Value>,
}

impl<'a> Raw<'a> {
    /// Makes JSON text of what is known to be JSON; anything else would be `{}`.
    pub(super) fn of(json: Cow<'a, str>) -> Self {
        match json {
            Cow::Borrowed(text) => {
                serde_json::from_str(text).map_or_else(|_| Self::empty(), Self::Borrowed)
            }
            Cow::Owned(text) => {
                RawValue::from_string(text).map_or_else(|_| Self::empty(), Self::Owned)
            }
        }
    }

    fn empty() -> Self {
        Self::Owned(
            RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        )
    }
}

impl<'a> Part<'a> {
    /// Makes a text part.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::made(Made { text: Some(text.into()), ..Made::default() })
    }

    /// Takes a part made here.
    pub(super) fn made(made: Made<'a>) -> Self {
        Self::Made(Box::new(made))
    }
}
