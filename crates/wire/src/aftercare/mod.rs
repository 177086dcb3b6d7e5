//! What a written request asks of its reply: some things a provider cannot be asked for are done to the
//! answer instead, and names that were changed on the way there are changed back.

mod custom_input;
mod mender;
mod nulls;
mod optional;
mod stop;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::mender::Mender;
pub use self::optional::OptionalMembers;

/// What the reply needs before the client may see it. Empty for most requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aftercare {
    /// Tools that were sent under another name: name as sent → the client's name.
    pub names: BTreeMap<String, String>,
    /// Custom tools that were sent as functions of one text `input`, by the client's name. Their calls
    /// go back as free text.
    pub custom: BTreeSet<String>,
    /// Stop sequences that the provider was not told: the answer is cut before the first that comes.
    pub stop: Vec<String>,
    /// The tool whose arguments are the answer's text, by its name as sent: a schema that the provider
    /// could only be given as a tool.
    pub answer_tool: Option<String>,
    /// Members of arguments that were sent as nullable because a strict schema must require them, by the
    /// client's name of the tool. Their nulls are taken out.
    pub optional_arguments: BTreeMap<String, Arc<OptionalMembers>>,
    /// The same of the answer's text, which is JSON.
    pub optional_in_answer: Option<Arc<OptionalMembers>>,
    /// Whether the client asked not to see reasoning text. Opaque data still goes out.
    pub hide_reasoning: bool,
    /// Whether the provider was given tools that it runs itself. Only then may it pause its turn or name
    /// sources at length, and only then is kept of the reply what those need.
    pub server_tools: bool,
}

impl Aftercare {
    /// Tells whether nothing of the reply is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self { server_tools: self.server_tools, ..Self::default() }
    }
}
