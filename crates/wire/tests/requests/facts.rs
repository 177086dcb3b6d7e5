//! What a request asks for, whatever its format and however its turns are cut.

use std::collections::{HashMap, VecDeque};

use omniroute_wire::WireFormat;
use omniroute_wire::chat::{CallKind, ChatRequest, Media, Part, PartKind, Role, ToolChoice};
use serde_json::{Value, json};

/// The facts of a request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Facts {
    blocks: Vec<Block>,
    tools: Vec<(String, String, Value)>,
    choice: ToolChoice,
    parallel: Option<bool>,
    limit: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: Vec<String>,
}

/// What one side says until the other speaks.
#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    of_model: bool,
    texts: Vec<(Voice, String)>,
    media: Vec<String>,
    calls: Vec<(String, String)>,
    /// Results by the place of their call in the conversation.
    results: Vec<(usize, String, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Voice {
    Model,
    User,
    Instructions,
}

/// Calls that have no result yet.
#[derive(Default)]
struct Open {
    count: usize,
    by_id: HashMap<String, VecDeque<usize>>,
}

impl Facts {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = Open::default();
        let names: Vec<&String> = request.tools.iter().map(|tool| &tool.name).collect();
        // Tools are known by their place: their names are a format's own where others forbid them.
        let place = |name: &String| match names.iter().position(|known| *known == name) {
            Some(place) => format!("tool {place}"),
            None => name.clone(),
        };
        for turn in &request.turns {
            let voice = match turn.role {
                Role::System | Role::Developer => Voice::Instructions,
                Role::User | Role::Tool => Voice::User,
                Role::Assistant => Voice::Model,
            };
            let of_model = voice == Voice::Model;
            if blocks.last().is_none_or(|block| block.of_model != of_model) {
                blocks.push(Block { of_model, ..Block::default() });
            }
            let block = blocks.last_mut().unwrap();
            for part in &turn.parts {
                block.add(voice, part, &mut open, &place);
            }
        }
        for block in &mut blocks {
            block.settle();
        }
        let tool = |tool: &omniroute_wire::chat::Tool| {
            let schema = tool.schema.as_ref().map(|schema| schema.get());
            let schema = schema.map_or(Value::Null, |json| serde_json::from_str(json).unwrap());
            let schema = Some(schema).filter(|schema| !schema.is_null());
            let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
            (place(&tool.name), tool.description.clone().unwrap_or_default(), schema)
        };
        Self {
            blocks,
            tools: request.tools.iter().map(tool).collect(),
            choice: match &request.tool_choice {
                ToolChoice::One(name) => ToolChoice::One(place(name)),
                ToolChoice::Auto => ToolChoice::NotSaid,
                other => other.clone(),
            },
            // Several calls are the default, and where no call may come there is nothing to say.
            parallel: request
                .parallel_calls
                .filter(|parallel| !parallel && request.tool_choice != ToolChoice::None),
            limit: request.max_output_tokens,
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            stop: request.sampling.stop.clone(),
        }
    }

    /// What must be left of these facts at a format, and only there.
    pub(crate) fn at(mut self, target: WireFormat) -> Self {
        let takes_text = matches!(target, WireFormat::OpenAiChat | WireFormat::OpenAiResponses);
        for block in &mut self.blocks {
            for (_, arguments) in &mut block.calls {
                *arguments = arguments_at(arguments, takes_text);
            }
        }
        match target {
            WireFormat::OpenAiChat => {}
            // No stop sequences: the gateway itself ends the answer there. A limit below 16 is refused.
            WireFormat::OpenAiResponses => {
                self.stop.clear();
                self.limit = self.limit.map(|limit| limit.max(16));
            }
            // A limit is demanded, and calls in parallel are a matter of the choice.
            WireFormat::Anthropic => {
                self.limit = self.limit.or(Some(64_000));
            }
            WireFormat::Gemini => self.parallel = None,
        }
        self
    }
}

/// Returns what arguments must be at a format where they are text, or where they are an object.
fn arguments_at(arguments: &str, takes_text: bool) -> String {
    if arguments.trim().is_empty() {
        return "{}".to_owned();
    }
    if takes_text || arguments.starts_with('{') && arguments.ends_with('}') {
        return arguments.to_owned();
    }
    match serde_json::from_str::<Value>(arguments) {
        Ok(_) => format!("{{\"value\":{arguments}}}"),
        Err(_) => format!("{{\"_invalid_json\":{}}}", Value::from(arguments)),
    }
}

impl Block {
    fn add(
        &mut self,
        voice: Voice,
        part: &Part,
        open: &mut Open,
        place: &dyn Fn(&String) -> String,
    ) {
        match &part.kind {
            PartKind::Text(text) if text.starts_with("Files returned by tool call ") => {}
            PartKind::Text(text) => {
                let marked = text
                    .strip_prefix("<system>\n")
                    .and_then(|text| text.strip_suffix("\n</system>"));
                self.texts.push(match marked {
                    Some(text) => (Voice::Instructions, text.to_owned()),
                    None => (voice, text.clone()),
                });
            }
            PartKind::Image(media) | PartKind::Document(media) => self.media.push(name(media)),
            PartKind::ToolCall { id, name, kind, arguments } => {
                assert_eq!(*kind, CallKind::Function);
                open.by_id.entry(id.clone()).or_default().push_back(open.count);
                open.count += 1;
                self.calls.push((place(name), arguments.clone()));
            }
            PartKind::ToolResult { call, parts, is_error, .. } => {
                let queue = open.by_id.get_mut(call).unwrap();
                let found = queue.pop_front().unwrap();
                let mut texts = Vec::new();
                for part in parts {
                    match &part.kind {
                        PartKind::Text(text) if text == "(see attached)" => {}
                        PartKind::Text(text) => texts.push(text.as_str()),
                        PartKind::Image(media) => self.media.push(self::name(media)),
                        other => panic!("{other:?}"),
                    }
                }
                let text = texts.join("\n");
                let said = text.strip_prefix("Error: ");
                let is_error = *is_error == Some(true) || said.is_some();
                let text = said.unwrap_or(&text).replace("(see attached)", "");
                self.results.push((found, text, is_error));
            }
            other => panic!("{other:?}"),
        }
    }

    /// Forgets what formats say in their own ways: how texts of the model are cut, where media stand.
    fn settle(&mut self) {
        self.texts.retain(|(_, text)| !text.trim().is_empty());
        self.media.sort();
        self.results.sort();
        if self.of_model {
            let said: Vec<String> = self.texts.drain(..).map(|(_, text)| text).collect();
            if !said.is_empty() {
                self.texts.push((Voice::Model, said.join("").replace("\n\n", "")));
            }
        }
    }
}

fn name(media: &Media) -> String {
    format!("{} {:?}", media.mime, media.source)
}
