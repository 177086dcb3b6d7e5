//! Why an answer ended: this format's words and the canonical reasons.

use crate::event::Finish;

/// Prefix of the native word when the prompt itself was blocked.
pub(super) const BLOCKED_PROMPT: &str = "promptFeedback.";

/// Words without a canonical reason of their own; passed on to clients of this format as they are.
const OTHERS: [&str; 7] = [
    "LANGUAGE",
    "NO_IMAGE",
    "IMAGE_OTHER",
    "ESCALATION",
    "CONTINUATION",
    "PUP_LIMITED_DISABLED",
    "OTHER",
];

/// Native word of the finish of a whole reply that does not say why it ended.
const NONE_SAID: &str = "";

/// The word of an answer that has not ended.
pub(super) const UNSPECIFIED: &str = "FINISH_REASON_UNSPECIFIED";

/// Words by number, as `$alt=json;enum-encoding=int` sends them (proto `Candidate.FinishReason` of
/// `generativelanguage.v1beta`). Numbers 6 to 9 differ at Vertex, which always sends words.
const BY_NUMBER: [&str; 14] = [
    UNSPECIFIED,
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
];

/// Block reasons by number (proto `PromptFeedback.BlockReason`).
const BLOCKS_BY_NUMBER: [&str; 6] = [
    "BLOCK_REASON_UNSPECIFIED",
    "SAFETY",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
];

/// Returns the word for a finish reason given as a number.
pub(super) fn word_of(number: u64) -> String {
    spell(&BY_NUMBER, number)
}

/// Returns the word for a block reason given as a number.
pub(super) fn block_of(number: u64) -> String {
    spell(&BLOCKS_BY_NUMBER, number)
}

/// Reads a finish word. A call ends with `STOP` in this format, so the caller says if one was seen.
pub(super) fn read(word: &str, calls_seen: bool) -> Finish {
    match word {
        "STOP" if calls_seen => Finish::ToolCalls,
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Finish::ContentFilter,
        "UNEXPECTED_TOOL_CALL" if calls_seen => Finish::ToolCalls,
        "UNEXPECTED_TOOL_CALL"
        | "MALFORMED_FUNCTION_CALL"
        | "MISSING_THOUGHT_SIGNATURE"
        | "TOO_MANY_TOOL_CALLS"
        | "MALFORMED_RESPONSE" => Finish::InvalidCall,
        NONE_SAID if calls_seen => Finish::ToolCalls,
        blocked if blocked.starts_with(BLOCKED_PROMPT) => Finish::ContentFilter,
        _ => Finish::Other,
    }
}

/// Returns the word for a client: the provider's own if it is one of this format, else by the table.
pub(super) fn write(reason: Finish, native: &str) -> &str {
    let own = [Finish::ContentFilter, Finish::InvalidCall, Finish::ToolCalls];
    let is_word = !native.is_empty() && !native.starts_with(BLOCKED_PROMPT);
    let calls_seen = reason == Finish::ToolCalls;
    if own.contains(&reason) && is_word && read(native, calls_seen) == reason {
        return native;
    }
    match reason {
        Finish::Stop
        | Finish::StopSequence
        | Finish::ToolCalls
        | Finish::Pause
        | Finish::Compaction => "STOP",
        Finish::Length | Finish::ContextFull => "MAX_TOKENS",
        Finish::ContentFilter | Finish::Refusal => "SAFETY",
        Finish::InvalidCall => "MALFORMED_FUNCTION_CALL",
        Finish::Other if OTHERS.contains(&native) => native,
        Finish::Other | Finish::Cancelled | Finish::Queued => "OTHER",
    }
}

/// Returns the block reason for a client if a filter stopped the answer and no candidate of this format
/// said so itself. The caller uses it only when nothing was generated.
pub(super) fn blocked_prompt(reason: Finish, native: &str) -> Option<&str> {
    if reason != Finish::ContentFilter {
        return None;
    }
    match native.strip_prefix(BLOCKED_PROMPT) {
        Some(word) => Some(word),
        None => (read(native, false) != Finish::ContentFilter).then_some("SAFETY"),
    }
}

