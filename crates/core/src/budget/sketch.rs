//! The most that a request can take, as far as the request says it.
//!
//! No token is shorter than a byte, so the bytes of the body bound the tokens of what stands in it; a
//! tighter count would need every vendor's tokenizer, and a wrong one would overrun a budget. What the
//! provider puts in by itself is bounded by constants or, where it is a search or a file, by the model's
//! context window.

use omniroute_wire::ModelFacts;
use omniroute_wire::chat::{
    ChatRequest, MediaSource, Part, PartKind, RawJson, ReasoningAmount, ToolKind,
};
use omniroute_wire::skim::{BRINGS_IN, Outline};
use serde::Deserialize;

use crate::money::Demand;

/// Tokens a vendor may add by itself: frames of messages and its own instructions for tools (Anthropic
/// documents up to 735 for one tool).
const FRAMES: u64 = 2048;

/// Most tokens of a picture: one of the largest size at gpt-4o-mini has 2,833 and eight tiles of 5,667
/// (OpenAI's guide on vision), and no other vendor counts more.
const IMAGE: u64 = 48_169;

/// Tokens of the context window of a model of which the catalogue does not say it: the largest among
/// those that it says.
const UNKNOWN_WINDOW: u64 = 2_000_000;

/// Output tokens of a model of which the catalogue does not say a limit: the largest among those that it
/// says is 128,000.
const UNKNOWN_OUTPUT: u64 = 131_072;

/// Least limit of output that may be sent: OpenAI's Responses takes no lower one.
const LEAST_OUTPUT: u64 = 16;

/// Room beside a budget for reasoning that translation leaves for the answer.
const BESIDE_REASONING: u64 = 4096;

/// Web searches of a call that sets no limit (`max_uses` of Anthropic).
const SEARCHES: u64 = 10;

/// What a request says of how much it can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Bytes of the body.
    pub bytes: u64,
    /// Pictures in it.
    images: u64,
    /// Whether a provider may read more than stands in it.
    is_open: bool,
    /// Most web searches.
    searches: u64,
    /// Most tokens of an answer, as the client set it.
    max_output: Option<u64>,
    /// Tokens to think with, as the client set it.
    reasoning: u64,
    /// Answers wanted.
    answers: u64,
    has_media: bool,
}

impl Sketch {
    /// Reads a request whose body has so many bytes.
    pub fn of(request: &ChatRequest, bytes: u64) -> Self {
        let mut sketch = Self {
            bytes,
            max_output: request.max_output_tokens,
            reasoning: match request.reasoning.amount {
                ReasoningAmount::Budget(tokens) => tokens,
                _ => 0,
            },
            answers: u64::from(request.sampling.n.unwrap_or(1).max(1)),
            has_media: request.audio.is_some() || request.wants_images,
            is_open: BRINGS_IN.iter().any(|name| request.extra.contains_key(*name)),
            ..Self::default()
        };
        if request.extra.contains_key("web_search_options") {
            sketch.searches = SEARCHES;
        }
        for tool in &request.tools {
            match &tool.kind {
                ToolKind::Function | ToolKind::Custom { .. } => {}
                ToolKind::WebSearch { raw, .. } | ToolKind::Server { raw, .. } => {
                    sketch.is_open = true;
                    sketch.searches = sketch.searches.saturating_add(uses(raw));
                }
            }
        }
        request.turns.iter().for_each(|turn| sketch.add(&turn.parts));
        sketch
    }

    /// Is that of a plain request whose body has so many bytes, without reading it.
    pub fn of_outline(outline: Outline, bytes: u64) -> Self {
        Self {
            bytes,
            max_output: outline.max_output_tokens,
            reasoning: outline.thinking_tokens,
            answers: outline.answers,
            ..Self::default()
        }
    }

    /// Is that of a request of which only its own vendor can tell what it means: anything may be in it.
    pub fn of_unknown(bytes: u64) -> Self {
        Self {
            bytes,
            answers: 1,
            is_open: true,
            searches: SEARCHES,
            has_media: true,
            ..Self::default()
        }
    }

    /// Returns the same for a body of another length.
    pub(super) const fn with_bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// Returns the most that the request can take at a model.
    pub fn demand(&self, facts: &ModelFacts) -> Demand {
        let stands =
            self.bytes.saturating_add(FRAMES).saturating_add(self.images.saturating_mul(IMAGE));
        let window = facts.context_tokens.unwrap_or(UNKNOWN_WINDOW);
        let most = || {
            let known = facts.max_output_tokens.unwrap_or(UNKNOWN_OUTPUT);
            known.max(self.reasoning.saturating_add(BESIDE_REASONING))
        };
        let output = self.max_output.map_or_else(most, |limit| limit.max(LEAST_OUTPUT));
        Demand {
            input: if self.is_open { stands.max(window) } else { stands },
            output: output.saturating_mul(self.answers),
            searches: self.searches,
            has_media: self.has_media,
        }
    }

