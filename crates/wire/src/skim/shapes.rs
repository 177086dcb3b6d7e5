//! The shapes of the formats' requests.
//!
//! A request is plain only if its codec's reader would find nothing in it but what its outline says. A word,
//! a member or a form that is not named here makes it not plain, and it is read in full: what is left out
//! costs time, and nothing else, while what is named too much would let a call overrun a budget. The
//! schemas of tools and answers, and the arguments of calls, hold names of the client's own: nobody looks
//! into them.

use super::BRINGS_IN;
use super::shape::Rule::{
    Absent, Amount as Number, Any, Content, Head as Place, List, Object, TextOrObject, Thinks, Word,
};
use super::shape::{Amount, Head, Rest, Rule, Shape};

const MODEL: (&str, Rule) = ("model", Place(Head::Model));
const STREAM: (&str, Rule) = ("stream", Place(Head::Stream));
const STREAM_OPTIONS: (&str, Rule) = ("stream_options", Place(Head::StreamOptions));

/// Any request with the model in its body.
pub(crate) static HEAD: Shape = top(&[MODEL, STREAM, STREAM_OPTIONS]);

/// OpenAI Chat Completions.
pub(crate) static CHAT: Shape = top(&[
    MODEL,
    ("messages", List(&CHAT_MESSAGE)),
    STREAM,
    STREAM_OPTIONS,
    ("tools", List(&CHAT_TOOL)),
    ("max_tokens", Number(Amount::Output)),
    ("max_completion_tokens", Number(Amount::Output)),
    ("n", Number(Amount::Answers)),
    ("reasoning", Object(&CHAT_REASONING)),
    ("audio", Absent),
    ("modalities", Absent),
]);

static CHAT_MESSAGE: Shape = any(&[("content", Content(&CHAT_PART)), ("audio", Absent)]);

static CHAT_PART: Shape = worded(&[(
    "type",
    Word(&["text", "input_text", "output_text", "refusal", "thinking", "reasoning"]),
)]);

static CHAT_TOOL: Shape = worded(&[("type", Word(&["function", "custom"]))]);

/// OpenRouter's; its number counts only if the rest allows it.
static CHAT_REASONING: Shape = any(&[("max_tokens", Absent)]);

/// OpenAI Responses.
pub(crate) static RESPONSES: Shape = top(&[
    MODEL,
    ("input", Content(&ITEM)),
    STREAM,
    STREAM_OPTIONS,
    ("tools", List(&RESPONSES_TOOL)),
    ("tool_choice", TextOrObject(&RESPONSES_CHOICE)),
    ("max_output_tokens", Number(Amount::Output)),
    ("background", Absent),
]);

/// An item without a type is a message if it has a role, else a reference to what OpenAI stores.
static ITEM: Shape = worded(&[
    (
        "type",
        Word(&[
            "message",
            "function_call",
            "function_call_output",
            "reasoning",
            "custom_tool_call",
            "custom_tool_call_output",
        ]),
    ),
    ("role", Word(&["user", "assistant", "developer", "system"])),
    ("content", Content(&RESPONSES_PART)),
    ("output", Content(&RESPONSES_PART)),
]);

static RESPONSES_PART: Shape = worded(&[(
    "type",
    Word(&["input_text", "output_text", "text", "refusal", "reasoning_text", "summary_text"]),
)]);

static RESPONSES_TOOL: Shape = worded(&[
    ("type", Word(&["function", "custom", "namespace"])),
    ("tools", List(&RESPONSES_TOOL)),
]);

/// A choice of what OpenAI runs is one that no other provider can be asked for.
static RESPONSES_CHOICE: Shape = worded(&[("type", Word(&["function", "custom"]))]);

/// Anthropic Messages.
pub(crate) static MESSAGES: Shape = top(&[
    MODEL,
    ("messages", List(&MESSAGE)),
    STREAM,
    STREAM_OPTIONS,
    ("system", Content(&BLOCK)),
    ("tools", List(&TOOL)),
    ("max_tokens", Number(Amount::Output)),
    ("thinking", Object(&THINKING)),
]);

