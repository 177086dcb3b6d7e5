//! OpenAI's mark for the end of a cached prefix. The canonical form keeps Anthropic's `cache_control`;
//! lifetimes are short (30 minutes, 5 at Anthropic) or long (12 hours, 1 at Anthropic).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `prompt_cache_breakpoint`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Breakpoint {
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    ttl: Option<String>,
}

impl Breakpoint {
    /// Says it as Anthropic's mark.
    pub(crate) fn mark(&self) -> Value {
        match self.ttl.as_deref() {
            Some("12h") => json!({"type": "ephemeral", "ttl": "1h"}),
            _ => json!({"type": "ephemeral"}),
        }
    }

    /// Says Anthropic's mark as OpenAI's.
    pub(crate) fn of_mark(mark: &Value) -> Self {
        let ttl = if mark["ttl"] == "1h" { "12h" } else { "30m" };
        Self { mode: Some("explicit".to_owned()), ttl: Some(ttl.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_stay_short_or_long() {
        for mark in [json!({"type": "ephemeral"}), json!({"type": "ephemeral", "ttl": "1h"})] {
            assert_eq!(Breakpoint::of_mark(&mark).mark(), mark);
        }
    }
}
