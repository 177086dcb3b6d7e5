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

/// What an answer holds that tells more of its end than its word does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Calls for the client to answer.
    pub(crate) calls: bool,
    /// Refusal text.
    pub(crate) refusal: bool,
    /// The stop sequence that matched.
    pub(crate) stop_sequence: bool,
}

impl Held {
    /// Returns why the answer ended that is `said` to have ended so.
    pub(crate) const fn reason(self, said: Finish) -> Finish {
        match said {
            Finish::Stop if self.calls => Finish::ToolCalls,
            Finish::Stop if self.refusal => Finish::Refusal,
            Finish::Stop if self.stop_sequence => Finish::StopSequence,
            said => said,
        }
    }
}

/// Whether an answer held refusal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalText {
    /// It did; the client sees it in `refusal`.
    Sent,
    /// It did not.
    Absent,
}

/// Returns the `finish_reason` for a client. A call that cannot be used comes as an error instead.
pub(crate) const fn write(finish: Finish, refusal: RefusalText) -> &'static str {
    match finish {
        Finish::Stop
        | Finish::StopSequence
        | Finish::Pause
        | Finish::Compaction
        | Finish::Cancelled
        | Finish::Queued
        | Finish::InvalidCall
        | Finish::Other => "stop",
        Finish::Length | Finish::ContextFull => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
        Finish::Refusal => match refusal {
            RefusalText::Sent => "stop",
            RefusalText::Absent => "content_filter",
        },
    }
}
