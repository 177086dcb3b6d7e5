//! Token counts between this format's `usage` object and the canonical [`Usage`].

use super::chunk::{CompletionDetails, PromptDetails, ServerToolUse, WireUsage};
use crate::cursor::Cursor;
use crate::event::Usage;
use crate::json::Object;

/// Reads a `usage` object, mending what providers are known to count differently.
///
/// - xAI leaves reasoning out of `completion_tokens`: recognised by a total that is the sum of the
///   three, then added.
/// - Google's layer reports a total larger than its parts; the rest is hidden reasoning.
/// - Cache numbers larger than the whole input leave an uncached input of 0.
/// - Reasoning larger than the whole output is cut to it.
pub(crate) fn read(wire: &WireUsage) -> Usage {
    let details = wire.prompt_tokens_details.as_ref();
    let cache_read = details.and_then(|d| d.cached_tokens.0).or(wire.prompt_cache_hit_tokens.0);
    let cache_write = details.and_then(|d| d.cache_write_tokens.0);
    let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    let mut output = wire.completion_tokens.0;
    let made = wire.completion_tokens_details.as_ref();
    let mut reasoning = made.and_then(|d| d.reasoning_tokens.0);

    if let (Some(prompt), Some(completion), Some(total)) =
        (wire.prompt_tokens.0, output, wire.total_tokens.0)
    {
        let rest = total.saturating_sub(prompt.saturating_add(completion));
        match reasoning {
            Some(thought) if thought > 0 && rest == thought => output = Some(completion + thought),
            None if rest > 0 => {
                output = Some(completion + rest);
                reasoning = Some(rest);
            }
            _ => {}
        }
    }
    if let (Some(thought), Some(all)) = (reasoning, output) {
        reasoning = Some(thought.min(all));
    }

    Usage {
        input: wire.prompt_tokens.0.map(|prompt| prompt.saturating_sub(cached)),
        cache_read,
        cache_write,
        output,
        reasoning,
        audio_input: details.and_then(|d| d.audio_tokens.0).filter(is_some_tokens),
        audio_output: made.and_then(|d| d.audio_tokens.0).filter(is_some_tokens),
        image_input: details.and_then(|d| d.image_tokens.0).filter(is_some_tokens),
        image_output: made.and_then(|d| d.image_tokens.0).filter(is_some_tokens),
        web_searches: wire
            .num_search_queries
            .0
            .or_else(|| wire.server_tool_use.as_ref()?.web_search_requests.0),
        ..Usage::default()
    }
}

