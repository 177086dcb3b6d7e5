//! One content block of a reply, whole or as a stream announces it.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cite;
use crate::chat::{CallKind, Opaque, OpaqueKind, Vendor};
use crate::cursor::Cursor;
use crate::event::{Citation, Event, PartHead, ReasoningKind};
use crate::mend;

/// The types of blocks that are no business of the vendor's own.
const KINDS: [&str; 4] = ["text", "thinking", "redacted_thinking", "tool_use"];

/// The members of these block types; absent ones are `None`.
#[derive(Default, Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", default)]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    citations: Option<Vec<Value>>,
}

/// What a block holds, in our own terms.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    /// What part it becomes.
    pub(super) head: PartHead,
    /// Its text, reasoning or arguments; empty where a stream brings them later.
    pub(super) text: String,
    /// Its signature or redacted data.
    pub(super) opaque: Option<Opaque>,
    /// Its sources.
    pub(super) citations: Vec<Citation>,
}

impl Block {
    /// Reads a block. Types we do not know are the provider's own business ([`PartHead::Server`]).
    ///
    /// # Errors
    ///
    /// The parser's error if it is no object or a member has another type than documented.
    pub(super) fn read(raw: &RawValue) -> serde_json::Result<Self> {
        Self::parse(raw.get()).or_else(|fault| match mend::lone_surrogates(raw.get().as_bytes()) {
            Some(repaired) => Self::parse(&String::from_utf8_lossy(&repaired)),
            None => Err(fault),
        })
    }

    fn parse(raw: &str) -> serde_json::Result<Self> {
        // The type comes first: blocks of server tools use the other names for other things.
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "type", default)]
            kind: String,
        }
        let kind = serde_json::from_str::<Kind>(raw)?.kind;
        if !KINDS.contains(&&*kind) {
            let head = server(serde_json::from_str(raw)?);
            return Ok(Self::plain(head, String::new()));
        }
        serde_json::from_str::<Wire<'_>>(raw).map(Self::of)
    }

    /// Makes a block of text alone.
    pub(super) const fn plain(head: PartHead, text: String) -> Self {
        Self { head, text, opaque: None, citations: Vec::new() }
    }

    fn of(wire: Wire<'_>) -> Self {
        let opaque = |kind, data: Option<String>| {
            data.filter(|data| !data.is_empty())
                .map(|data| Opaque::new(Vendor::Anthropic, kind, data))
        };
        match &*wire.kind {
            "tool_use" => Self::plain(
                PartHead::ToolCall {
                    id: wire.id.unwrap_or_default(),
                    name: wire.name.unwrap_or_default(),
                    kind: CallKind::Function,
                },
                wire.input.map_or_else(String::new, |input| input.get().to_owned()),
            ),
            "thinking" => Self {
                head: PartHead::Reasoning(ReasoningKind::Summary),
                text: wire.thinking.unwrap_or_default(),
                opaque: opaque(OpaqueKind::Signature, wire.signature),
                citations: Vec::new(),
            },
            "redacted_thinking" => Self {
                head: PartHead::Reasoning(ReasoningKind::Summary),
                text: String::new(),
                opaque: opaque(OpaqueKind::Redacted, wire.data),
                citations: Vec::new(),
            },
            _ => Self {
                citations: wire.citations.into_iter().flatten().map(cite::read).collect(),
                ..Self::plain(PartHead::Text, wire.text.unwrap_or_default())
            },
        }
    }
}

/// Takes a block out of a document that is skimmed, unless it is the vendor's own. Returns whether it is a
/// call for the client.
pub(super) fn skim(json: &mut Cursor<'_>) -> Option<bool> {
    let mut kind = None;
    json.object::<16>(|json, name| {
        match name {
            "type" => kind = json.string()?.plain(),
            "text" | "thinking" | "signature" | "data" | "id" | "name" => drop(json.text()?),
            "citations" => drop(json.unless_null(|json| json.list(Cursor::pass))?),
            _ => json.pass()?,
        }
        Some(())
    })?;
    let kind = kind?;
    KINDS.contains(&kind).then_some(kind == "tool_use")
}

