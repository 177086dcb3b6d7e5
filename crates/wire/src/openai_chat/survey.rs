//! Surveys a whole reply: one answer of plain text and calls that all have names.

use super::stream::finish::{self, Held, Word};
use super::stream::usage;
use crate::cursor::{Cursor, Quoted};
use crate::survey::Survey;

/// The answer of a reply.
struct Answer<'a> {
    message: Message,
    finish_reason: &'a str,
}

/// What its message holds.
#[derive(Default)]
struct Message {
    calls: bool,
    refusal: bool,
}

/// Surveys a reply; see [`crate::Codec::survey_reply`].
pub(super) fn reply(body: &[u8]) -> Option<Survey> {
    let (mut answer, mut counted) = (None, None);
    Cursor::object_of::<24>(body, |json, name| {
        match name {
            "choices" => json.list(|json| {
                let is_only = answer.is_none();
                answer = Some(choice(json)?);
                is_only.then_some(())
            })?,
            "usage" => counted = json.unless_null(usage::skim)?,
            "x_groq" => groq(json)?,
            "id" | "model" => drop(json.text()?),
            "error" => json.null()?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    let Answer { message, finish_reason } = answer?;
    let Word::Finish(said) = finish::read(finish_reason) else { return None };
    let held = Held { calls: message.calls, refusal: message.refusal, stop_sequence: false };
    let usage = counted.as_ref().map(usage::read).unwrap_or_default();
    Some(Survey { usage, finish: held.reason(said) })
}

fn choice<'a>(json: &mut Cursor<'a>) -> Option<Answer<'a>> {
    let (mut said, mut finish_reason) = (None, None);
    json.object::<12>(|json, name| {
        match name {
            "message" => said = Some(message(json)?),
            "finish_reason" => finish_reason = json.string()?.plain(),
            "delta" | "stop_reason" | "usage" => json.null()?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    let finish_reason = finish_reason.filter(|reason| !reason.is_empty())?;
    Some(Answer { message: said?, finish_reason })
}

fn message(json: &mut Cursor<'_>) -> Option<Message> {
    let mut message = Message::default();
    json.object::<16>(|json, name| {
        match name {
            "content" | "reasoning_content" | "reasoning" => drop(json.text()?),
            "refusal" => message.refusal = json.text()?.is_some_and(|text| !text.is_empty()),
            "tool_calls" => {
                json.unless_null(|json| {
                    json.list(|json| {
                        message.calls = true;
                        call(json)
                    })
                })?;
            }
            "reasoning_details" => drop(json.unless_null(|json| json.list(detail))?),
            "function_call" | "images" | "audio" => json.null()?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(message)
}

/// Takes an entry of `reasoning_details`.
fn detail(json: &mut Cursor<'_>) -> Option<()> {
    json.object::<12>(|json, name| match name {
        "id" | "text" | "summary" | "signature" | "data" | "format" => json.text().map(drop),
        _ => json.pass(),
    })
}

fn call(json: &mut Cursor<'_>) -> Option<()> {
    let mut is_named = false;
    json.object::<12>(|json, name| {
        match name {
            "function" => is_named = function(json)?,
            "id" => drop(json.text()?),
            "custom" | "extra_content" => json.null()?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    is_named.then_some(())
}

/// Tells whether a function has a name.
fn function(json: &mut Cursor<'_>) -> Option<bool> {
    let mut called: Option<Quoted<'_>> = None;
    json.object::<12>(|json, name| {
        match name {
            "name" => called = json.text()?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(called.is_some_and(|called| !called.is_empty()))
}

/// Takes what Groq says besides: of whole replies no usage.
fn groq(json: &mut Cursor<'_>) -> Option<()> {
    json.unless_null(|json| {
        json.object::<12>(|json, name| if name == "usage" { json.null() } else { json.pass() })
    })?;
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::WireFormat::OpenAiChat;
    use crate::openai_chat::stream::chunk::{
        Choice, Chunk, CompletionDetails, Delta, Function, Groq, PromptDetails, ReasoningDetail,
        ServerToolUse, ToolCall, WireUsage,
    };
    use crate::translator::surveys::every_field;

    const REPLY: &str = r#"{"id":"a","model":"m","choices":[{"index":0,"message":{"content":"hi\n",
        "reasoning_details":[{"text":"hm"}],
        "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
        "finish_reason":"stop"}],"x_groq":{"id":"r"},
        "usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":20,"prompt_tokens_details":{},
            "completion_tokens_details":{"reasoning_tokens":6},"server_tool_use":{}}}"#;

    #[test]
    fn no_member_is_forgotten() {
        let message = "/choices/0/message";
        every_field::<Chunk<'_>>(OpenAiChat, REPLY, "");
        every_field::<Groq>(OpenAiChat, REPLY, "/x_groq");
        every_field::<Choice<'_>>(OpenAiChat, REPLY, "/choices/0");
        every_field::<Delta<'_>>(OpenAiChat, REPLY, message);
        let within = |place| format!("{message}{place}");
        every_field::<ReasoningDetail<'_>>(OpenAiChat, REPLY, &within("/reasoning_details/0"));
        every_field::<ToolCall<'_>>(OpenAiChat, REPLY, &within("/tool_calls/0"));
        every_field::<Function<'_>>(OpenAiChat, REPLY, &within("/tool_calls/0/function"));
        every_field::<WireUsage>(OpenAiChat, REPLY, "/usage");
        every_field::<PromptDetails>(OpenAiChat, REPLY, "/usage/prompt_tokens_details");
        every_field::<CompletionDetails>(OpenAiChat, REPLY, "/usage/completion_tokens_details");
        every_field::<ServerToolUse>(OpenAiChat, REPLY, "/usage/server_tool_use");
    }
}
