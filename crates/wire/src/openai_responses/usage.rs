//! Token counts between this format's `usage` object and the canonical [`Usage`].

use serde_json::{Map, Value, json};

use crate::cursor::Cursor;
use crate::event::Usage;
use crate::json;

/// The numbers of a `usage` object.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    input: Option<u64>,
    input_details: Details,
    output: Option<u64>,
    output_details: Details,
    total: Option<u64>,
    web_searches: Option<u64>,
}

/// The parts of a count.
#[derive(Clone, Copy, Debug, Default)]
struct Details {
    cached: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    audio: Option<u64>,
    image: Option<u64>,
}

/// Reads a `usage` object.
pub(super) fn read(usage: &Value) -> Usage {
    let said = |path: &str| usage.pointer(path).and_then(number);
    let details = |of: &str| {
        let said = |name: &str| usage.get(of)?.get(name).and_then(number);
        Details {
            cached: said("cached_tokens"),
            cache_write: said("cache_write_tokens"),
            reasoning: said("reasoning_tokens"),
            audio: said("audio_tokens"),
            image: said("image_tokens"),
        }
    };
    let counts = Counts {
        input: said("/input_tokens"),
        input_details: details("input_tokens_details"),
        output: said("/output_tokens"),
        output_details: details("output_tokens_details"),
        total: said("/total_tokens"),
        web_searches: said("/server_side_tool_usage_details/web_search_calls"),
    };
    counts.usage()
}

impl Counts {
    /// Returns the canonical counts, mending what providers are known to count differently.
    ///
    /// - Reasoning outside `output_tokens` (xAI): recognised by a total that is the sum of the three, then
    ///   added.
    /// - Cache numbers larger than the whole input leave an uncached input of 0.
    /// - Reasoning larger than the whole output is cut to it.
    fn usage(&self) -> Usage {
        let Details { cached, cache_write, audio, image, .. } = self.input_details;
        let of_cache = cached.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let (mut output, mut reasoning) = (self.output, self.output_details.reasoning);
        if let (Some(input), Some(said_output), Some(total), Some(thought)) =
            (self.input, output, self.total, reasoning)
        {
            let counted = input.saturating_add(said_output);
            if thought > 0 && total.checked_sub(counted) == Some(thought) {
                output = Some(said_output.saturating_add(thought));
            }
        }
        if let (Some(thought), Some(all)) = (reasoning, output) {
            reasoning = Some(thought.min(all));
        }
        Usage {
            input: self.input.map(|input| input.saturating_sub(of_cache)),
            cache_read: cached,
            cache_write,
            output,
            reasoning,
            audio_input: audio,
            audio_output: self.output_details.audio,
            image_input: image,
            image_output: self.output_details.image,
            web_searches: self.web_searches,
            ..Usage::default()
        }
    }
}

