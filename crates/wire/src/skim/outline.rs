//! What a budget must know of a request that is nothing but text, calls of the client's own tools and
//! their results.

/// What a plain request says of how much it can take. There is no picture, sound or file in it, no tool
/// that the provider runs, and nothing that refers to what does not stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Most tokens of an answer, if it says so.
    pub max_output_tokens: Option<u64>,
    /// Tokens to think with; 0 if it says no number.
    pub thinking_tokens: u64,
    /// Answers wanted, at least 1.
    pub answers: u64,
}

/// Members at the top of a request, of whatever format, that bring in what does not stand in it.
pub const BRINGS_IN: [&str; 8] = [
    "previous_response_id",
    "conversation",
    "prompt",
    "mcp_servers",
    "container",
    "web_search_options",
    "cachedContent",
    "cached_content",
];
