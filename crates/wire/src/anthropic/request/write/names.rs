//! How the client called a field, for notes and refusals.

use crate::WireFormat;
use crate::chat::ChatRequest;

/// A field of the canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Messages,
    TurnName,
    SystemInside,
    Refusal,
    Reasoning,
    Signature,
    ServerParts,
    AssistantMedia,
    Arguments,
    MaxTokens,
    Temperature,
    TopP,
    TopK,
    Seed,
    PresencePenalty,
    FrequencyPenalty,
    Logprobs,
    Stop,
    Answers,
    Thinking,
    Output,
    OutputStrict,
    ToolStrict,
    ToolChoice,
    CacheMarks,
}

/// Returns the client's name for a field.
pub(super) fn name(request: &ChatRequest, field: Field) -> &'static str {
    let [chat, messages, generate] = spellings(field);
    match request.origin {
        Some(WireFormat::Anthropic) => messages,
        Some(WireFormat::Gemini) => generate,
        Some(WireFormat::OpenAiChat | WireFormat::OpenAiResponses) | None => chat,
    }
}

/// The names of a field in Chat, Messages and Gemini.
const fn spellings(field: Field) -> [&'static str; 3] {
    match field {
        Field::Messages => ["messages", "messages", "contents"],
        Field::TurnName => ["messages[].name", "messages[].name", "contents[].name"],
        Field::SystemInside => ["messages[].role", "messages[].role", "contents[].role"],
        Field::Refusal => ["messages[].refusal", "messages[].content", "contents[].parts"],
        Field::Reasoning => ["reasoning_content", "thinking", "thought"],
        Field::Signature => ["thought_signature", "signature", "thoughtSignature"],
        Field::ServerParts => ["messages[].content", "messages[].content", "contents[].parts"],
        Field::AssistantMedia => ["messages[].content", "messages[].content", "inlineData"],
        Field::Arguments => {
            ["tool_calls[].function.arguments", "tool_use.input", "functionCall.args"]
        }
        Field::MaxTokens => ["max_tokens", "max_tokens", "generationConfig.maxOutputTokens"],
        Field::Temperature => ["temperature", "temperature", "generationConfig.temperature"],
        Field::TopP => ["top_p", "top_p", "generationConfig.topP"],
        Field::TopK => ["top_k", "top_k", "generationConfig.topK"],
        Field::Seed => ["seed", "seed", "generationConfig.seed"],
        Field::PresencePenalty => {
            ["presence_penalty", "presence_penalty", "generationConfig.presencePenalty"]
        }
        Field::FrequencyPenalty => {
            ["frequency_penalty", "frequency_penalty", "generationConfig.frequencyPenalty"]
        }
        Field::Logprobs => ["logprobs", "logprobs", "generationConfig.responseLogprobs"],
        Field::Stop => ["stop", "stop_sequences", "generationConfig.stopSequences"],
        Field::Answers => ["n", "n", "generationConfig.candidateCount"],
        Field::Thinking => ["reasoning_effort", "thinking", "generationConfig.thinkingConfig"],
        Field::Output => {
            ["response_format", "output_config.format", "generationConfig.responseSchema"]
        }
        Field::OutputStrict => {
            ["response_format.json_schema.strict", "output_config.format", "responseSchema"]
        }
        Field::ToolStrict => ["tools[].function.strict", "tools[].strict", "toolConfig"],
        Field::ToolChoice => ["tool_choice", "tool_choice", "toolConfig.functionCallingConfig"],
        Field::CacheMarks => ["cache_control", "cache_control", "cachedContent"],
    }
}
