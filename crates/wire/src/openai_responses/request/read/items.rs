//! Reads `input` into turns.
//!
//! What the model said in one step is several items here and one turn in the canonical form: messages,
//! reasoning and calls that follow each other are one assistant turn, results that follow each other
//! one tool turn.

use serde_json::value::RawValue;

use super::content;
use super::wire::Item;
use super::{ADVICE, options, reasoning, tools};
use crate::WireFormat;
use crate::chat::{CallKind, ChatRequest, Part, PartKind, Role, Turn};
use crate::codec::WireError;
use crate::members::{AsWritten, Place, parse};
use crate::openai_media::Speaker;
use crate::openai_responses::namespace;
use crate::plain::Content;
use crate::refusals::Refusals;
use crate::text::characters;

/// The member that holds the conversation.
pub(super) const INPUT: &str = "input";

/// The member that holds what a call brought.
const OUTPUT: &str = "output";

/// What is wrong with an input that says nothing.
const EMPTY: &str = "is empty; send a text or items";

/// Items that only refer to what is stored at OpenAI, or that only OpenAI can decrypt.
const STATE: [&str; 4] =
    ["item_reference", "compaction", "compaction_summary", "context_compaction"];

/// Calls that the client runs but that only OpenAI's models make, and their results.
const CLIENT_RUN: [&str; 8] = [
    "computer_call",
    "computer_call_output",
    "shell_call",
    "shell_call_output",
    "local_shell_call",
    "local_shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
];

/// What OpenAI ran itself, beside everything whose name ends in `_call`.
const HOSTED: [&str; 7] = [
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_search_output",
    "tool_search_call_output",
    "program",
    "program_output",
];

/// Reads the items of the input, which stands in `body`: turns are added to `request`, and so is what items
/// change in it.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the first fault. What cannot be carried is put into
/// `refused`.
pub(super) fn read(
    items: Vec<Item<'_>>,
    body: &[u8],
    request: &mut ChatRequest,
    refused: &mut Refusals,
) -> Result<(), WireError> {
    if items.is_empty() {
        return Err(WireError::malformed(INPUT, EMPTY));
    }
    let mut reader = Reader { body: AsWritten::new(body), request, refused };
    for (position, item) in items.into_iter().enumerate() {
        reader.item(item, Place { list: INPUT, position })?;
    }
    Ok(())
}

/// Reads an input that is a text: one turn is added to `request`.
///
/// # Errors
///
/// [`WireError::Malformed`] if it is empty or no text.
pub(super) fn read_text(input: &RawValue, request: &mut ChatRequest) -> Result<(), WireError> {
    if !input.get().starts_with('"') {
        return Err(WireError::malformed(INPUT, "must be a text or a list of items"));
    }
    let text: String = parse(input, || INPUT.to_owned())?;
    if text.is_empty() {
        return Err(WireError::malformed(INPUT, EMPTY));
    }
    let parts = vec![Part::text(text)];
    request.turns.push(Turn { role: Role::User, parts, name: None });
    Ok(())
}

struct Reader<'r, 'a> {
    body: AsWritten<'a>,
    request: &'r mut ChatRequest,
    refused: &'r mut Refusals,
}

