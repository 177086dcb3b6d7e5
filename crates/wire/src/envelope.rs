//! The envelope in which a client of one format carries another vendor's opaque bytes.
//!
//! Reasoning comes with signatures and encrypted blocks that only their vendor can read and that must
//! come back byte for byte. Each format has one place where a client keeps a string it does not
//! understand; there the envelope stands: standard base64 with padding (Google's client library refuses
//! anything else) of magic, version, code and content. The code is keyed, so that an accident or a
//! forgery is told from ours and never forwarded; it keeps nothing secret.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::chat::{ChatRequest, Opaque, OpaqueKind, Origin, Part, PartKind, Role, Vendor};

/// What every envelope starts with, as base64: no vendor's own data does.
const PREFIX: &str = "OmniEnvl";

/// Bytes of the magic that [`PREFIX`] spells.
const MAGIC_BYTES: usize = 6;

/// The only version there is.
const VERSION: u8 = 1;

/// Bytes of the code.
const CODE_BYTES: usize = 8;

/// Reasoning of one vendor, as it came: its visible text and its opaque data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The visible text. Only needed where the client's format may lose it (Gemini clients drop
    /// thoughts); else empty.
    pub text: String,
    /// The data; `None` for reasoning that is only text.
    pub opaque: Option<Opaque>,
}

/// What makes envelopes: the gateway's key and who made the reply.
#[derive(Clone, PartialEq, Eq)]
pub struct Seal {
    /// The gateway's key, 32 bytes or more in a running gateway; empty on the shell.
    pub key: Arc<[u8]>,
    /// The model and account that made what is sealed.
    pub origin: Origin,
}

impl Default for Seal {
    fn default() -> Self {
        Self { key: Arc::from([]), origin: Origin::default() }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("origin", &self.origin).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(rename = "f")]
    family: String,
    #[serde(rename = "a")]
    account: u64,
    #[serde(rename = "b")]
    blocks: Vec<SealedBlock>,
}

#[derive(Serialize, Deserialize)]
struct SealedBlock {
    #[serde(rename = "v")]
    vendor: String,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    data: String,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    follows: bool,
}

impl Seal {
    /// Makes the seal of what a model says through an account.
    pub fn new(key: &Arc<[u8]>, model: &str, account: &str) -> Self {
        let account = u64::from_be_bytes(code(key, account.as_bytes()));
        let origin = Origin { family: family(model).to_owned(), account };
        Self { key: Arc::clone(key), origin }
    }

    /// Returns the envelope round these blocks.
    pub fn seal(&self, blocks: &[Block]) -> String {
        let content = Content {
            family: self.origin.family.clone(),
            account: self.origin.account,
            blocks: blocks.iter().map(SealedBlock::of).collect(),
        };
        // Strings and numbers always have a JSON form.
        let content = serde_json::to_vec(&content).unwrap_or_default();
        let mut bytes = STANDARD.decode(PREFIX).unwrap_or_default();
        bytes.push(VERSION);
        bytes.extend_from_slice(&code(&self.key, &content));
        bytes.extend_from_slice(&content);
        STANDARD.encode(bytes)
    }
}

/// Tells whether a text claims to be an envelope.
pub fn is_envelope(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Opens an envelope; `None` if it is not ours or was changed. The data of every block carries its
/// [`Opaque::origin`].
pub fn open(text: &str, key: &[u8]) -> Option<Vec<Block>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (head, content) = bytes.split_at_checked(MAGIC_BYTES + 1 + CODE_BYTES)?;
    if !is_envelope(text) || head[MAGIC_BYTES] != VERSION {
        return None;
    }
    if head[MAGIC_BYTES + 1..] != code(key, content) {
        return None;
    }
    let content: Content = serde_json::from_slice(content).ok()?;
    let origin = Origin { family: content.family, account: content.account };
    content.blocks.into_iter().map(|block| block.open(&origin)).collect()
}