/// Takes a `usage` object out of a document that is skimmed.
pub(crate) fn skim(json: &mut Cursor<'_>) -> Option<WireUsage> {
    let mut usage = WireUsage::default();
    json.object::<24>(|json, name| {
        match name {
            "prompt_tokens" => usage.prompt_tokens.0 = json.count()?,
            "completion_tokens" => usage.completion_tokens.0 = json.count()?,
            "total_tokens" => usage.total_tokens.0 = json.count()?,
            "prompt_cache_hit_tokens" => usage.prompt_cache_hit_tokens.0 = json.count()?,
            "num_search_queries" => usage.num_search_queries.0 = json.count()?,
            "prompt_tokens_details" => {
                usage.prompt_tokens_details = json.unless_null(skim_prompt)?;
            }
            "completion_tokens_details" => {
                usage.completion_tokens_details = json.unless_null(skim_completion)?;
            }
            "server_tool_use" => usage.server_tool_use = json.unless_null(skim_tools)?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(usage)
}

fn skim_prompt(json: &mut Cursor<'_>) -> Option<PromptDetails> {
    json.counts(|details: &mut PromptDetails, name| match name {
        "cached_tokens" => Some(&mut details.cached_tokens.0),
        "cache_write_tokens" => Some(&mut details.cache_write_tokens.0),
        "audio_tokens" => Some(&mut details.audio_tokens.0),
        "image_tokens" => Some(&mut details.image_tokens.0),
        _ => None,
    })
}

fn skim_completion(json: &mut Cursor<'_>) -> Option<CompletionDetails> {
    json.counts(|details: &mut CompletionDetails, name| match name {
        "reasoning_tokens" => Some(&mut details.reasoning_tokens.0),
        "audio_tokens" => Some(&mut details.audio_tokens.0),
        "image_tokens" => Some(&mut details.image_tokens.0),
        _ => None,
    })
}

fn skim_tools(json: &mut Cursor<'_>) -> Option<ServerToolUse> {
    json.counts(|tools: &mut ServerToolUse, name| match name {
        "web_search_requests" => Some(&mut tools.web_search_requests.0),
        _ => None,
    })
}

/// Providers say 0 for what no part of the call was; that is no more than silence.
fn is_some_tokens(tokens: &u64) -> bool {
    *tokens > 0
}

/// Appends a `usage` object. Totals are computed; details are written where they are known.
pub(crate) fn write(usage: &Usage, out: &mut Vec<u8>) {
    let input = usage.input_total().unwrap_or(0);
    let output = usage.output.unwrap_or(0);
    let total = input.saturating_add(output);
    let mut object = Object::begin(out);
    object.number("prompt_tokens", input);
    object.number("completion_tokens", output);
    object.number("total_tokens", total);
    let of_input = [
        ("cached_tokens", usage.cache_read.or_else(|| usage.cache_write.map(|_| 0))),
        ("cache_write_tokens", usage.cache_write),
        ("audio_tokens", usage.audio_input),
        ("image_tokens", usage.image_input),
    ];
    put_details("prompt_tokens_details", of_input, &mut object);
    let of_output = [
        ("reasoning_tokens", usage.reasoning),
        ("audio_tokens", usage.audio_output),
        ("image_tokens", usage.image_output),
    ];
    put_details("completion_tokens_details", of_output, &mut object);
    object.end();
}

/// Appends an object of the numbers that are known, or nothing.
fn put_details<const N: usize>(
    name: &str,
    numbers: [(&str, Option<u64>); N],
    object: &mut Object<'_>,
) {
    if numbers.iter().all(|(_, number)| number.is_none()) {
        return;
    }
    let mut details = Object::begin(object.field(name));
    for (name, number) in numbers {
        details.some_number(name, number);
    }
    details.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Usage) {
        let wire: WireUsage = serde_json::from_str(json).unwrap();
        assert_eq!(read(&wire), expected, "{json}");
    }

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input: Some(input), output: Some(output), ..Usage::default() }
    }

    #[test]
    fn cache_is_taken_out_of_the_input() {
        check(
            r#"{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,
                "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30}}"#,
            Usage { cache_read: Some(60), cache_write: Some(30), ..usage(10, 7) },
        );
        check(
            r#"{"prompt_tokens":100,"completion_tokens":7,"prompt_cache_hit_tokens":40}"#,
            Usage { cache_read: Some(40), ..usage(60, 7) },
        );
        check(
            r#"{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":161}}"#,
            Usage { cache_read: Some(161), ..usage(0, 7) },
        );
    }

    #[test]
    fn reasoning_that_was_left_out_or_hidden_is_counted_as_output() {
        check(
            r#"{"prompt_tokens":432,"completion_tokens":68,"total_tokens":636,
                "completion_tokens_details":{"reasoning_tokens":136}}"#,
            Usage { reasoning: Some(136), ..usage(432, 204) },
        );
        check(
            r#"{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}"#,
            Usage { reasoning: Some(62), ..usage(35, 74) },
        );
        check(
            r#"{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14,
                "completion_tokens_details":{"reasoning_tokens":11}}"#,
            Usage { reasoning: Some(9), ..usage(5, 9) },
        );
    }

    #[test]
    fn what_was_not_said_stays_unsaid() {
        check("{}", Usage::default());
        check(
            r#"{"prompt_tokens":null,"completion_tokens":"7","total_tokens":-1}"#,
            Usage { output: Some(7), ..Usage::default() },
        );
    }

    #[test]
    fn writing_is_the_inverse() {
        let usage = Usage {
            input: Some(10),
            cache_read: Some(60),
            cache_write: Some(30),
            output: Some(7),
            reasoning: Some(5),
            audio_input: Some(2),
            audio_output: Some(3),
            ..Usage::default()
        };
        let mut out = Vec::new();

        write(&usage, &mut out);

        check(std::str::from_utf8(&out).unwrap(), usage);
    }
}
