//! `POST /v1/completions`, the API before chat: its requests as chat requests, and the answers back.
//!
//! One prompt is one user message. What asks for more than an answer to one prompt is refused; the old
//! shape of `logprobs` is not made.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codec::WireError;
use crate::json;
use crate::raw_members::RawMembers;
use crate::refusals::Refusals;
use crate::splice;
use crate::sse::{Frame, Splitter};

/// Turns the body of an old request into that of a chat request.
///
/// # Errors
///
/// [`WireError::Malformed`] if the body is no JSON object or `prompt` is missing;
/// [`WireError::Unsupported`] for several prompts, for tokens in place of text, and for `echo`, `suffix`
/// and `best_of`.
pub fn request(body: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut members: RawMembers<'_> = splice::parse(body)?;
    let Some(prompt) = members.take("prompt") else {
        return Err(WireError::malformed("prompt", "is missing; send one text"));
    };
    let mut refused = Refusals::default();
    let prompt = one_text(prompt, &mut refused);
    let word = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned()).unwrap_or_default();
    if word(members.take("echo")) == "true" {
        refused.add("echo", "the prompt is not repeated by chat models; put it before the answer");
    }
    if !matches!(word(members.take("suffix")).as_str(), "" | "\"\"") {
        refused.add("suffix", "chat models do not fill in; say what follows in the prompt");
    }
    if !matches!(word(members.take("best_of")).as_str(), "" | "0" | "1") {
        refused.add("best_of", "only one answer is made; ask several times");
    }
    members.take("logprobs");
    if !refused.is_empty() {
        return refused.or_body(&());
    }
    let mut chat = b"{".to_vec();
    for (name, value) in members.rest() {
        json::string(&name, &mut chat);
        chat.push(b':');
        chat.extend_from_slice(value.get().as_bytes());
        chat.push(b',');
    }
    chat.extend_from_slice(b"\"messages\":[{\"role\":\"user\",\"content\":");
    chat.extend_from_slice(prompt.as_bytes());
    chat.extend_from_slice(b"}]}");
    Ok(chat)
}

/// Returns the JSON string that is the prompt; empty with a refusal if it is anything else.
fn one_text(prompt: &RawValue, refused: &mut Refusals) -> String {
    if prompt.get().starts_with('"') {
        return prompt.get().to_owned();
    }
    let list: Vec<&RawValue> = serde_json::from_str(prompt.get()).unwrap_or_default();
    match list.as_slice() {
        [only] if only.get().starts_with('"') => only.get().to_owned(),
        [first, ..] if first.get().starts_with('"') => {
            refused.add("prompt", "several prompts are several calls; send one");
            String::new()
        }
        _ => {
            refused.add("prompt", "only text can be sent, not tokens");
            String::new()
        }
    }
}

/// A chat reply or chunk, as our own writer makes them.
#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, alias = "message")]
    delta: Option<Message<'a>>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    /// A JSON string, kept as its escapes are.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Completion<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a RawValue>,
    choices: Vec<Answer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    index: u64,
    text: Text<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Said(&'a RawValue),
    Nothing(&'static str),
}

impl<'a> Chat<'a> {
    /// Returns the same in the old shape, and whether it says anything.
    fn completion(&self) -> (Completion<'a>, bool) {
        let choices: Vec<Answer<'a>> = self.choices.iter().flatten().map(Choice::answer).collect();
        let is_said = |answer: &Answer<'_>| {
            matches!(answer.text, Text::Said(_)) || answer.finish_reason.is_some()
        };
        let says = choices.is_empty() || choices.iter().any(is_said);
        let (id, created, model, usage) = (self.id, self.created, self.model, self.usage);
        (Completion { id, object: "text_completion", created, model, choices, usage }, says)
    }
}

impl<'a> Choice<'a> {
    fn answer(&self) -> Answer<'a> {
        let content = self.delta.as_ref().and_then(|delta| delta.content);
        let said = content.filter(|text| !matches!(text.get(), "null" | "\"\""));
        Answer {
            index: self.index,
            text: said.map_or(Text::Nothing(""), Text::Said),
            logprobs: None,
            finish_reason: self.finish_reason.filter(|word| word.get() != "null"),
        }
    }
}

/// Turns a whole chat reply, as our writer makes it, into an old one. An error stays as it is.
pub fn reply(chat_reply: &[u8]) -> Vec<u8> {
    convert(chat_reply).map_or_else(|| chat_reply.to_vec(), |(body, _)| body)
}

/// Returns a reply or chunk in the old shape and whether it says anything; `None` for an error and for
/// what is no reply.
fn convert(chat: &[u8]) -> Option<(Vec<u8>, bool)> {
    let chat: Chat<'_> = serde_json::from_slice(chat).ok()?;
    if chat.error.is_some() || chat.choices.is_none() {
        return None;
    }
    let (completion, says) = chat.completion();
    Some((serde_json::to_vec(&completion).ok()?, says))
}

