//! Token counts between this format's `usage` object and the canonical [`Usage`].

use serde_json::{Map, Value, json};

use crate::event::Usage;
use crate::json;

/// Reads a `usage` object, mending what providers are known to count differently.
///
/// - Reasoning outside `output_tokens` (xAI): recognised by a total that is the sum of the three, then
///   added.
/// - Cache numbers larger than the whole input leave an uncached input of 0.
/// - Reasoning larger than the whole output is cut to it.
pub(super) fn read(usage: &Value) -> Usage {
    let said = |path: &str| usage.pointer(path).and_then(number);
    let input = said("/input_tokens");
    let cache_read = said("/input_tokens_details/cached_tokens");
    let cache_write = said("/input_tokens_details/cache_write_tokens");
    let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    let mut output = said("/output_tokens");
    let mut reasoning = said("/output_tokens_details/reasoning_tokens");
    if let (Some(input), Some(said_output), Some(total), Some(thought)) =
        (input, output, said("/total_tokens"), reasoning)
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
        input: input.map(|input| input.saturating_sub(cached)),
        cache_read,
        cache_write,
        output,
        reasoning,
        audio_input: said("/input_tokens_details/audio_tokens"),
        audio_output: said("/output_tokens_details/audio_tokens"),
        image_input: said("/input_tokens_details/image_tokens"),
        image_output: said("/output_tokens_details/image_tokens"),
        web_searches: said("/server_side_tool_usage_details/web_search_calls"),
        ..Usage::default()
    }
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