fn spell(words: &[&str], number: u64) -> String {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    words.get(place).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_reasons() {
        let check = |words: &[&str], without_calls: Finish, with_calls: Finish| {
            for word in words {
                assert_eq!(read(word, false), without_calls, "{word}");
                assert_eq!(read(word, true), with_calls, "{word} after a call");
            }
        };
        check(&["STOP"], Finish::Stop, Finish::ToolCalls);
        check(&["MAX_TOKENS"], Finish::Length, Finish::Length);
        check(
            &[
                "SAFETY",
                "RECITATION",
                "BLOCKLIST",
                "PROHIBITED_CONTENT",
                "SPII",
                "MODEL_ARMOR",
                "IMAGE_SAFETY",
                "IMAGE_PROHIBITED_CONTENT",
                "IMAGE_RECITATION",
            ],
            Finish::ContentFilter,
            Finish::ContentFilter,
        );
        check(
            &[
                "MALFORMED_FUNCTION_CALL",
                "MISSING_THOUGHT_SIGNATURE",
                "TOO_MANY_TOOL_CALLS",
                "MALFORMED_RESPONSE",
            ],
            Finish::InvalidCall,
            Finish::InvalidCall,
        );
        check(&["UNEXPECTED_TOOL_CALL"], Finish::InvalidCall, Finish::ToolCalls);
        check(
            &[
                "LANGUAGE",
                "OTHER",
                "NO_IMAGE",
                "IMAGE_OTHER",
                "ESCALATION",
                "CONTINUATION",
                "NEW",
                "77",
            ],
            Finish::Other,
            Finish::Other,
        );
    }

    #[test]
    fn numbers_go_through_the_enum_first() {
        assert_eq!(word_of(1), "STOP");
        assert_eq!(word_of(2), "MAX_TOKENS");
        assert_eq!(word_of(10), "MALFORMED_FUNCTION_CALL");
        assert_eq!(word_of(99), "99");
        assert_eq!(block_of(1), "SAFETY");
    }

    #[test]
    fn a_blocked_prompt_is_told_from_a_blocked_answer() {
        assert_eq!(
            blocked_prompt(Finish::ContentFilter, "promptFeedback.MODEL_ARMOR"),
            Some("MODEL_ARMOR")
        );
        assert_eq!(blocked_prompt(Finish::ContentFilter, "content_filter"), Some("SAFETY"));
        assert_eq!(blocked_prompt(Finish::ContentFilter, "RECITATION"), None);
        assert_eq!(blocked_prompt(Finish::Stop, "STOP"), None);
    }

    #[test]
    fn reasons_become_words() {
        let check = |reason: Finish, native: &str, expected: &str| {
            assert_eq!(write(reason, native), expected, "{} {native}", reason.name());
        };
        check(Finish::Stop, "end_turn", "STOP");
        check(Finish::StopSequence, "stop_sequence", "STOP");
        check(Finish::ToolCalls, "tool_calls", "STOP");
        check(Finish::ToolCalls, "UNEXPECTED_TOOL_CALL", "UNEXPECTED_TOOL_CALL");
        check(Finish::Pause, "pause_turn", "STOP");
        check(Finish::Length, "length", "MAX_TOKENS");
        check(Finish::ContextFull, "", "MAX_TOKENS");
        check(Finish::ContentFilter, "content_filter", "SAFETY");
        check(Finish::ContentFilter, "RECITATION", "RECITATION");
        check(Finish::Refusal, "refusal", "SAFETY");
        check(Finish::InvalidCall, "", "MALFORMED_FUNCTION_CALL");
        check(Finish::InvalidCall, "MISSING_THOUGHT_SIGNATURE", "MISSING_THOUGHT_SIGNATURE");
        check(Finish::ContentFilter, "promptFeedback.SAFETY", "SAFETY");
        check(Finish::Other, "NO_IMAGE", "NO_IMAGE");
        check(Finish::Other, "eos", "OTHER");
    }
}
