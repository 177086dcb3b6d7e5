//! The wire formats of language-model APIs, round one canonical form.
//!
//! Pure code over bytes: no async, no I/O, no knowledge of routing. A request travels
//! `bytes → ChatRequest → bytes`, a reply travels `bytes → Event* → bytes`; both halves are one
//! [`Codec`] per format, found through [`WireFormat::codec`].
//!
//! Map: [`chat`] and [`event`] are the canonical form, [`codec`] is the seam, one folder per format
//! implements it, [`translator`] joins a reader and a writer into one reply stream, [`sse`] splits
//! event streams, [`collect`] folds events into a whole answer. [`notes`] says what was lost and
//! [`declared`] what is to be expected of every field; [`aftercare`] does to a reply what its provider
//! could not be asked for, [`envelope`] carries other vendors' opaque bytes through a client and [`recall`]
//! finds again what a client drops. Round the calls themselves: [`skim`] looks at a request and [`splice`]
//! changes it without translating it, [`amend`] does so for filters, [`api_error`] and [`models`] are what every
//! format says of faults and models, [`model_facts`] what a writer must know of its model, [`estimate`] counts tokens where no provider does, [`ids`] makes the ids nobody gave.
//! The private modules hold what several formats share, one idea each.

pub mod aftercare;
pub mod amend;
pub mod anthropic;
pub mod api_error;
pub mod chat;
pub mod codec;
pub mod collect;
pub mod declared;
pub mod envelope;
pub mod estimate;
pub mod event;
pub mod gemini;
pub mod ids;
pub mod model_facts;
pub mod models;
pub mod notes;
pub mod openai_chat;
pub mod openai_responses;
pub mod recall;
pub mod skim;
pub mod splice;
pub mod sse;
pub mod translator;

mod argument_object;
mod breakpoint;
mod by_number;
mod cursor;
mod custom_tool;
mod data_url;
mod divided;
mod end_user;
mod feed;
mod field_names;
pub mod json;
mod json_schema;
mod like_last;
mod locate;
mod members;
mod mend;
mod openai_call_ids;
mod openai_content;
mod openai_effort;
mod openai_media;
mod part_queue;
mod plain;
mod raw_members;
mod refusals;
mod server_text;
pub mod session;
mod strict_schema;
mod string_or_list;
mod survey;
mod text;
mod tool_names;
mod writing;

use std::fmt;

use serde::Deserialize;

pub use api_error::{ApiError, UpstreamError};
pub use chat::ChatRequest;
pub use codec::{
    Change, Codec, EventReader, EventWriter, PathModel, Peek, ReplyContext, Target, WireError,
    Written,
};
pub use event::{Event, Finish, Usage};
pub use model_facts::ModelFacts;
pub use notes::Notes;
pub use survey::Survey;
pub use translator::Translator;

/// One of the four wire formats, by the name it has in the YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum WireFormat {
    /// OpenAI Chat Completions.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
    /// OpenAI Responses.
    #[serde(rename = "openai_responses")]
    OpenAiResponses,
    /// Anthropic Messages.
    #[serde(rename = "anthropic")]
    Anthropic,
    /// Google Gemini `generateContent`.
    #[serde(rename = "gemini")]
    Gemini,
}

impl WireFormat {
    /// All formats, for messages that list them.
    pub const ALL: [Self; 4] =
        [Self::OpenAiChat, Self::OpenAiResponses, Self::Anthropic, Self::Gemini];

    /// Returns the name used in YAML, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// Returns the status a client of this format gets for one of ours: 529 (overloaded) is a status
    /// only Anthropic's clients know.
    pub const fn client_status(self, status: u16) -> u16 {
        match (status, self) {
            (529, Self::OpenAiChat | Self::OpenAiResponses | Self::Gemini) => 503,
            _ => status,
        }
    }

    /// Returns the codec that reads and writes this format.
    pub fn codec(self) -> &'static dyn Codec {
        match self {
            Self::OpenAiChat => &openai_chat::OpenAiChat,
            Self::OpenAiResponses => &openai_responses::OpenAiResponses,
            Self::Anthropic => &anthropic::Anthropic,
            Self::Gemini => &gemini::Gemini,
        }
    }
}

impl fmt::Display for WireFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
