//! How the clients of each format call a field, for notes and refusals.

use crate::WireFormat;
use crate::chat::ChatRequest;

/// A field of the canonical form, by what it is called in each format.
///
/// Here are those of which all writers speak alike; a writer adds its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    chat: &'static str,
    messages: &'static str,
    generate: &'static str,
}

impl Field {
    pub(crate) const MESSAGES: Self = Self::new("messages", "messages", "contents");
    pub(crate) const TURN_NAME: Self =
        Self::new("messages[].name", "messages[].name", "contents[].name");
    pub(crate) const ARGUMENTS: Self =
        Self::new("tool_calls[].function.arguments", "tool_use.input", "functionCall.args");
    pub(crate) const MAX_TOKENS: Self =
        Self::new("max_tokens", "max_tokens", "generationConfig.maxOutputTokens");
    pub(crate) const TEMPERATURE: Self =
        Self::new("temperature", "temperature", "generationConfig.temperature");
    pub(crate) const TOP_P: Self = Self::new("top_p", "top_p", "generationConfig.topP");
    pub(crate) const TOP_K: Self = Self::new("top_k", "top_k", "generationConfig.topK");
    pub(crate) const SEED: Self = Self::new("seed", "seed", "generationConfig.seed");
    pub(crate) const PRESENCE_PENALTY: Self =
        Self::new("presence_penalty", "presence_penalty", "generationConfig.presencePenalty");
    pub(crate) const FREQUENCY_PENALTY: Self =
        Self::new("frequency_penalty", "frequency_penalty", "generationConfig.frequencyPenalty");
    pub(crate) const STOP: Self =
        Self::new("stop", "stop_sequences", "generationConfig.stopSequences");
    pub(crate) const THINKING: Self =
        Self::new("reasoning_effort", "thinking", "generationConfig.thinkingConfig");
    pub(crate) const OUTPUT: Self =
        Self::new("response_format", "output_config.format", "generationConfig.responseSchema");
    pub(crate) const TOOL_STRICT: Self =
        Self::new("tools[].function.strict", "tools[].strict", "toolConfig");
    pub(crate) const TOOL_CHOICE: Self =
        Self::new("tool_choice", "tool_choice", "toolConfig.functionCallingConfig");

    /// Makes a field of its names in Chat Completions, in Messages and in `generateContent`.
    pub(crate) const fn new(
        chat: &'static str,
        messages: &'static str,
        generate: &'static str,
    ) -> Self {
        Self { chat, messages, generate }
    }

    /// Returns the name that the client of this request knows.
    pub(crate) const fn name(self, request: &ChatRequest) -> &'static str {
        match request.origin {
            Some(WireFormat::Anthropic) => self.messages,
            Some(WireFormat::Gemini) => self.generate,
            Some(WireFormat::OpenAiChat | WireFormat::OpenAiResponses) | None => self.chat,
        }
    }
}