/// Turns a stream of chat chunks, as our writer makes them, into old ones.
///
/// Chunks that have nothing for an old client (the first with the role, reasoning) are left out; signs of
/// life, errors and the end marker stay.
#[derive(Debug, Default)]
pub struct LegacyStream {
    splitter: Splitter,
}

impl LegacyStream {
    /// Takes the next bytes, cut anywhere, and returns what they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.splitter.push(bytes, |frame| put(&frame, &mut out));
        out
    }

    /// Says that the stream ended, and returns the rest.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.splitter.finish(|frame| put(&frame, &mut out));
        out
    }
}

fn put(frame: &Frame<'_>, out: &mut Vec<u8>) {
    match frame {
        Frame::Event { data, .. } => match convert(data) {
            Some((_, false)) => {}
            Some((chunk, true)) => put_data(&chunk, out),
            None => put_data(data, out),
        },
        Frame::Comment => out.extend_from_slice(b": keep-alive\n\n"),
        Frame::Stray(_) | Frame::TooLarge => {}
    }
}

fn put_data(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_prompt_becomes_one_message_and_the_rest_stays_as_written() {
        let check = |body: &str, expected: &str| {
            let chat = request(body.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(chat).unwrap(), expected, "{body}");
        };
        check(
            r#"{"model":"m","prompt":"a\u00e9","max_tokens":7,"x":{"b":1.0}}"#,
            r#"{"model":"m","max_tokens":7,"x":{"b":1.0},"messages":[{"role":"user","content":"a\u00e9"}]}"#,
        );
        check(
            r#"{"prompt":["a"],"echo":false,"best_of":1,"suffix":null,"logprobs":2,"stream":true}"#,
            r#"{"stream":true,"messages":[{"role":"user","content":"a"}]}"#,
        );
    }

    #[test]
    fn what_chat_cannot_do_is_refused_by_name() {
        let check = |body: &str, expected: &[&str]| {
            let fault = request(body.as_bytes()).unwrap_err();
            let WireError::Unsupported { fields } = fault else { panic!("{fault}") };
            let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, expected, "{body}");
        };
        check(r#"{"prompt":[1,2,3]}"#, &["prompt"]);
        check(r#"{"prompt":[[1,2]]}"#, &["prompt"]);
        check(r#"{"prompt":["a","b"]}"#, &["prompt"]);
        check(
            r#"{"prompt":"a","echo":true,"suffix":"z","best_of":3}"#,
            &["echo", "suffix", "best_of"],
        );
        assert!(
            matches!(request(b"{}"), Err(WireError::Malformed { path, .. }) if path == "prompt")
        );
        assert!(matches!(request(b"nonsense"), Err(WireError::Malformed { .. })));
    }

    #[test]
    fn whole_replies_change_shape_and_errors_do_not() {
        let check = |chat: &str, expected: &str| {
            assert_eq!(String::from_utf8(reply(chat.as_bytes())).unwrap(), expected, "{chat}");
        };
        check(
            r#"{"id":"i","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a\u00e9"},"logprobs":null,"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#,
            r#"{"id":"i","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"a\u00e9","logprobs":null,"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#,
        );
        check(r#"{"error":{"message":"no"}}"#, r#"{"error":{"message":"no"}}"#);
    }

    #[test]
    fn streams_change_shape_whatever_the_cut() {
        let chat = concat!(
            "data: {\"id\":\"i\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
            ": keep-alive\n\n",
            "data: {\"id\":\"i\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hé\"},\"finish_reason\":null}]}\n\n",
            "data: {\"id\":\"i\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
            "data: {\"id\":\"i\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n",
            "data: {\"error\":{\"message\":\"x\"}}\n\n",
            "data: [DONE]\n\n",
        );
        let head = "data: {\"id\":\"i\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[";
        let expected = format!(
            ": keep-alive\n\n\
             {head}{{\"index\":0,\"text\":\"hé\",\"logprobs\":null,\"finish_reason\":null}}]}}\n\n\
             {head}{{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"length\"}}]}}\n\n\
             {head}],\"usage\":{{\"total_tokens\":3}}}}\n\n\
             data: {{\"error\":{{\"message\":\"x\"}}}}\n\n\
             data: [DONE]\n\n"
        );
        for cut in [1, 7, chat.len()] {
            let mut stream = LegacyStream::default();
            let mut out = Vec::new();
            for piece in chat.as_bytes().chunks(cut) {
                out.extend(stream.push(piece));
            }
            out.extend(stream.finish());
            assert_eq!(String::from_utf8(out).unwrap(), expected, "pieces of {cut}");
        }
    }
}
