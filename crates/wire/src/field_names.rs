//! How the clients of each format call a field, for notes and refusals.

use crate::WireFormat;
use crate::chat::ChatRequest;

/// A field of the canonical form, by what it is called in each format.
///
/// Here are those of which several writers speak alike; a writer adds its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    chat: &'static str,
    responses: &'static str,
    messages: &'static str,
    generate: &'static str,
}

impl Field {
    pub(crate) const MESSAGES: Self =
        Self::new("messages", "messages", "contents").with_responses("input");
    pub(crate) const TURN_NAME: Self =
        Self::new("messages[].name", "messages[].name", "contents[].name")
            .with_responses("input[].name");
    pub(crate) const ARGUMENTS: Self =
        Self::new("tool_calls[].function.arguments", "tool_use.input", "functionCall.args")
            .with_responses("function_call.arguments");
    pub(crate) const REASONING: Self =
        Self::new("reasoning_content", "thinking", "thought").with_responses("input[].summary");
    pub(crate) const SIGNATURE: Self =
        Self::new("thought_signature", "signature", "thoughtSignature")
            .with_responses("input[].encrypted_content");
    pub(crate) const REFUSAL: Self =
        Self::new("messages[].refusal", "messages[].content", "contents[].parts")
            .with_responses("input[].content");
    pub(crate) const SERVER_PARTS: Self =
        Self::new("messages[].content", "server tool blocks", "code execution parts")
            .with_responses("input[]");
    pub(crate) const ASSISTANT_MEDIA: Self =
        Self::new("messages[].content", "messages[].content", "inlineData")
            .with_responses("input[].content");
    pub(crate) const RESULT_ERROR: Self =
        Self::new("tool result is_error", "tool_result.is_error", "functionResponse.response");
    pub(crate) const IMAGE: Self =
        Self::new("image_url", "image", "inlineData").with_responses("input_image");
    pub(crate) const SOUND: Self = Self::new("input_audio", "audio", "inlineData");
    pub(crate) const VIDEO: Self = Self::new("video", "video", "inlineData");
    pub(crate) const DOCUMENT: Self =
        Self::new("file", "document", "inlineData").with_responses("input_file");
    pub(crate) const CACHE_MARKS: Self =
        Self::new("cache_control", "cache_control", "cachedContent");
    pub(crate) const MAX_TOKENS: Self =
        Self::new("max_tokens", "max_tokens", "generationConfig.maxOutputTokens")
            .with_responses("max_output_tokens");
    pub(crate) const TEMPERATURE: Self =
        Self::new("temperature", "temperature", "generationConfig.temperature");
    pub(crate) const TOP_P: Self = Self::new("top_p", "top_p", "generationConfig.topP");
    pub(crate) const TOP_K: Self = Self::new("top_k", "top_k", "generationConfig.topK");
    pub(crate) const SEED: Self = Self::new("seed", "seed", "generationConfig.seed");
    pub(crate) const PRESENCE_PENALTY: Self =
        Self::new("presence_penalty", "presence_penalty", "generationConfig.presencePenalty");
    pub(crate) const FREQUENCY_PENALTY: Self =
        Self::new("frequency_penalty", "frequency_penalty", "generationConfig.frequencyPenalty");
    pub(crate) const LOGIT_BIAS: Self = Self::new("logit_bias", "logit_bias", "logit_bias");
    pub(crate) const LOGPROBS: Self =
        Self::new("logprobs", "logprobs", "generationConfig.responseLogprobs")
            .with_responses("top_logprobs");
    pub(crate) const ANSWERS: Self = Self::new("n", "n", "generationConfig.candidateCount");
    pub(crate) const STOP: Self =
        Self::new("stop", "stop_sequences", "generationConfig.stopSequences");
    pub(crate) const THINKING: Self =
        Self::new("reasoning_effort", "thinking", "generationConfig.thinkingConfig")
            .with_responses("reasoning.effort");
    pub(crate) const OUTPUT: Self =
        Self::new("response_format", "output_config.format", "generationConfig.responseSchema")
            .with_responses("text.format");
    pub(crate) const OUTPUT_STRICT: Self =
        Self::new("response_format.json_schema.strict", "output_config.format", "responseSchema")
            .with_responses("text.format.strict");
    pub(crate) const VERBOSITY: Self =
        Self::new("verbosity", "verbosity", "verbosity").with_responses("text.verbosity");
    pub(crate) const AUDIO: Self =
        Self::new("audio", "audio", "generationConfig.responseModalities");
    pub(crate) const IMAGES: Self =
        Self::new("modalities", "modalities", "generationConfig.responseModalities")
            .with_responses("tools");
    pub(crate) const TOOL_STRICT: Self =
        Self::new("tools[].function.strict", "tools[].strict", "toolConfig")
            .with_responses("tools[].strict");
    pub(crate) const TOOL_CHOICE: Self =
        Self::new("tool_choice", "tool_choice", "toolConfig.functionCallingConfig");
    pub(crate) const CUSTOM_TOOL: Self =
        Self::new("tools[].custom", "tools", "tools").with_responses("tools");
    pub(crate) const WEB_SEARCH: Self =
        Self::new("web_search_options", "tools", "tools.googleSearch").with_responses("tools");
    pub(crate) const BLOCKED_DOMAINS: Self = Self::new(
        "web_search_options.filters",
        "tools[].blocked_domains",
        "tools.googleSearch.excludeDomains",
    )
    .with_responses("tools[].filters.blocked_domains");
    pub(crate) const END_USER: Self = Self::new("user", "metadata.user_id", "labels");
    pub(crate) const METADATA: Self = Self::new("metadata", "metadata", "labels");
    pub(crate) const SERVICE_TIER: Self = Self::new("service_tier", "service_tier", "serviceTier");

    /// Makes a field of its names in Chat Completions, in Messages and in `generateContent`. Responses
    /// calls it as Chat Completions does.
    pub(crate) const fn new(
        chat: &'static str,
        messages: &'static str,
        generate: &'static str,
    ) -> Self {
        Self { chat, responses: chat, messages, generate }
    }

    /// Gives the field another name in Responses than in Chat Completions.
    pub(crate) const fn with_responses(self, responses: &'static str) -> Self {
        Self { responses, ..self }
    }

    /// Returns the name that the client of this request knows.
    pub(crate) const fn name(self, request: &ChatRequest) -> &'static str {
        match request.origin {
            Some(WireFormat::Anthropic) => self.messages,
            Some(WireFormat::Gemini) => self.generate,
            Some(WireFormat::OpenAiResponses) => self.responses,
            Some(WireFormat::OpenAiChat) | None => self.chat,
        }
    }
}
