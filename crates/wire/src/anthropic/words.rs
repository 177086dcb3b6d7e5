//! The format's words for why an answer ended, both ways, and which blocks are the provider's own.

use crate::collect::CollectedFinish;
use crate::event::{Event, Finish};

/// What a reply said about its end.
#[derive(Debug, Default)]
pub(super) struct StopSaid {
    /// `stop_reason`.
    pub(super) reason: Option<String>,
    /// `stop_sequence`.
    pub(super) sequence: Option<String>,
    /// `stop_details.explanation`.
    pub(super) explanation: Option<String>,
}

impl StopSaid {
    /// Makes the event for the end of a reply that is certain to be complete. Without a
    /// `stop_reason` it follows from the calls, with an empty native word.
    pub(super) fn into_event(self, has_calls: bool) -> Event {
        Event::Finish {
            choice: 0,
            reason: finish(self.reason.as_deref(), has_calls),
            native: self.reason.unwrap_or_default(),
            stop_sequence: self.sequence,
            detail: self.explanation,
        }
    }
}

/// Returns why a complete reply ended.
pub(super) fn finish(stop_reason: Option<&str>, has_calls: bool) -> Finish {
    match stop_reason {
        Some(word) => read_stop_reason(word),
        None if has_calls => Finish::ToolCalls,
        None => Finish::Stop,
    }
}

/// Returns what a `stop_reason` means. Unknown words are [`Finish::Other`], never a plain stop.
pub(super) fn read_stop_reason(word: &str) -> Finish {
    match word {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence,
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextFull,
        "tool_use" => Finish::ToolCalls,
        "pause_turn" => Finish::Pause,
        "refusal" => Finish::Refusal,
        "compaction" => Finish::Compaction,
        _ => Finish::Other,
    }
}

/// Why an answer ended, in the words of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StopWords<'a> {
    /// `stop_reason`.
    pub(super) reason: &'static str,
    /// `stop_sequence`.
    pub(super) sequence: Option<&'a str>,
    /// Whether `stop_details` of type `refusal` is written, and its `explanation`.
    pub(super) refusal: Option<Option<&'a str>>,
}

/// Returns the words for a finish. A call that cannot be used comes as an error instead.
///
/// Clients of this format go on with their tool loop exactly when the word is `tool_use`, so it
/// follows from the calls that were written, not from the provider's word.
pub(super) fn write_stop_reason(
    finish: Option<&CollectedFinish>,
    has_calls: bool,
) -> StopWords<'_> {
    let plain = if has_calls { "tool_use" } else { "end_turn" };
    let words = |reason| StopWords { reason, sequence: None, refusal: None };
    let Some(finish) = finish else { return words(plain) };
    match finish.reason {
        Finish::Stop
        | Finish::Other
        | Finish::ToolCalls
        | Finish::Cancelled
        | Finish::Queued
        | Finish::InvalidCall => words(plain),
        Finish::StopSequence => match finish.stop_sequence.as_deref() {
            Some(sequence) => {
                StopWords { reason: "stop_sequence", sequence: Some(sequence), refusal: None }
            }
            None => words(plain),
        },
        Finish::Length => words("max_tokens"),
        Finish::ContextFull => words("model_context_window_exceeded"),
        Finish::Pause => words("pause_turn"),
        Finish::Compaction => words("compaction"),
        Finish::ContentFilter | Finish::Refusal => {
            let refusal = Some(finish.detail.as_deref());
            StopWords { reason: "refusal", sequence: None, refusal }
        }
    }
}

/// Tells whether a block of this type belongs to the provider's own tools or bookkeeping: something
/// a client of another format can neither answer nor read.
pub(super) fn is_server_block(kind: &str) -> bool {
    const NAMES: [&str; 6] = [
        "server_tool_use",
        "mcp_tool_use",
        "compaction",
        "fallback",
        "connector_text",
        "container_upload",
    ];
    NAMES.contains(&kind) || (kind.ends_with("_tool_result") && kind != "tool_result")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stop_reason_is_understood() {
        let check = |word, expected| assert_eq!(read_stop_reason(word), expected, "{word}");
        check("end_turn", Finish::Stop);
        check("stop_sequence", Finish::StopSequence);
        check("max_tokens", Finish::Length);
        check("model_context_window_exceeded", Finish::ContextFull);
        check("tool_use", Finish::ToolCalls);
        check("pause_turn", Finish::Pause);
        check("refusal", Finish::Refusal);
        check("compaction", Finish::Compaction);
        check("something_new", Finish::Other);
    }

    #[test]
    fn every_finish_has_a_word() {
        let check = |reason, sequence: Option<&str>, calls, expected: &str| {
            let finish = CollectedFinish {
                reason,
                native: String::new(),
                stop_sequence: sequence.map(str::to_owned),
                detail: None,
            };
            let words = write_stop_reason(Some(&finish), calls);
            assert_eq!(words.reason, expected, "{reason:?} {calls}");
        };
        check(Finish::Stop, None, false, "end_turn");
        check(Finish::Stop, None, true, "tool_use");
        check(Finish::Other, None, false, "end_turn");
        check(Finish::ToolCalls, None, true, "tool_use");
        check(Finish::ToolCalls, None, false, "end_turn");
        check(Finish::StopSequence, Some("END"), false, "stop_sequence");
        check(Finish::StopSequence, None, false, "end_turn");
        check(Finish::Length, None, true, "max_tokens");
        check(Finish::ContextFull, None, false, "model_context_window_exceeded");
        check(Finish::Pause, None, false, "pause_turn");
        check(Finish::ContentFilter, None, false, "refusal");
        check(Finish::Refusal, None, false, "refusal");
    }

    #[test]
    fn a_clients_own_result_is_no_server_block() {
        for kind in ["server_tool_use", "web_search_tool_result", "mcp_tool_result", "compaction"] {
            assert!(is_server_block(kind), "{kind}");
        }
        for kind in ["tool_use", "tool_result", "text", "thinking"] {
            assert!(!is_server_block(kind), "{kind}");
        }
    }
}
