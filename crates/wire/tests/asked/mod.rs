//! What a request asks for, whatever its format.

use bytes::Bytes;
use omniroute_wire::chat::{ChatRequest, MediaSource, Part, PartKind};
use omniroute_wire::codec::PathModel;
use omniroute_wire::model_facts::ThinkingControl;
use omniroute_wire::{Codec, ModelFacts, WireError, WireFormat};
use serde_json::Value;

/// Reads a request as its client sent it.
pub(crate) fn read(codec: &dyn Codec, body: &Bytes) -> Result<ChatRequest, WireError> {
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let is_in_path = codec.format() == WireFormat::Gemini;
    let peek = codec.peek(body, is_in_path.then_some(&path))?;
    codec.read_request(body, &peek)
}

/// Returns the fields for which a request was refused, without places in lists.
pub(crate) fn fields(error: &WireError) -> Vec<String> {
    let name = |field: &str| field.split('[').next().unwrap_or_default().to_owned();
    match error {
        WireError::Malformed { path, .. } => vec![name(path)],
        WireError::Unsupported { fields } => fields.iter().map(|(field, _)| name(field)).collect(),
    }
}

/// Facts of a model that can do whatever its format can say.
pub(crate) fn facts(format: WireFormat) -> ModelFacts {
    ModelFacts {
        thinking: match format {
            WireFormat::OpenAiChat | WireFormat::OpenAiResponses => ThinkingControl::Level,
            WireFormat::Anthropic | WireFormat::Gemini => ThinkingControl::Budget,
        },
        max_output_tokens: Some(200_000),
        max_completion_tokens: true,
        developer_role: true,
        structured_output: true,
        json_schema: true,
        web_search_options: true,
        custom_tools: true,
        prefill: true,
        image_output: true,
        ..ModelFacts::default()
    }
}

/// What a request asks for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Words of both sides, in order.
    said: Vec<String>,
    calls: Vec<(String, Value)>,
    results: Vec<String>,
    media: Vec<String>,
    tools: Vec<String>,
    limit: Option<u64>,
}

impl Asked {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let mut asked = Self { limit: request.max_output_tokens, ..Self::default() };
        for turn in &request.turns {
            for part in &turn.parts {
                asked.part(part);
            }
        }
        let own = request.tools.iter().filter(|tool| tool.is_clients());
        asked.tools = own.map(|tool| tool.name.clone()).collect();
        asked
    }

    fn part(&mut self, part: &Part) {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => {
                if !text.trim().is_empty() {
                    self.said.push(text.trim().to_owned());
                }
            }
            PartKind::Image(media)
            | PartKind::Audio(media)
            | PartKind::Video(media)
            | PartKind::Document(media) => match &media.source {
                // Where documents of text are unknown, they are part of what was said.
                MediaSource::Text(text) => self.said.push(text.trim().to_owned()),
                _ => self.media.push(media.mime.clone()),
            },
            PartKind::ToolCall { name, arguments, .. } => {
                let text = if arguments.trim().is_empty() { "{}" } else { arguments };
                let value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
                self.calls.push((name.clone(), value));
            }
            PartKind::ToolResult { parts, .. } => {
                let texts = parts.iter().filter_map(|part| match &part.kind {
                    PartKind::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                self.results.push(texts.collect());
                let media = parts.iter().filter(|part| !matches!(part.kind, PartKind::Text(_)));
                media.for_each(|part| self.part(part));
            }
            PartKind::Reasoning(_) | PartKind::Server { .. } => {}
        }
    }

    /// Returns what another request asks for differently.
    pub(crate) fn differences(&self, got: &Self) -> Vec<(&'static str, String)> {
        let mut list = Vec::new();
        let mut differ = |fact, want: String, got: String| {
            if want != got {
                list.push((fact, format!("got {got}, wanted {want}")));
            }
        };
        if !self.said.iter().all(|words| got.said.iter().any(|all| all.contains(words.as_str()))) {
            differ("said", format!("{:?}", self.said), format!("{:?}", got.said));
        }
        differ("calls", format!("{:?}", self.calls), format!("{:?}", got.calls));
        let told =
            self.results.iter().zip(&got.results).all(|(want, got)| got.contains(want.as_str()));
        if !told || self.results.len() != got.results.len() {
            differ("results", format!("{:?}", self.results), format!("{:?}", got.results));
        }
        differ("media", format!("{:?}", self.media), format!("{:?}", got.media));
        differ("tools", format!("{:?}", self.tools), format!("{:?}", got.tools));
        // Messages must say a limit.
        if self.limit.is_some() {
            differ("limit", format!("{:?}", self.limit), format!("{:?}", got.limit));
        }
        list
    }
}