/// Takes a `usage` object out of a document that is skimmed.
pub(super) fn skim(json: &mut Cursor<'_>) -> Option<Usage> {
    let mut counts = Counts::default();
    json.object::<24>(|json, name| {
        match name {
            "input_tokens" => counts.input = json.count()?,
            "output_tokens" => counts.output = json.count()?,
            "total_tokens" => counts.total = json.count()?,
            "input_tokens_details" => counts.input_details = skim_details(json)?,
            "output_tokens_details" => counts.output_details = skim_details(json)?,
            "server_side_tool_usage_details" => {
                counts.web_searches = skim_number(json, "web_search_calls")?;
            }
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(counts.usage())
}

fn skim_details(json: &mut Cursor<'_>) -> Option<Details> {
    let mut details = Details::default();
    json.unless_null(|json| {
        json.object::<12>(|json, name| {
            match name {
                "cached_tokens" => details.cached = json.count()?,
                "cache_write_tokens" => details.cache_write = json.count()?,
                "reasoning_tokens" => details.reasoning = json.count()?,
                "audio_tokens" => details.audio = json.count()?,
                "image_tokens" => details.image = json.count()?,
                _ => json.pass()?,
            }
            Some(())
        })
    })?;
    Some(details)
}

/// Takes the number of this name out of an object; `null` has none.
pub(super) fn skim_number(json: &mut Cursor<'_>, wanted: &str) -> Option<Option<u64>> {
    let mut number = None;
    json.unless_null(|json| {
        json.object::<16>(|json, name| {
            if name == wanted {
                number = json.count()?;
                return Some(());
            }
            json.pass()
        })
    })?;
    Some(number)
}

/// Reads a number that is not negative, written as number or text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| format!("{:.0}", number.as_f64()?).parse().ok())
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Appends a `usage` object. Totals are computed; the details that clients demand are always there.
pub(super) fn write(usage: &Usage, out: &mut Vec<u8>) {
    let details = |known: [(&str, Option<u64>); 4]| -> Value {
        let said = known.into_iter().filter_map(|(name, count)| Some((name, count?)));
        said.map(|(name, count)| (name.to_owned(), count.into())).collect::<Map<_, _>>().into()
    };
    let input = usage.input_total().unwrap_or(0);
    let output = usage.output.unwrap_or(0);
    let object = json!({
        "input_tokens": input,
        "input_tokens_details": details([
            ("cached_tokens", Some(usage.cache_read.unwrap_or(0))),
            ("cache_write_tokens", usage.cache_write),
            ("audio_tokens", usage.audio_input),
            ("image_tokens", usage.image_input),
        ]),
        "output_tokens": output,
        "output_tokens_details": details([
            ("reasoning_tokens", Some(usage.reasoning.unwrap_or(0))),
            ("audio_tokens", usage.audio_output),
            ("image_tokens", usage.image_output),
            ("", None),
        ]),
        "total_tokens": input.saturating_add(output),
    });
    json::value(&object, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;
    use crate::openai_responses::OpenAiResponses;

    fn check(usage: &Value, expected: Usage) {
        assert_eq!(read(usage), expected, "{usage}");
    }

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input: Some(input), output: Some(output), ..Usage::default() }
    }

    #[test]
    fn cache_is_taken_out_of_the_input() {
        let all = |details: Value| json!({"input_tokens": 100, "input_tokens_details": details, "output_tokens": 7});
        check(
            &all(json!({"cached_tokens": 60, "cache_write_tokens": 30})),
            Usage { cache_read: Some(60), cache_write: Some(30), ..usage(10, 7) },
        );
        check(&all(json!({"cached_tokens": 161})), Usage { cache_read: Some(161), ..usage(0, 7) });
        check(&all(Value::Null), usage(100, 7));
    }

    #[test]
    fn a_survey_finds_every_number() {
        let details = json!({"cached_tokens": 1, "cache_write_tokens": 2, "audio_tokens": 4,
            "image_tokens": 8, "reasoning_tokens": 16});
        let usage = json!({"input_tokens": 100, "input_tokens_details": details,
            "output_tokens": 200, "output_tokens_details": details, "total_tokens": 316,
            "server_side_tool_usage_details": {"web_search_calls": 3}});
        let reply = json!({"status": "completed", "output": [], "usage": usage}).to_string();

        let seen = OpenAiResponses.survey_reply(reply.as_bytes()).map(|seen| seen.usage);

        assert_eq!(seen, Some(read(&usage)));
        assert_eq!(read(&usage).output, Some(216));
    }

    #[test]
    fn reasoning_is_inside_the_output() {
        let all = |output: u64, reasoning: u64, total: u64| {
            json!({"input_tokens": 10, "output_tokens": output, "total_tokens": total,
                "output_tokens_details": {"reasoning_tokens": reasoning}})
        };
        check(&all(9, 5, 19), Usage { reasoning: Some(5), ..usage(10, 9) });
        check(&all(9, 30, 49), Usage { reasoning: Some(30), ..usage(10, 39) });
        check(&all(9, 11, 19), Usage { reasoning: Some(9), ..usage(10, 9) });
    }

    #[test]
    fn what_was_not_said_stays_unsaid() {
        check(&Value::Null, Usage::default());
        check(
            &json!({"input_tokens": null, "output_tokens": "7", "total_tokens": -1}),
            Usage { output: Some(7), ..Usage::default() },
        );
    }

    #[test]
    fn writing_is_the_inverse() {
        let known = Usage {
            cache_read: Some(60),
            cache_write: Some(30),
            reasoning: Some(5),
            image_output: Some(2),
            ..usage(10, 7)
        };
        let mut out = Vec::new();

        write(&known, &mut out);

        let written: Value = serde_json::from_slice(&out).unwrap();
        check(&written, known);
        assert_eq!(written["total_tokens"], 107);
    }
}