impl<'a> Reader<'_, 'a> {
    fn item(&mut self, item: Item<'a>, path: Place) -> Result<(), WireError> {
        let kind = match item.kind.as_deref() {
            Some(kind) => kind,
            None if item.role.is_none() && item.id.is_some() => "item_reference",
            None => "message",
        };
        match kind {
            "message" => self.message(item, path)?,
            "reasoning" => {
                let part = reasoning::item(item, path, &mut self.body)?;
                if part.is_none() {
                    let detail = "is stored at OpenAI; ask for its encrypted content to keep it";
                    self.request.notes.drop("input[].reasoning", detail);
                }
                self.assistant(part);
            }
            "function_call" => self.call(&item, CallKind::Function, path)?,
            "custom_tool_call" => self.call(&item, CallKind::Custom, path)?,
            "function_call_output" | "custom_tool_call_output" => self.result(item, path)?,
            "additional_tools" => {
                let at = format!("{path}.tools");
                let declared: Vec<&RawValue> = item
                    .tools
                    .map(|raw| parse(raw, || at.clone()))
                    .transpose()?
                    .unwrap_or_default();
                tools::read(&declared, &at, self.request)?;
            }
            "configuration_update" => {
                if let Some(raw) = item.reasoning {
                    reasoning::options(raw, &format!("{path}.reasoning"), self.request)?;
                }
                if let Some(raw) = item.text {
                    options::text(raw, &format!("{path}.text"), self.request)?;
                }
            }
            kind if STATE.contains(&kind) => {
                self.refused.add(path.to_string(), format!("is of type `{kind}`; {ADVICE}"));
            }
            kind if CLIENT_RUN.contains(&kind) => {
                let why = format!("items of type `{kind}` are known to OpenAI alone");
                self.refused.add(path.to_string(), why);
            }
            kind if HOSTED.contains(&kind) || kind.ends_with("_call") => {
                let (format, raw) =
                    (WireFormat::OpenAiResponses, self.body.element(path)?.to_owned());
                self.assistant([Part::new(PartKind::Server { format, raw })]);
            }
            other => {
                let detail = format!(
                    "`{other}` is unknown; use message, function_call, function_call_output, \
                     custom_tool_call, custom_tool_call_output or reasoning"
                );
                return Err(WireError::malformed(format!("{path}.type"), detail));
            }
        }
        Ok(())
    }

    fn message(&mut self, item: Item<'a>, path: Place) -> Result<(), WireError> {
        let role = match item.role.as_deref() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            Some(other) => {
                let detail =
                    format!("`{other}` is unknown; use user, assistant, system or developer");
                return Err(WireError::malformed(format!("{path}.role"), detail));
            }
            None => return Err(WireError::malformed(format!("{path}.role"), "is missing")),
        };
        let speaker = if role == Role::Assistant { Speaker::Assistant } else { Speaker::Other };
        let parts = content::read(item.content, speaker, (path, "content"), &mut self.body)?;
        if role == Role::Assistant {
            self.assistant(parts);
        } else {
            self.request.turns.push(Turn { role, parts, name: None });
        }
        Ok(())
    }

    fn call(&mut self, item: &Item<'_>, kind: CallKind, path: Place) -> Result<(), WireError> {
        let Some(name) = item.name.as_deref().filter(|name| !name.is_empty()) else {
            return Err(WireError::malformed(format!("{path}.name"), "is missing"));
        };
        let id = [&item.call_id, &item.id].into_iter().flatten().find(|id| !id.is_empty());
        let Some(id) = id.cloned() else {
            return Err(WireError::malformed(format!("{path}.call_id"), "is missing"));
        };
        let name = namespace::joined(item.namespace.as_deref(), name);
        let said = if kind == CallKind::Custom { item.input } else { item.arguments };
        let arguments = characters(said).into_owned();
        self.assistant([Part::new(PartKind::ToolCall { id, name, kind, arguments })]);
        Ok(())
    }

    fn result(&mut self, item: Item<'a>, path: Place) -> Result<(), WireError> {
        let Some(call) = item.call_id.filter(|id| !id.is_empty()) else {
            let detail = "is missing; name the call this result answers";
            return Err(WireError::malformed(format!("{path}.call_id"), detail));
        };
        let object = match item.output {
            Some(Content::Other) => Some(self.body.member(path, OUTPUT)?),
            _ => None,
        };
        let parts = match object.filter(|raw| raw.get().starts_with('{')) {
            // Some clients put their JSON here as it is.
            Some(raw) => vec![Part::text(raw.get())],
            None => content::read(item.output, Speaker::Other, (path, OUTPUT), &mut self.body)?,
        };
        let result = PartKind::ToolResult { call, name: None, parts, is_error: None };
        self.add(Role::Tool, [Part::new(result)]);
        Ok(())
    }

    fn assistant(&mut self, parts: impl IntoIterator<Item = Part>) {
        self.add(Role::Assistant, parts);
    }

    /// Adds parts to the last turn if it is this role's, else as a turn of their own.
    fn add(&mut self, role: Role, parts: impl IntoIterator<Item = Part>) {
        let mut parts = parts.into_iter().peekable();
        if parts.peek().is_none() {
            return;
        }
        match self.request.turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.extend(parts),
            _ => self.request.turns.push(Turn { role, parts: parts.collect(), name: None }),
        }
    }
}