/// Replaces every envelope in the assistant's turns by what is inside it.
///
/// A part that only carried the envelope becomes the reasoning inside; on a part that says something
/// itself (a call, a text) the reasoning is put before it, or after it where the data says so. An
/// envelope that cannot be opened is taken out and noted.
pub fn open_all(request: &mut ChatRequest, key: &[u8]) {
    let sealed = |part: &Part| part.opaque.as_ref().is_some_and(|data| is_envelope(&data.data));
    for turn in &mut request.turns {
        if turn.role != Role::Assistant || !turn.parts.iter().any(sealed) {
            continue;
        }
        for mut part in std::mem::take(&mut turn.parts) {
            let Some(carrier) = part.opaque.take_if(|data| is_envelope(&data.data)) else {
                turn.parts.push(part);
                continue;
            };
            let Some(blocks) = open(&carrier.data, key) else {
                request.notes.drop("reasoning", "its envelope was not made by this gateway");
                if !matches!(part.kind, PartKind::Reasoning(_)) {
                    turn.parts.push(part);
                }
                continue;
            };
            unpack(part, blocks, &mut turn.parts);
        }
    }
}

fn unpack(part: Part, blocks: Vec<Block>, parts: &mut Vec<Part>) {
    let mut shown = None;
    let own = match part.kind {
        PartKind::Reasoning(ref text) => {
            shown = Some(text.clone());
            None
        }
        PartKind::Text(ref text) if text.is_empty() => None,
        _ => Some(part),
    };
    let (after, before): (Vec<Block>, Vec<Block>) = blocks
        .into_iter()
        .partition(|block| block.opaque.as_ref().is_some_and(|data| data.follows));
    let mut reasoning = |block: Block| {
        let text =
            if block.text.is_empty() { shown.take().unwrap_or_default() } else { block.text };
        Part { opaque: block.opaque, ..Part::new(PartKind::Reasoning(text)) }
    };
    // A client that kept the visible thoughts sends them besides: what is inside says the same.
    if before.iter().any(|block| !block.text.is_empty()) {
        let is_shown =
            |part: &Part| matches!(part.kind, PartKind::Reasoning(_)) && part.opaque.is_none();
        while parts.last().is_some_and(is_shown) {
            parts.pop();
        }
    }
    let before: Vec<Part> = before.into_iter().map(&mut reasoning).collect();
    let after: Vec<Part> = after.into_iter().map(&mut reasoning).collect();
    parts.extend(before);
    parts.extend(own);
    parts.extend(after);
}

