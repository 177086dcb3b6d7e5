//! How ids of calls are made to fit this format.

use crate::ids;

/// Longest call id this format takes, in bytes.
const MAX_BYTES: usize = 64;

/// Returns the id itself if it is short enough, else one made of it. Pure, so calls and results agree.
pub(super) fn fitted(id: &str) -> String {
    if id.len() <= MAX_BYTES { id.to_owned() } else { ids::legal("call_", id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::CallKind;
    use crate::openai_call_ids::CallIds;

    #[test]
    fn calls_and_results_agree_on_ids() {
        let mut calls = CallIds::new(fitted);
        let long = "x".repeat(65);

        let first = calls.asked(&long, "f", CallKind::Custom);
        let second = calls.asked("functions.f:0", "f", CallKind::Function);
        let third = calls.asked("", "f", CallKind::Function);
        let fourth = calls.asked("", "f", CallKind::Function);

        assert!(first.len() <= MAX_BYTES && first.starts_with("call_"), "{first}");
        assert_eq!(second, "functions.f:0", "any text that is short enough");
        assert_ne!(third, fourth);
        assert_eq!(calls.answered(&long, None), (first, CallKind::Custom));
        assert_eq!(calls.answered("", Some("f")), (third, CallKind::Function));
        assert_eq!(calls.answered("", Some("f")), (fourth, CallKind::Function));
    }
}