/// Makes the part of a block of the vendor's own.
pub(super) fn server(raw: Value) -> PartHead {
    let query = query_of(&raw);
    PartHead::Server { raw, query }
}

/// Returns what a block of the vendor's web search looks for.
fn query_of(raw: &Value) -> Option<String> {
    let is_search = raw["type"] == "server_tool_use" && raw["name"] == "web_search";
    raw["input"]["query"].as_str().filter(|_| is_search).map(str::to_owned)
}

/// Returns the event that carries more of a part, or `None` for parts that come whole.
pub(super) fn delta_event(head: &PartHead, part: u32, delta: String) -> Option<Event> {
    match head {
        PartHead::Text | PartHead::Refusal => Some(Event::Text { choice: 0, part, delta }),
        PartHead::Reasoning(_) => Some(Event::Reasoning { choice: 0, part, delta }),
        PartHead::ToolCall { .. } => Some(Event::Arguments { choice: 0, part, delta }),
        PartHead::Media { .. } | PartHead::Server { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireFormat;
    use crate::translator::surveys::every_field;

    fn read(text: &str) -> Block {
        Block::read(serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn every_block_type_becomes_a_part() {
        let text = read(r#"{"type":"text","text":"hi","citations":null}"#);
        assert_eq!((text.head, &*text.text), (PartHead::Text, "hi"));

        let thinking = read(r#"{"type":"thinking","thinking":"hm","signature":"c2ln"}"#);
        assert_eq!(
            (thinking.head, &*thinking.text),
            (PartHead::Reasoning(ReasoningKind::Summary), "hm")
        );
        assert_eq!(thinking.opaque.unwrap().kind, OpaqueKind::Signature);

        let redacted = read(r#"{"type":"redacted_thinking","data":"c2Vj"}"#);
        assert_eq!(redacted.opaque.unwrap().data, "c2Vj");

        let call = read(r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{"a" : 1.0}}"#);
        let head = PartHead::ToolCall {
            id: "toolu_1".to_owned(),
            name: "f".to_owned(),
            kind: CallKind::Function,
        };
        assert_eq!((call.head, &*call.text), (head, "{\"a\" : 1.0}"), "characters are kept");

        for kind in ["server_tool_use", "web_search_tool_result", "brand_new"] {
            // `text` is no string here: members of such blocks mean something else.
            let server = read(&format!(r#"{{"type":"{kind}","text":7}}"#));
            assert!(matches!(server.head, PartHead::Server { .. }), "{kind}");
        }
    }

    #[test]
    fn no_member_is_forgotten_by_a_survey() {
        for kind in KINDS {
            let reply = format!(
                r#"{{"content":[{{"type":"{kind}","text":"a"}}],"usage":{{"output_tokens":4}}}}"#
            );
            every_field::<Wire<'_>>(WireFormat::Anthropic, &reply, "/content/0");
        }
    }

    #[test]
    fn half_a_character_spoils_text_but_not_arguments() {
        assert_eq!(read(r#"{"type":"text","text":"a\ud83d"}"#).text, "a\u{fffd}");
        let call = read(r#"{"type":"tool_use","id":"t","name":"f","input":{"a":"\ud83d"}}"#);
        assert_eq!(call.text, r#"{"a":"\ud83d"}"#);
    }

    #[test]
    fn searches_and_sources_are_read() {
        let search = read(
            r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"boats"}}"#,
        );
        assert!(
            matches!(&search.head, PartHead::Server { query: Some(query), .. } if query == "boats")
        );
        let cited = read(r#"{"type":"text","text":"t","citations":[{"cited_text":"said"}]}"#);
        assert_eq!(cited.citations[0].quote.as_deref(), Some("said"));
    }

    #[test]
    fn an_empty_signature_is_none() {
        assert_eq!(read(r#"{"type":"thinking","thinking":"","signature":""}"#).opaque, None);
    }
}
