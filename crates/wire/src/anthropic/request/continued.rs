//! The request that has the provider go on with a turn it paused (`stop_reason: pause_turn`): the same
//! request, with what it has said so far as the assistant's last message.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::anthropic::reply;
use crate::chat::Vendor;
use crate::collect::CollectedPart;
use crate::envelope::Seal;
use crate::event::PartHead;
use crate::splice::span;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
}

/// Makes the request. Every byte before the new message stays as it was: prompt caches and signatures
/// hold only then.
///
/// `None` if nothing was said that can be sent, or a call waits for the client's result.
pub(in crate::anthropic) fn continued(body: &[u8], said: &[CollectedPart]) -> Option<Vec<u8>> {
    if said.iter().any(|part| matches!(part.head, PartHead::ToolCall { .. })) {
        return None;
    }
    let content = content(said);
    let head: Head<'_> = serde_json::from_slice(body).ok()?;
    let list = span(body, head.messages.get());
    let end = list.end.checked_sub(1).filter(|end| body.get(*end) == Some(&b']'))?;
    if content.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() + content.len() + 64);
    out.extend_from_slice(&body[..end]);
    out.extend_from_slice(b",{\"role\":\"assistant\",\"content\":[");
    out.extend_from_slice(&content);
    out.extend_from_slice(b"]}");
    out.extend_from_slice(&body[end..]);
    Some(out)
}

/// Writes what was said. Reasoning that nobody signed, and white space at the end, the API refuses.
fn content(said: &[CollectedPart]) -> Vec<u8> {
    let is_signed =
        |part: &CollectedPart| part.opaque.iter().any(|data| data.vendor == Vendor::Anthropic);
    let is_sent = |part: &&CollectedPart| match part.head {
        PartHead::Reasoning(_) => is_signed(part),
        PartHead::Text | PartHead::Server { .. } => true,
        _ => false,
    };
    let mut parts: Vec<CollectedPart> = said.iter().filter(is_sent).cloned().collect();
    if let Some(last) = parts.last_mut().filter(|part| part.head == PartHead::Text) {
        last.text.truncate(last.text.trim_end().len());
    }
    let mut out = Vec::new();
    reply::content(&parts, "", &Seal::default(), &mut out);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::chat::{CallKind, Opaque, OpaqueKind};
    use crate::event::ReasoningKind;

    const BODY: &str = r#"{"model":"m","messages" : [{"role":"user","content":[1.0]} ] ,"z":1e2}"#;

    fn part(head: PartHead, text: &str) -> CollectedPart {
        let (text, opaque, citations) = (text.to_owned(), Vec::new(), Vec::new());
        CollectedPart { head, text, opaque, citations }
    }

    fn server(raw: Value) -> CollectedPart {
        part(PartHead::Server { raw, query: None }, "")
    }

    fn sent(said: &[CollectedPart]) -> Option<Value> {
        let whole = String::from_utf8(continued(BODY.as_bytes(), said)?).unwrap();
        let (before, after) = BODY.split_at(BODY.find(" ] ").unwrap() + 1);
        let added = whole.strip_prefix(before).unwrap().strip_suffix(after).unwrap();
        let message: Value = serde_json::from_str(added.strip_prefix(',').unwrap()).unwrap();
        assert_eq!(message["role"], "assistant");
        Some(message["content"].clone())
    }

    #[test]
    fn what_was_said_follows_and_nothing_else_changes() {
        let signed = Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, "c2ln");
        let thought = CollectedPart {
            opaque: vec![signed],
            ..part(PartHead::Reasoning(ReasoningKind::Summary), "hm")
        };
        let search = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}});
        let found =
            json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"n": 1}]});

        let said = [
            thought,
            part(PartHead::Text, "I look. "),
            server(search.clone()),
            server(found.clone()),
            part(PartHead::Text, "So \n"),
        ];

        let expected = json!([
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "text", "text": "I look. "},
            search,
            found,
            {"type": "text", "text": "So"},
        ]);
        assert_eq!(sent(&said), Some(expected));
    }

    #[test]
    fn what_the_api_refuses_is_left_out() {
        let unsigned = part(PartHead::Reasoning(ReasoningKind::Summary), "hm");
        let text = part(PartHead::Text, "a");
        let blank = part(PartHead::Text, " ");

        let said = [unsigned.clone(), text, blank];

        assert_eq!(sent(&said), Some(json!([{"type": "text", "text": "a"}])));
        assert_eq!(sent(&[unsigned]), None, "nothing is left to go on from");
    }

    #[test]
    fn a_call_waits_for_its_result() {
        let call = PartHead::ToolCall {
            id: "c".to_owned(),
            name: "f".to_owned(),
            kind: CallKind::Function,
        };
        assert_eq!(sent(&[part(PartHead::Text, "a"), part(call, "{}")]), None);
    }

    #[test]
    fn a_body_without_messages_cannot_go_on() {
        let said = [part(PartHead::Text, "a")];
        assert_eq!(continued(b"{}", &said), None);
        assert_eq!(continued(b"{\"messages\":\"x\"}", &said), None);
    }
}
