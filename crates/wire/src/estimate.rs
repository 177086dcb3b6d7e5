//! A local count of tokens, for providers that have no endpoint for it and for streams that end before
//! their usage comes.
//!
//! An estimate: every vendor has its own tokenizer and its own frame round messages. Letters are weighed by
//! script, which is what tokenizers differ in least. Whoever shows the number says that it is estimated.

use crate::chat::{ChatRequest, Media, MediaSource, OutputFormat, Part, PartKind, Tool, ToolKind};

/// Parts of a token in which letters are weighed.
const UNITS: u64 = 60;

/// Latin letters, spaces and signs: four to a token, the figure OpenAI gives for English.
const LATIN: u64 = UNITS / 4;

/// Digits: three to a token, which is how `o200k_base` groups them.
const DIGIT: u64 = UNITS / 3;

/// White space after white space: indentation is one token up to about sixteen columns.
const INDENTATION: u64 = UNITS / 15;

/// Letters of Cyrillic, Greek, Hebrew, Arabic and accented Latin: two and a half to a token.
const MIDDLE: u64 = UNITS * 2 / 5;

/// Letters of the other alphabets below the ideographs: two to a token.
const RARE: u64 = UNITS / 2;

/// Ideographs, kana and Hangul: three to two tokens.
const IDEOGRAPH: u64 = UNITS * 2 / 3;

/// Emoji and everything else above the basic plane: two tokens each.
const ASTRAL: u64 = UNITS * 2;

/// Frame round a message, and round the answer (OpenAI's cookbook, "How to count tokens").
const FRAME: u64 = 3;

/// Frame round a tool's declaration (same source, `func_init`).
const TOOL_FRAME: u64 = 7;

/// A picture of 1024 × 1024 at OpenAI: 85 and four tiles of 170. Anthropic and Google come to the same
/// order: width × height / 750, and 258 for each tile.
const IMAGE: u64 = 765;

/// A picture of low detail at OpenAI.
const SMALL_IMAGE: u64 = 85;

/// A document of unknown length: two pages of a PDF at Anthropic (1,500 to 3,000 each).
const DOCUMENT: u64 = 4_000;

/// Sound per second, and pictures that move with their sound (Google's documentation).
const SOUND_SECOND: u64 = 32;
const VIDEO_SECOND: u64 = 300;

/// Bytes of a second: sound of 128 kbit/s, uncompressed sound of 24 kHz, pictures of 2 Mbit/s.
const PACKED_SOUND_BYTES: u64 = 16_000;
const PLAIN_SOUND_BYTES: u64 = 48_000;
const VIDEO_BYTES: u64 = 250_000;

/// Length of a recording that is only known by its address, in seconds.
const UNSEEN_SECONDS: u64 = 60;

/// Returns the tokens of a text, rounded up.
pub fn of_text(text: &str) -> u64 {
    let mut running = Running::default();
    running.add(text);
    running.tokens()
}

/// The count of a text that comes in pieces; any cut gives the same number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Running {
    units: u64,
    after_space: bool,
}

impl Running {
    /// Takes more of the text.
    pub fn add(&mut self, piece: &str) {
        for letter in piece.chars() {
            let is_space = letter.is_ascii_whitespace();
            self.units += if is_space && self.after_space { INDENTATION } else { weight(letter) };
            self.after_space = is_space;
        }
    }

    /// Returns the tokens so far, rounded up.
    pub const fn tokens(&self) -> u64 {
        self.units.div_ceil(UNITS)
    }
}

/// The weights of ASCII letters, which most text is made of.
const ASCII: [u64; 128] = {
    let mut weights = [LATIN; 128];
    let mut digit = b'0';
    while digit <= b'9' {
        weights[digit as usize] = DIGIT;
        digit += 1;
    }
    weights
};

const fn weight(letter: char) -> u64 {
    match letter {
        '\0'..='\u{7f}' => ASCII[letter as usize],
        '\u{80}'..='\u{6ff}' | '\u{1e00}'..='\u{206f}' => MIDDLE,
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' => IDEOGRAPH,
        '\u{10000}'.. => ASTRAL,
        _ => RARE,
    }
}

/// Returns the input tokens of a request: turns, tools, schemas, and media by fixed figures.
pub fn of_request(request: &ChatRequest) -> u64 {
    let turns = request.turns.iter().map(|turn| {
        let name = turn.name.as_deref().map_or(0, of_text);
        FRAME + name + of_parts(&turn.parts)
    });
    let tools = request.tools.iter().map(of_tool);
    FRAME + turns.chain(tools).sum::<u64>() + of_output(&request.output)
}