    fn add(&mut self, parts: &[Part]) {
        for part in parts {
            match &part.kind {
                PartKind::Image(_) => {
                    self.images += 1;
                    self.has_media = true;
                }
                PartKind::Audio(media) | PartKind::Video(media) => {
                    self.is_open |= !matches!(media.source, MediaSource::Base64(_));
                    self.has_media = true;
                }
                PartKind::Document(media) => {
                    self.is_open |= !matches!(media.source, MediaSource::Text(_));
                    self.has_media = true;
                }
                PartKind::ToolResult { parts, .. } => self.add(parts),
                PartKind::Server { .. } => self.is_open = true,
                PartKind::Text(_)
                | PartKind::Reasoning(_)
                | PartKind::Refusal(_)
                | PartKind::ToolCall { .. } => {}
            }
        }
    }
}

/// Returns how often a vendor's tool may be used.
fn uses(raw: &RawJson) -> u64 {
    #[derive(Deserialize)]
    struct Declared {
        max_uses: Option<u64>,
    }
    let declared: Option<Declared> = serde_json::from_str(raw.get()).ok();
    declared.and_then(|declared| declared.max_uses).unwrap_or(SEARCHES)
}

#[cfg(test)]
mod tests {
    use omniroute_wire::WireFormat;
    use serde_json::{Value, json};

    use super::*;

    fn demand(format: WireFormat, body: &Value) -> Demand {
        let facts = ModelFacts {
            context_tokens: Some(200_000),
            max_output_tokens: Some(64_000),
            ..ModelFacts::default()
        };
        sketch(format, body).demand(&facts)
    }

    fn sketch(format: WireFormat, body: &Value) -> Sketch {
        let bytes = bytes::Bytes::from(body.to_string());
        let codec = format.codec();
        let peek = codec.peek(&bytes, None).unwrap();
        let request = codec.read_request(&bytes, &peek).unwrap();
        Sketch::of(&request, bytes.len() as u64)
    }

    fn chat(more: Value) -> Value {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[test]
    fn output_is_bounded_by_client_then_model_then_a_constant() {
        let output = |more| demand(WireFormat::OpenAiChat, &chat(more)).output;
        assert_eq!(output(json!({ "max_tokens": 500 })), 500);
        assert_eq!(output(json!({ "max_completion_tokens": 500, "n": 4 })), 2_000);
        assert_eq!(output(json!({ "max_tokens": 500, "max_completion_tokens": 1 })), 500);
        assert_eq!(output(json!({ "max_tokens": 1, "max_completion_tokens": 500 })), 500);
        assert_eq!(output(json!({ "max_tokens": 1 })), 16, "some providers take no less");
        assert_eq!(output(json!({})), 64_000);
        let plain = sketch(WireFormat::OpenAiChat, &chat(json!({})));
        assert_eq!(plain.demand(&ModelFacts::default()).output, UNKNOWN_OUTPUT);
        let thinks = json!({ "model": "m", "max_tokens": 100_000, "messages": [],
            "thinking": { "type": "enabled", "budget_tokens": 90_000 } });
        assert_eq!(demand(WireFormat::Anthropic, &thinks).output, 100_000);
    }

    #[test]
    fn input_is_bounded_by_its_bytes_and_what_they_bring_in() {
        let text = chat(json!({}));
        let plain = demand(WireFormat::OpenAiChat, &text);
        assert_eq!(plain.input, text.to_string().len() as u64 + FRAMES);
        assert!(!plain.has_media && plain.searches == 0);

        let image = json!({ "type": "image_url", "image_url": { "url": "https://x/y.png" } });
        let two = chat(json!({ "messages": [{ "role": "user", "content": [image, image] }] }));
        let pictures = demand(WireFormat::OpenAiChat, &two);
        assert_eq!(pictures.input, two.to_string().len() as u64 + FRAMES + 2 * IMAGE);
        assert!(pictures.has_media);
    }

    #[test]
    fn what_the_provider_reads_by_itself_may_fill_the_window() {
        let check = |format, body: Value, searches| {
            let demand = demand(format, &body);
            assert_eq!((demand.input, demand.searches), (200_000, searches), "{body}");
        };
        let messages = |more: Value| {
            let mut body = chat(json!({ "max_tokens": 9 }));
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let search = json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 3 });
        check(WireFormat::Anthropic, messages(json!({ "tools": [search] })), 3);
        let file =
            json!({ "type": "document", "source": { "type": "url", "url": "https://x/y.pdf" } });
        let turn = json!([{ "role": "user", "content": [file] }]);
        check(WireFormat::Anthropic, messages(json!({ "messages": turn })), 0);
        check(WireFormat::OpenAiChat, chat(json!({ "web_search_options": {} })), SEARCHES);
        let facts = ModelFacts { context_tokens: Some(200_000), ..ModelFacts::default() };
        let unknown = Sketch::of_unknown(9).demand(&facts);
        assert_eq!((unknown.input, unknown.output), (200_000, UNKNOWN_OUTPUT));
        let tool = json!({ "model": "m", "input": "hi", "tools": [{ "type": "web_search" }] });
        check(WireFormat::OpenAiResponses, tool, SEARCHES);
    }
}
