//! What every translator declares of every field: kept, approximated, dropped, refused, or nothing to
//! carry.
//!
//! Each entry has a request that uses the field and says what becomes of it at each of the other formats.
//! A test writes all of these requests and compares; the table in `docs/reference/translation.md` is
//! generated from here, so neither can say what the code does not do.

mod chat;
mod generate;
mod messages;
mod responses;
mod table;

pub use self::table::page;
use crate::WireFormat;
use crate::model_facts::{ModelFacts, ThinkingControl};

/// What becomes of a field on its way to another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The other side is told the same.
    Kept,
    /// Carried with a change of meaning or precision; noted.
    Approximated,
    /// Not carried; noted, and refused for a key with `strict_translation`.
    Dropped,
    /// The request is refused, naming the field.
    Refused,
    /// The value is the default, or concerns only the client's own vendor.
    Nothing,
}

impl Fate {
    /// Returns the sign in the table.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Kept => "=",
            Self::Approximated => "≈",
            Self::Dropped => "✗",
            Self::Refused => "400",
            Self::Nothing => "∅",
        }
    }
}

/// A field of a client's request and its fate at the other three formats, in the order of
/// [`WireFormat::ALL`] without the client's own.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// The field, by the client's name for it, and which value where that matters.
    pub field: &'static str,
    /// Members of a request that uses it; they replace those of [`base`] of the same name.
    pub sample: &'static str,
    /// Its fates.
    pub fates: [Fate; 3],
}

/// Returns what is declared of a client format's requests.
pub const fn of(client: WireFormat) -> &'static [Declared] {
    match client {
        WireFormat::OpenAiChat => chat::FIELDS,
        WireFormat::OpenAiResponses => responses::FIELDS,
        WireFormat::Anthropic => messages::FIELDS,
        WireFormat::Gemini => generate::FIELDS,
    }
}

/// Returns the shortest request of a format; the samples are laid over it.
pub const fn base(client: WireFormat) -> &'static str {
    match client {
        WireFormat::OpenAiChat => r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
        WireFormat::OpenAiResponses => r#"{"model":"m","input":"hi"}"#,
        WireFormat::Anthropic => {
            r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#
        }
        WireFormat::Gemini => r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
    }
}

/// Returns the model that the declarations speak of: one of today that can do most of what its format
/// has. Less able models approximate or drop more, and their notes say so.
pub fn facts(provider: WireFormat) -> ModelFacts {
    ModelFacts {
        context_tokens: Some(200_000),
        max_output_tokens: Some(64_000),
        thinking: match provider {
            WireFormat::OpenAiChat | WireFormat::OpenAiResponses | WireFormat::Gemini => {
                ThinkingControl::Level
            }
            WireFormat::Anthropic => ThinkingControl::Adaptive,
        },
        max_completion_tokens: true,
        developer_role: true,
        system_inside: true,
        json_schema: true,
        structured_output: true,
        ..ModelFacts::default()
    }
}