fn of_output(output: &OutputFormat) -> u64 {
    match output {
        OutputFormat::Text | OutputFormat::JsonObject => 0,
        OutputFormat::JsonSchema { name, description, schema, .. } => {
            let said = |text: &Option<String>| text.as_deref().map_or(0, of_text);
            FRAME + said(name) + said(description) + of_text(schema.get())
        }
    }
}

fn of_tool(tool: &Tool) -> u64 {
    let kind = match &tool.kind {
        ToolKind::Function | ToolKind::Custom { format: None } => 0,
        ToolKind::Custom { format: Some(raw) }
        | ToolKind::WebSearch { raw, .. }
        | ToolKind::Server { raw, .. } => of_text(raw.get()),
    };
    let description = tool.description.as_deref().map_or(0, of_text);
    let schema = tool.schema.as_ref().map_or(0, |schema| of_text(schema.get()));
    TOOL_FRAME + of_text(&tool.name) + description + schema + kind
}

fn of_parts(parts: &[Part]) -> u64 {
    parts.iter().map(of_part).sum()
}

fn of_part(part: &Part) -> u64 {
    match &part.kind {
        PartKind::Text(text) | PartKind::Reasoning(text) | PartKind::Refusal(text) => of_text(text),
        PartKind::Image(media) if media.detail.as_deref() == Some("low") => SMALL_IMAGE,
        PartKind::Image(_) => IMAGE,
        PartKind::Audio(media) => {
            let is_plain = media.mime.contains("wav") || media.mime.contains("pcm");
            let bytes = if is_plain { PLAIN_SOUND_BYTES } else { PACKED_SOUND_BYTES };
            seconds(media, bytes) * SOUND_SECOND
        }
        PartKind::Video(media) => seconds(media, VIDEO_BYTES) * VIDEO_SECOND,
        PartKind::Document(media) => of_document(media),
        PartKind::ToolCall { name, arguments, .. } => FRAME + of_text(name) + of_text(arguments),
        PartKind::ToolResult { parts, .. } => FRAME + of_parts(parts),
        PartKind::Server { raw, .. } => of_text(raw.get()),
    }
}

fn of_document(media: &Media) -> u64 {
    match &media.source {
        MediaSource::Text(text) => of_text(text),
        MediaSource::Base64(data) if media.mime.starts_with("text/") => bytes(data) * LATIN / UNITS,
        MediaSource::Base64(_) | MediaSource::Url(_) | MediaSource::FileId(_) => DOCUMENT,
    }
}

/// Returns the length of a recording, at least a second.
fn seconds(media: &Media, bytes_of_second: u64) -> u64 {
    match &media.source {
        MediaSource::Base64(data) => (bytes(data) / bytes_of_second).max(1),
        MediaSource::Url(_) | MediaSource::FileId(_) | MediaSource::Text(_) => UNSEEN_SECONDS,
    }
}

/// Returns how many bytes this base64 is.
fn bytes(base64: &str) -> u64 {
    u64::try_from(base64.len() / 4 * 3).unwrap_or(u64::MAX / VIDEO_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Role, Turn};

    #[test]
    fn letters_are_weighed_by_script() {
        let check = |text: &str, low: u64, high: u64| {
            let tokens = of_text(text);
            assert!((low..=high).contains(&tokens), "{text}: {tokens} is not {low} to {high}");
        };
        check("", 0, 0);
        check("a", 1, 1);
        check("The quick brown fox jumps over the lazy dog.", 9, 13);
        check("if x:\n                return 12345678\n", 6, 12);
        check("Съешь же ещё этих мягких французских булок", 12, 20);
        check("敏捷的棕色狐狸跳过了懒狗", 7, 13);
        check("素早い茶色の狐がのろまな犬を飛び越える", 11, 20);
        check("👍👍", 2, 6);
    }

    #[test]
    fn a_request_is_the_sum_of_what_it_says() {
        let turn = |parts| Turn { role: Role::User, parts, name: None };
        let mut request = ChatRequest {
            turns: vec![turn(vec![Part::text("four letters twice over")])],
            ..ChatRequest::default()
        };
        let text = of_request(&request);
        let image = Media {
            mime: "image/png".to_owned(),
            source: MediaSource::Url("https://x/y.png".to_owned()),
            detail: None,
            name: None,
        };

        request.turns.push(turn(vec![Part::new(PartKind::Image(image))]));
        let with_image = of_request(&request);
        let schema = serde_json::value::RawValue::from_string("{\"type\":\"object\"}".to_owned());
        request.tools.push(Tool {
            name: "clock".to_owned(),
            description: None,
            schema: schema.ok(),
            strict: None,
            cache: None,
            kind: ToolKind::Function,
        });

        assert_eq!(text, FRAME + FRAME + 6);
        assert_eq!(with_image, text + FRAME + IMAGE);
        assert!(of_request(&request) > with_image + TOOL_FRAME);
    }
}