static MESSAGE: Shape = any(&[("content", Content(&BLOCK))]);

static BLOCK: Shape = worded(&[
    ("type", Word(&["text", "tool_use", "tool_result", "thinking", "redacted_thinking"])),
    ("content", Content(&BLOCK)),
]);

/// Those that Anthropic declares have another type, and some of them it runs.
static TOOL: Shape = any(&[("type", Word(&["custom"]))]);

static THINKING: Shape = worded(&[
    ("type", Thinks { on: "enabled", off: &["adaptive", "disabled", "between_tools"] }),
    ("budget_tokens", Number(Amount::Thinking)),
]);

/// Gemini's `generateContent`. Names may be written in camelCase or in snake_case.
pub(crate) static GEMINI: Shape = camel(&[
    ("contents", List(&CONTENT)),
    ("systemInstruction", TextOrObject(&CONTENT)),
    ("system_instruction", TextOrObject(&CONTENT)),
    ("generationConfig", Object(&GENERATION)),
    ("generation_config", Object(&GENERATION)),
    ("tools", List(&DECLARATIONS)),
    ("toolConfig", Any),
    ("tool_config", Any),
    ("safety_settings", Any),
    ("generateContentRequest", Absent),
]);

static CONTENT: Shape = camel(&[("parts", List(&PART))]);

static PART: Shape = odd(&[
    ("text", Any),
    ("functionCall", Any),
    ("function_call", Any),
    ("functionResponse", Object(&RESPONSE)),
    ("function_response", Object(&RESPONSE)),
    ("thought", Any),
    ("thoughtSignature", Any),
    ("thought_signature", Any),
]);

static RESPONSE: Shape = odd(&[("id", Any), ("name", Any), ("response", Any)]);

static DECLARATIONS: Shape = odd(&[("functionDeclarations", Any), ("function_declarations", Any)]);

static GENERATION: Shape = camel(&[
    ("maxOutputTokens", Number(Amount::Output)),
    ("max_output_tokens", Number(Amount::Output)),
    ("candidateCount", Number(Amount::Answers)),
    ("candidate_count", Number(Amount::Answers)),
    ("thinkingConfig", Object(&THINKING_CONFIG)),
    ("thinking_config", Object(&THINKING_CONFIG)),
    ("responseModalities", Absent),
    ("top_p", Any),
    ("top_k", Any),
    ("stop_sequences", Any),
    ("response_mime_type", Any),
    ("response_schema", Any),
]);

static THINKING_CONFIG: Shape = camel(&[
    ("thinkingBudget", Number(Amount::Thinking)),
    ("thinking_budget", Number(Amount::Thinking)),
    ("include_thoughts", Any),
    ("thinking_level", Any),
]);

/// Returns the shape of a request.
const fn top(members: &'static [(&'static str, Rule)]) -> Shape {
    Shape { absent: &BRINGS_IN, ..any(members) }
}

/// Returns a shape of which other members say nothing that matters.
const fn any(members: &'static [(&'static str, Rule)]) -> Shape {
    Shape { members, absent: &[], rest: Rest::Any, needs_word: false }
}

/// Returns a shape of which one member must be there that says what it is.
const fn worded(members: &'static [(&'static str, Rule)]) -> Shape {
    Shape { needs_word: true, ..any(members) }
}

/// Returns a shape of which nothing else may be there.
const fn odd(members: &'static [(&'static str, Rule)]) -> Shape {
    Shape { rest: Rest::Odd, ..any(members) }
}

/// Returns a shape of Google's, of which other members say nothing that matters if their names are camelCase.
const fn camel(members: &'static [(&'static str, Rule)]) -> Shape {
    Shape { rest: Rest::Camel, ..top(members) }
}
