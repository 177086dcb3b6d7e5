//! Bytes that only the vendor who made them can read.

/// Bytes that belong to one vendor: signatures, encrypted and redacted reasoning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Who made it.
    pub vendor: Vendor,
    /// What it is.
    pub kind: OpaqueKind,
    /// The text as it came, usually base64.
    pub data: String,
    /// The id of the item it came in (OpenAI's reasoning items).
    pub item: Option<String>,
    /// Whether it belongs to the part before it instead of the one after it. Only for data that sits on
    /// a reasoning part and signs another part (Google's, at a client that has no place on that part).
    pub follows: bool,
    /// Who made it, if it came back inside an envelope of ours. `None`: it came in the place its own
    /// vendor gives it.
    pub origin: Option<Origin>,
}

impl Opaque {
    /// Makes vendor data that came in its vendor's own place.
    pub fn new(vendor: Vendor, kind: OpaqueKind, data: impl Into<String>) -> Self {
        Self { vendor, kind, data: data.into(), item: None, follows: false, origin: None }
    }
}

/// Which model and account made [`Opaque`] data: others cannot read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The model's family, by [`crate::envelope::family`].
    pub family: String,
    /// A keyed hash of the account.
    pub account: u64,
}

/// The maker of [`Opaque`] data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Anthropic's `thinking.signature` and `redacted_thinking.data`.
    Anthropic,
    /// Google's `thoughtSignature`.
    Google,
    /// OpenAI's encrypted reasoning.
    OpenAi,
    /// Nobody in particular: reasoning that is only text (DeepSeek and the like), or a mark of ours that
    /// a client's format demands.
    Plain,
}

impl Vendor {
    /// All vendors.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Google, Self::OpenAi, Self::Plain];

    /// Returns the stable name, as envelopes spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Google => "google",
            Self::OpenAi => "openai",
            Self::Plain => "plain",
        }
    }

    /// Returns the vendor of a name, or `None` if it is nobody's.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == name)
    }
}

/// What [`Opaque`] data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpaqueKind {
    /// A signature over the part it sits on.
    Signature,
    /// Reasoning that is only there encrypted: Anthropic's `redacted_thinking.data`, OpenAI's
    /// `encrypted_content`.
    Redacted,
}

impl OpaqueKind {
    /// Returns the stable name, as envelopes spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Redacted => "redacted",
        }
    }

    /// Returns the kind of a name, or `None` if it is nobody's.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Signature, Self::Redacted].into_iter().find(|kind| kind.name() == name)
    }
}
