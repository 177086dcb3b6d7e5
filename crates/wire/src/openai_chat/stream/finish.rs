//! The words of this format for why an answer ended.

use crate::event::Finish;

/// What a provider's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The answer is complete, for this reason.
    Finish(Finish),
    /// The reply failed.
    Error,
    /// The reply failed because the provider had no capacity (DeepSeek).
    Overloaded,
}

/// Reads a `finish_reason`, in any case, with the words that providers carry over from other formats.
pub(crate) fn read(native: &str) -> Word {
    let finish = match native.to_ascii_lowercase().as_str() {
        "stop" | "eos" | "eos_token" | "end_turn" | "complete" | "completed" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence,
        "length" | "max_tokens" | "max_output_tokens" => Finish::Length,
        "model_length" | "model_context_window_exceeded" => Finish::ContextFull,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" | "safety" | "recitation" | "prohibited_content" | "sensitive" => {
            Finish::ContentFilter
        }
        "refusal" => Finish::Refusal,
        "pause_turn" => Finish::Pause,
        "malformed_function_call" => Finish::InvalidCall,
        "error" => return Word::Error,
        "insufficient_system_resource" => return Word::Overloaded,
        _ => Finish::Other,
    };
    Word::Finish(finish)
}

/// Whether an answer held refusal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalText {
    /// It did; the client sees it in `refusal`.
    Sent,
    /// It did not.
    Absent,
}

/// Returns the `finish_reason` for a client, or `None` if the answer is to be an error instead.
pub(crate) const fn write(finish: Finish, refusal: RefusalText) -> Option<&'static str> {
    match finish {
        Finish::Stop
        | Finish::StopSequence
        | Finish::Pause
        | Finish::Compaction
        | Finish::Cancelled
        | Finish::Queued
        | Finish::Other => Some("stop"),
        Finish::Length | Finish::ContextFull => Some("length"),
        Finish::ToolCalls => Some("tool_calls"),
        Finish::ContentFilter => Some("content_filter"),
        Finish::Refusal => match refusal {
            RefusalText::Sent => Some("stop"),
            RefusalText::Absent => Some("content_filter"),
        },
        Finish::InvalidCall => None,
    }
}
