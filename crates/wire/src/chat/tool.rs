//! Tools a model may call, and the choice among them.

use serde_json::Value;

use super::RawJson;
use crate::WireFormat;

/// A tool the client runs.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// JSON Schema of the arguments, as written. `None`: no arguments.
    pub schema: Option<RawJson>,
    /// Whether arguments must satisfy the schema exactly. `None`: not said.
    pub strict: Option<bool>,
    /// Cache mark (Anthropic), kept as it was.
    pub cache: Option<Value>,
    /// Who runs it, and what its input is.
    pub kind: ToolKind,
}

impl Tool {
    /// Tells whether the client runs it; else its vendor does.
    pub const fn is_clients(&self) -> bool {
        matches!(self.kind, ToolKind::Function | ToolKind::Custom { .. })
    }

    /// Returns the declaration of a tool that its vendor runs, and the format it is written in.
    pub const fn of_vendor(&self) -> Option<(WireFormat, &RawJson)> {
        match &self.kind {
            ToolKind::Server { format, raw } | ToolKind::WebSearch { format, raw, .. } => {
                Some((*format, raw))
            }
            ToolKind::Function | ToolKind::Custom { .. } => None,
        }
    }
}

/// Who runs a tool, and what its input is.
#[derive(Clone, Debug, Default)]
pub enum ToolKind {
    /// The client; the input is a JSON object.
    #[default]
    Function,
    /// The client; the input is free text (OpenAI's custom tools).
    Custom {
        /// The declared `format` (text or a grammar), as written.
        format: Option<RawJson>,
    },
    /// The vendor searches the web. Of [`Tool`] only `name` is set.
    WebSearch {
        /// The format of the declaration.
        format: WireFormat,
        /// The declaration as written.
        raw: RawJson,
        /// What of it other vendors understand.
        search: WebSearch,
    },
    /// The vendor runs something else. Of [`Tool`] only `name` is set.
    Server {
        /// The format of the declaration.
        format: WireFormat,
        /// The declaration as written.
        raw: RawJson,
    },
}

/// What a vendor's web search is asked to keep to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebSearch {
    /// Only these domains. Empty: all.
    pub allowed_domains: Vec<String>,
    /// Not these domains.
    pub blocked_domains: Vec<String>,
    /// Where the user is: `city`, `region`, `country`, `timezone` (the same members at OpenAI and
    /// Anthropic).
    pub location: Option<Value>,
    /// Most searches of one answer.
    pub max_uses: Option<u32>,
    /// How much of what is found the model gets to read: OpenAI's `low`, `medium`, `high`.
    pub context_size: Option<String>,
}

/// Which tool must, may or must not be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// Not said.
    #[default]
    NotSaid,
    /// The model decides.
    Auto,
    /// No call.
    None,
    /// Some call.
    Required,
    /// This tool.
    One(String),
    /// One of these; `required` says whether a call must come.
    Allowed {
        /// Whether a call must come.
        required: bool,
        /// Names of the tools.
        names: Vec<String>,
    },
}
