//! Answers for more than one request: those under way or just given, by the caller's own id
//! ([`Flights`]), and those kept because asking again would give the same ([`Answers`]).

mod answers;
mod flights;
mod tape;
#[cfg(test)]
mod tests;

use http::{HeaderMap, HeaderName};

pub use answers::{AnswerLimits, AnswerStats, Answers, Saved};
pub use flights::{Flights, IdKind, Joined};
pub use tape::{Cut, Follower, Recorder};

/// Headers of an answer that are true of its repetition too. All others, the request's id first, are of
/// the request.
const KEPT: [&str; 9] = [
    "content-type",
    "cache-control",
    "x-accel-buffering",
    "retry-after",
    "x-should-retry",
    "request-id",
    "openai-processing-ms",
    "openai-version",
    "anthropic-organization-id",
];

/// Returns the headers of an answer that its repetition has too.
pub fn lasting(headers: &HeaderMap) -> HeaderMap {
    let lasts = |name: &HeaderName| {
        let name = name.as_str();
        let of_answer = name.starts_with("x-omniroute-")
            && !matches!(
                name,
                "x-omniroute-cache"
                    | "x-omniroute-cost"
                    | "x-omniroute-progress"
                    | "x-omniroute-idempotent"
            );
        of_answer || KEPT.contains(&name)
    };
    let kept = headers.iter().filter(|(name, _)| lasts(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn joined(pieces: &[bytes::Bytes]) -> bytes::Bytes {
    // Copied even if there is one piece, which may be a slice of something larger.
    pieces.concat().into()
}
