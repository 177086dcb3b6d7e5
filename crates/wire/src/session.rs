//! Which conversation a request belongs to, as far as its body says.
//!
//! Providers keep prompt caches per account, so the requests of one conversation do best at one
//! account. Clients name the conversation in different members; those that name none have at least the
//! beginning of the prompt in common.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Shortest beginning of a prompt that tells a conversation, in bytes: about the 1,024 tokens from which
/// on the vendors cache at all.
const MIN_PREFIX_BYTES: usize = 4096;

/// What says which conversation a request belongs to. Compare equal texts of the same kind only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Conversation {
    /// A name that the client gave it.
    Named(String),
    /// The beginning of the prompt: instructions, tools and the first message, as they were written.
    Prefix(String),
}

/// The members that name a conversation, or begin the prompt, in all four formats.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_cache_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    conversation: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_response_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
    #[serde(borrow, rename = "systemInstruction", alias = "system_instruction")]
    system_instruction: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    contents: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    user_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct WithSession<'a> {
    #[serde(borrow)]
    session_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct WithId<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

/// Reads which conversation a body belongs to.
///
/// In this order: the session in `metadata.user_id` (Claude Code), `prompt_cache_key`,
/// `previous_response_id`, `conversation`, the beginning of a prompt long enough to be cached. `None`
/// if there is none of these, or the body is no JSON object.
pub fn conversation(body: &[u8]) -> Option<Conversation> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let named = body
        .metadata
        .and_then(session_of_user)
        .or_else(|| body.prompt_cache_key.as_deref().map(ToOwned::to_owned))
        .or_else(|| body.previous_response_id.as_deref().map(ToOwned::to_owned))
        .or_else(|| body.conversation.and_then(conversation_id))
        .filter(|name| !name.is_empty());
    named.map(Conversation::Named).or_else(|| prefix(&body).map(Conversation::Prefix))
}

/// Claude Code writes its session into `user_id`: after `_session_`, or in a JSON text of its own. Any
/// other user is no conversation.
fn session_of_user(metadata: &RawValue) -> Option<String> {
    let user = serde_json::from_str::<Metadata<'_>>(metadata.get()).ok()?.user_id?;
    if let Some((_, session)) = user.rsplit_once("_session_") {
        return Some(session.to_owned());
    }
    let json = serde_json::from_str::<WithSession<'_>>(&user).ok()?;
    json.session_id.map(Cow::into_owned)
}

/// `conversation` of the Responses API is an id, or an object that has one.
fn conversation_id(conversation: &RawValue) -> Option<String> {
    let text = conversation.get();
    serde_json::from_str::<String>(text)
        .ok()
        .or_else(|| serde_json::from_str::<WithId<'_>>(text).ok()?.id.map(Cow::into_owned))
}

fn prefix(body: &Body<'_>) -> Option<String> {
    let stable = [body.system, body.instructions, body.system_instruction, body.tools];
    let mut prefix: String = stable.into_iter().flatten().map(RawValue::get).collect();
    let turns = body.messages.or(body.input).or(body.contents)?;
    match serde_json::from_str::<Vec<&RawValue>>(turns.get()) {
        Ok(turns) => prefix.extend(turns.iter().take(FIRST_TURNS).map(|turn| turn.get())),
        Err(_) => prefix.push_str(turns.get()),
    }
    (prefix.len() >= MIN_PREFIX_BYTES).then_some(prefix)
}

/// Messages that begin a prompt: the instructions, where they are a message, and the first question.
const FIRST_TURNS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn named(body: &str) -> Option<String> {
        match conversation(body.as_bytes()) {
            Some(Conversation::Named(name)) => Some(name),
            _ => None,
        }
    }

    #[test]
    fn each_clients_name_of_a_conversation_is_found() {
        let check = |body: &str, expected: Option<&str>| {
            assert_eq!(named(body).as_deref(), expected, "{body}");
        };
        check(r#"{"metadata":{"user_id":"user_ab_account__session_7f-3"}}"#, Some("7f-3"));
        let json = r#"{"metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"s-1\"}"}}"#;
        check(json, Some("s-1"));
        check(r#"{"metadata":{"user_id":"alice"}}"#, None);
        check(r#"{"metadata":{"user_id":"alice"},"prompt_cache_key":"k"}"#, Some("k"));
        check(r#"{"previous_response_id":"resp_1","prompt_cache_key":"k"}"#, Some("k"));
        check(r#"{"previous_response_id":"resp_1"}"#, Some("resp_1"));
        check(r#"{"conversation":"conv_1"}"#, Some("conv_1"));
        check(r#"{"conversation":{"id":"conv_2"}}"#, Some("conv_2"));
        check(r#"{"prompt_cache_key":""}"#, None);
        check(r#"{"prompt_cache_key":7}"#, None);
        check("[]", None);
        check("no json", None);
    }

    #[test]
    fn a_long_beginning_tells_a_conversation_whatever_comes_after_it() {
        let system = "s".repeat(MIN_PREFIX_BYTES);
        let body = |turns: &str| format!(r#"{{"system":"{system}","messages":[{turns}]}}"#);
        let first = conversation(body(r#"{"a":1},{"b":2}"#).as_bytes());
        let later = conversation(body(r#"{"a":1},{"b":2},{"c":3}"#).as_bytes());
        let other = conversation(body(r#"{"a":2},{"b":2}"#).as_bytes());
        assert!(matches!(first, Some(Conversation::Prefix(_))));
        assert_eq!(first, later);
        assert_ne!(first, other);
    }

    #[test]
    fn a_short_prompt_tells_nothing() {
        assert_eq!(conversation(br#"{"messages":[{"role":"user","content":"hi"}]}"#), None);
    }
}
