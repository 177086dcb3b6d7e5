//! The words of this format for why an answer ended: a status, and a reason if it is incomplete.

use crate::event::Finish;

/// What the items of an answer say about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Calls for the client to answer.
    Calls,
    /// A refusal.
    Refusal,
    /// Neither.
    Nothing,
}

/// Reads status and incomplete reason, in any case. `None`: the answer failed.
pub(super) fn read(status: &str, reason: &str, left: Left) -> Option<Finish> {
    Some(match status.to_ascii_lowercase().as_str() {
        "failed" => return None,
        "cancelled" | "canceled" => Finish::Cancelled,
        "queued" | "in_progress" => Finish::Queued,
        "incomplete" => match reason.to_ascii_lowercase().as_str() {
            "max_output_tokens" | "max_tokens" | "length" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            _ => Finish::Other,
        },
        "completed" | "" => match left {
            Left::Calls => Finish::ToolCalls,
            Left::Refusal => Finish::Refusal,
            Left::Nothing => Finish::Stop,
        },
        _ => Finish::Other,
    })
}

/// Returns the status for a client, and the reason why an answer is incomplete. A call that cannot be used
/// comes as an error instead.
pub(super) const fn status(
    finish: Finish,
    has_refusal_text: bool,
) -> (&'static str, Option<&'static str>) {
    match finish {
        Finish::Stop
        | Finish::StopSequence
        | Finish::ToolCalls
        | Finish::Pause
        | Finish::Compaction
        | Finish::InvalidCall
        | Finish::Other => ("completed", None),
        Finish::Refusal if has_refusal_text => ("completed", None),
        Finish::Refusal | Finish::ContentFilter => ("incomplete", Some("content_filter")),
        Finish::Length | Finish::ContextFull => ("incomplete", Some("max_output_tokens")),
        Finish::Cancelled => ("cancelled", None),
        Finish::Queued => ("queued", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_reason_say_why_an_answer_ended() {
        let check = |status: &str, reason: &str, left: Left, expected: Option<Finish>| {
            assert_eq!(read(status, reason, left), expected, "{status} {reason} {left:?}");
        };
        check("completed", "", Left::Nothing, Some(Finish::Stop));
        check("completed", "", Left::Calls, Some(Finish::ToolCalls));
        check("completed", "", Left::Refusal, Some(Finish::Refusal));
        check("incomplete", "max_output_tokens", Left::Calls, Some(Finish::Length));
        check("incomplete", "content_filter", Left::Refusal, Some(Finish::ContentFilter));
        check("incomplete", "steered", Left::Nothing, Some(Finish::Other));
        check("incomplete", "", Left::Nothing, Some(Finish::Other));
        check("cancelled", "", Left::Nothing, Some(Finish::Cancelled));
        check("queued", "", Left::Nothing, Some(Finish::Queued));
        check("in_progress", "", Left::Nothing, Some(Finish::Queued));
        check("failed", "", Left::Nothing, None);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let check = |finish: Finish, left: Left| {
            let (status, reason) = status(finish, left == Left::Refusal);
            assert_eq!(read(status, reason.unwrap_or(""), left), Some(finish));
        };
        check(Finish::Stop, Left::Nothing);
        check(Finish::ToolCalls, Left::Calls);
        check(Finish::Refusal, Left::Refusal);
        check(Finish::Length, Left::Nothing);
        check(Finish::ContentFilter, Left::Nothing);
        check(Finish::Cancelled, Left::Nothing);
        check(Finish::Queued, Left::Nothing);
    }
}
