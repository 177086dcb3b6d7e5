//! What was asked, in the one small form that answers are made from.
//!
//! Each format has a reader below. Readers refuse what the vendor's own API refuses, because the
//! gateway's translators are tested against them.

pub(crate) mod chat;
pub(crate) mod generate;
pub(crate) mod messages;
pub(crate) mod responses;

use std::collections::HashMap;

use serde_json::Value;

use crate::route::Delivery;

/// One request for an answer.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) delivery: Delivery,
    /// Whether a chat stream ends with a chunk that reports usage.
    pub(crate) wants_usage: bool,
    pub(crate) said: Said,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: Choice,
    pub(crate) calls_in_parallel: bool,
    /// The most tokens of the answer.
    pub(crate) limit: Option<u64>,
    pub(crate) stop_sequences: Vec<String>,
    /// Whether the vendor may pause its turn, to be asked to go on.
    pub(crate) may_pause: bool,
}

impl Ask {
    pub(crate) fn new(model: &str, delivery: Delivery) -> Self {
        Self {
            model: model.to_owned(),
            delivery,
            wants_usage: false,
            said: Said::default(),
            tools: Vec::new(),
            choice: Choice::Auto,
            calls_in_parallel: true,
            limit: None,
            stop_sequences: Vec::new(),
            may_pause: false,
        }
    }
}

/// The conversation as far as the answer depends on it.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) system: Vec<String>,
    /// The text of the last user turn that has any.
    pub(crate) text: String,
    pub(crate) images: usize,
    pub(crate) files: usize,
    /// Tool results after that turn, or in it.
    pub(crate) results: Vec<ToolResult>,
    /// Characters of all text, arguments and results, for the usage.
    pub(crate) chars: u64,
    pub(crate) turns: u64,
    /// Searches of the vendor's own in the turn that is gone on with.
    pub(crate) searches: usize,
    call_names: HashMap<String, String>,
}

impl Said {
    pub(crate) fn add_system(&mut self, text: &str) {
        self.count(text);
        self.system.push(text.to_owned());
    }

    /// Starts a turn of the user; what came before it is history.
    pub(crate) fn start_user(&mut self) {
        self.turns += 1;
        self.searches = 0;
        self.text.clear();
        (self.images, self.files) = (0, 0);
        self.results.clear();
    }

    /// Starts a turn that only brings tool results; the user's last words stay.
    pub(crate) fn start_results(&mut self) {
        self.turns += 1;
        self.searches = 0;
    }

    pub(crate) fn add_user_text(&mut self, text: &str) {
        self.count(text);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    pub(crate) fn add_call(&mut self, id: &str, name: &str, arguments: &str) {
        self.count(arguments);
        self.call_names.insert(id.to_owned(), name.to_owned());
    }

    /// Adds a result, named after its call if that is known, else by the call's id.
    pub(crate) fn add_result(&mut self, call_id: &str, text: String) {
        self.count(&text);
        let name = self.call_names.get(call_id).map_or(call_id, String::as_str).to_owned();
        self.results.push(ToolResult { name, text });
    }

    pub(crate) fn count(&mut self, text: &str) {
        self.chars += text.chars().count() as u64;
    }
}

/// The result of one tool call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ToolResult {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// One offered tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// The JSON schema of its arguments; `null` if there is none.
    pub(crate) schema: Value,
    pub(crate) kind: ToolKind,
}

/// What a call of a tool carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolKind {
    /// Arguments, a JSON object.
    Function,
    /// Input, any text; only OpenAI has such tools.
    Custom,
}

/// Whether tools may or must be called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Auto,
    None,
    /// This tool and no other.
    Named(String),
}

/// Why a request is refused with the vendor's 400.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    /// The offending field.
    pub(crate) param: Option<String>,
}

impl Refusal {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), param: None }
    }

    pub(crate) fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()) }
    }
}

/// Returns the member as text; a missing one and `null` are `None`, anything else a refusal.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Result<Option<&'a str>, Refusal> {
    match &value[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Refusal::at(name, format!("{name}: expected a string"))),
    }
}

/// Returns the member as text, or a refusal that names it.
pub(crate) fn needed_text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    text(value, name)?.ok_or_else(|| Refusal::at(name, format!("{name}: field required")))
}

/// Returns the member as a list that is not empty, or a refusal that names it.
pub(crate) fn needed_list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Refusal> {
    match value[name].as_array().map(Vec::as_slice) {
        Some([]) => Err(Refusal::at(name, format!("{name}: at least one is required"))),
        Some(list) => Ok(list),
        None => Err(Refusal::at(name, format!("{name}: field required"))),
    }
}

/// Returns the member as a list; a missing one is empty.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the member as a count, or a refusal if it is there and no count.
pub(crate) fn count(value: &Value, name: &str) -> Result<Option<u64>, Refusal> {
    match &value[name] {
        Value::Null => Ok(None),
        number => number.as_u64().map(Some).ok_or_else(|| {
            Refusal::at(name, format!("{name}: expected a non-negative integer, got {number}"))
        }),
    }
}

/// Reads `stop`: one string or a list of them.
pub(crate) fn stops(value: &Value) -> Vec<String> {
    let one = value.as_str().into_iter();
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    one.chain(many).filter(|stop| !stop.is_empty()).map(str::to_owned).collect()
}

/// Checks a tool's name against the vendors' common alphabet and the format's length.
pub(crate) fn check_tool_name(name: &str, longest: usize, extra: &str) -> Result<(), Refusal> {
    let is_allowed = |letter: char| {
        letter.is_ascii_alphanumeric() || "_-".contains(letter) || extra.contains(letter)
    };
    if name.is_empty() || name.len() > longest || !name.chars().all(is_allowed) {
        return Err(Refusal::at("tools", format!("tools: {name:?} is not a valid name")));
    }
    Ok(())
}