/// Returns a model's family: its name without a vendor's path and without a date or `latest` at its end.
/// Models of one family are taken to read each other's reasoning.
pub fn family(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    match name.rsplit_once(['-', '@']) {
        Some((family, "latest")) => family,
        Some((family, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => {
            family
        }
        _ => name,
    }
}

fn code(key: &[u8], content: &[u8]) -> [u8; CODE_BYTES] {
    let mut code = [0; CODE_BYTES];
    // A key of any length is fine for HMAC.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(content);
        code.copy_from_slice(&mac.finalize().into_bytes()[..CODE_BYTES]);
    }
    code
}

impl SealedBlock {
    fn of(block: &Block) -> Self {
        let opaque = block.opaque.as_ref();
        Self {
            vendor: opaque.map_or("plain", |data| data.vendor.name()).to_owned(),
            kind: opaque.map(|data| data.kind.name().to_owned()),
            data: opaque.map(|data| data.data.clone()).unwrap_or_default(),
            item: opaque.and_then(|data| data.item.clone()),
            text: block.text.clone(),
            follows: opaque.is_some_and(|data| data.follows),
        }
    }

    fn open(self, origin: &Origin) -> Option<Block> {
        let opaque = match self.kind {
            None => None,
            Some(kind) => Some(Opaque {
                vendor: Vendor::of_name(&self.vendor)?,
                kind: OpaqueKind::of_name(&kind)?,
                data: self.data,
                item: self.item,
                follows: self.follows,
                origin: Some(origin.clone()),
            }),
        };
        Some(Block { text: self.text, opaque })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Turn;

    fn seal() -> Seal {
        let origin = Origin { family: "claude-opus-4-6".to_owned(), account: 7 };
        Seal { key: Arc::from(*b"key"), origin }
    }

    fn signed(data: &str) -> Opaque {
        Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, data)
    }

    fn request(part: Part) -> ChatRequest {
        let turn = Turn { role: Role::Assistant, parts: vec![part], name: None };
        ChatRequest { turns: vec![turn], ..ChatRequest::default() }
    }

    #[test]
    fn what_is_sealed_comes_back_with_its_origin() {
        let blocks = [
            Block { text: "thought".to_owned(), opaque: Some(signed("c2ln")) },
            Block { text: "only text".to_owned(), opaque: None },
        ];

        let text = seal().seal(&blocks);
        let opened = open(&text, b"key").unwrap();

        assert!(is_envelope(&text) && STANDARD.decode(&text).is_ok(), "{text}");
        assert_eq!(opened[1], blocks[1]);
        let data = opened[0].opaque.clone().unwrap();
        assert_eq!((&*data.data, data.origin), ("c2ln", Some(seal().origin)));
    }

    #[test]
    fn a_changed_or_foreign_envelope_is_not_opened() {
        let text = seal().seal(&[Block { text: String::new(), opaque: Some(signed("x")) }]);
        let mut bytes = STANDARD.decode(&text).unwrap();
        *bytes.last_mut().unwrap() ^= 1;

        assert_eq!(open(&text, b"another key"), None);
        assert_eq!(open(&STANDARD.encode(bytes), b"key"), None);
        assert_eq!(open("OmniEnvl", b"key"), None);
        assert_eq!(open("EqoBCkgIBxABGAIiQ", b"key"), None);
    }

    #[test]
    fn a_call_gets_its_reasoning_back_before_it() {
        let envelope = seal().seal(&[
            Block { text: "a".to_owned(), opaque: Some(signed("1")) },
            Block { text: "b".to_owned(), opaque: Some(signed("2")) },
        ]);
        let carrier = Opaque::new(Vendor::Google, OpaqueKind::Signature, envelope);
        let call = PartKind::ToolCall {
            id: "c".to_owned(),
            name: "f".to_owned(),
            kind: Default::default(),
            arguments: String::new(),
        };
        let mut request = request(Part { opaque: Some(carrier), ..Part::new(call) });

        open_all(&mut request, b"key");

        let parts = &request.turns[0].parts;
        let data: Vec<_> = parts.iter().map(|p| p.opaque.as_ref().map(|o| &*o.data)).collect();
        assert_eq!(data, [Some("1"), Some("2"), None]);
        assert!(matches!(&parts[0].kind, PartKind::Reasoning(text) if text == "a"));
        assert!(matches!(parts[2].kind, PartKind::ToolCall { .. }));
    }

    #[test]
    fn thoughts_that_a_client_kept_beside_the_envelope_are_not_doubled() {
        let envelope = seal().seal(&[Block { text: "a".to_owned(), opaque: Some(signed("1")) }]);
        let carrier = Opaque::new(Vendor::Google, OpaqueKind::Signature, envelope);
        let mut request = request(Part::new(PartKind::Reasoning("a".to_owned())));
        request.turns[0].parts.push(Part { opaque: Some(carrier), ..Part::text("said") });

        open_all(&mut request, b"key");

        let data: Vec<_> =
            request.turns[0].parts.iter().map(|part| part.opaque.is_some()).collect();
        assert_eq!(data, [true, false], "the thought with its data, then the text");
    }

    #[test]
    fn a_forged_envelope_goes_and_is_noted() {
        let carrier = Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, "OmniEnvlAAAA");
        let thought = PartKind::Reasoning("thought".to_owned());
        let mut request = request(Part { opaque: Some(carrier), ..Part::new(thought) });

        open_all(&mut request, b"key");

        assert!(request.turns[0].parts.is_empty());
        assert_eq!(request.notes.dropped().collect::<Vec<_>>(), ["reasoning"]);
    }

    #[test]
    fn a_family_is_a_model_without_its_date() {
        assert_eq!(family("anthropic/claude-sonnet-4-5-20250929"), "claude-sonnet-4-5");
        assert_eq!(family("claude-sonnet-4-5"), "claude-sonnet-4-5");
        assert_eq!(family("claude-opus-4-6@20260101"), "claude-opus-4-6");
        assert_eq!(family("gpt-5.1-2025-11-13"), "gpt-5.1-2025-11-13");
    }
}
