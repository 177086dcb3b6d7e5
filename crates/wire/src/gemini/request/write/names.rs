//! How the client called a field, for notes and refusals.

use crate::WireFormat;
use crate::chat::ChatRequest;

/// A field of the canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Messages,
    System,
    TurnName,
    Reasoning,
    MaxTokens,
    Temperature,
    TopP,
    TopK,
    Seed,
    PresencePenalty,
    FrequencyPenalty,
    Stop,
    ReasoningAmount,
    Output,
    Strict,
    ToolChoice,
    Parallel,
    Arguments,
    ImageDetail,
    Document,
    ServerParts,
    Signature,
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

/// Returns the client's name for the end user, if one was named.
pub(super) fn end_user(request: &ChatRequest) -> Option<&'static str> {
    request.end_user.as_ref()?;
    Some(if request.origin == Some(WireFormat::Anthropic) { "metadata.user_id" } else { "user" })
}

/// The names of a field in Chat, Messages and this format.
const fn spellings(field: Field) -> [&'static str; 3] {
    match field {
        Field::Messages => ["messages", "messages", "contents"],
        Field::System => ["messages[].role", "messages[].role", "systemInstruction"],
        Field::TurnName => ["messages[].name", "messages[].name", "contents[].name"],
        Field::Reasoning => ["messages[].reasoning_content", "thinking blocks", "thought parts"],
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
        Field::Stop => ["stop", "stop_sequences", "generationConfig.stopSequences"],
        Field::ReasoningAmount => {
            ["reasoning_effort", "thinking", "generationConfig.thinkingConfig"]
        }
        Field::Output => {
            ["response_format", "output_config.format", "generationConfig.responseSchema"]
        }
        Field::Strict => ["tools[].function.strict", "tools[].strict", "toolConfig"],
        Field::ToolChoice => ["tool_choice", "tool_choice", "toolConfig.functionCallingConfig"],
        Field::Parallel => {
            ["parallel_tool_calls", "tool_choice.disable_parallel_tool_use", "toolConfig"]
        }
        Field::Arguments => {
            ["tool_calls[].function.arguments", "tool_use.input", "functionCall.args"]
        }
        Field::ImageDetail => ["image_url.detail", "image", "mediaResolution"],
        Field::Document => ["file", "document", "inlineData"],
        Field::ServerParts => ["messages[].content", "server tool blocks", "code execution parts"],
        Field::Signature => ["thought_signature", "thought_signature", "thoughtSignature"],
    }
}
