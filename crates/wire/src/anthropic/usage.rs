//! Token counts on the wire. `input_tokens` leaves the cache out, as our own form does.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cursor::Cursor;
use crate::event::Usage;
use crate::json;

#[derive(Default, Deserialize)]
struct Wire {
    input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerTools>,
    /// The steps of one answer. The numbers above leave some of them out.
    iterations: Option<Vec<Step>>,
}

#[derive(Default, Deserialize)]
struct ServerTools {
    web_search_requests: Option<u64>,
}

#[derive(Deserialize)]
struct Step {
    input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

/// Reads a `usage` object. One that cannot be understood says nothing: an answer is worth more than
/// its numbers.
pub(super) fn read(raw: &RawValue) -> Usage {
    serde_json::from_str::<Wire>(raw.get()).map(counted).unwrap_or_default()
}

fn counted(wire: Wire) -> Usage {
    let steps = wire.iterations.unwrap_or_default();
    let long = wire.cache_creation.as_ref().and_then(|split| split.ephemeral_1h_input_tokens);
    let by_lifetime = wire.cache_creation.and_then(|split| {
        let (short, long) = (split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens);
        (short.is_some() || long.is_some())
            .then(|| short.unwrap_or(0).saturating_add(long.unwrap_or(0)))
    });
    Usage {
        input: sum(&steps, |step| step.input_tokens).or(wire.input_tokens),
        cache_read: sum(&steps, |step| step.cache_read_input_tokens)
            .or(wire.cache_read_input_tokens),
        cache_write: sum(&steps, |step| step.cache_creation_input_tokens)
            .or(wire.cache_creation_input_tokens)
            .or(by_lifetime),
        cache_write_long: long.filter(|&tokens| tokens > 0),
        output: sum(&steps, |step| step.output_tokens).or(wire.output_tokens),
        web_searches: wire.server_tool_use.and_then(|tools| tools.web_search_requests),
        reasoning: wire.output_tokens_details.and_then(|details| details.thinking_tokens),
        ..Usage::default()
    }
}

/// Takes a `usage` object out of a document that is skimmed, unless it has steps.
pub(super) fn skim(json: &mut Cursor<'_>) -> Option<Usage> {
    let mut wire = Wire::default();
    json.object::<16>(|json, name| {
        match name {
            "input_tokens" => wire.input_tokens = json.count()?,
            "cache_read_input_tokens" => wire.cache_read_input_tokens = json.count()?,
            "cache_creation_input_tokens" => wire.cache_creation_input_tokens = json.count()?,
            "output_tokens" => wire.output_tokens = json.count()?,
            "cache_creation" => wire.cache_creation = json.unless_null(skim_cache)?,
            "output_tokens_details" => {
                wire.output_tokens_details = json.unless_null(skim_output)?;
            }
            "server_tool_use" => wire.server_tool_use = json.unless_null(skim_tools)?,
            "iterations" => json.null()?,
            _ => json.pass()?,
        }
        Some(())
    })?;
    Some(counted(wire))
}

fn skim_cache(json: &mut Cursor<'_>) -> Option<CacheCreation> {
    json.counts(|split: &mut CacheCreation, name| match name {
        "ephemeral_5m_input_tokens" => Some(&mut split.ephemeral_5m_input_tokens),
        "ephemeral_1h_input_tokens" => Some(&mut split.ephemeral_1h_input_tokens),
        _ => None,
    })
}

fn skim_output(json: &mut Cursor<'_>) -> Option<OutputDetails> {
    json.counts(|details: &mut OutputDetails, name| match name {
        "thinking_tokens" => Some(&mut details.thinking_tokens),
        _ => None,
    })
}

fn skim_tools(json: &mut Cursor<'_>) -> Option<ServerTools> {
    json.counts(|tools: &mut ServerTools, name| match name {
        "web_search_requests" => Some(&mut tools.web_search_requests),
        _ => None,
    })
}

/// Adds up a number of all steps, or returns `None` if none has it.
fn sum(steps: &[Step], number: impl Fn(&Step) -> Option<u64>) -> Option<u64> {
    steps.iter().filter_map(number).reduce(u64::saturating_add)
}

/// Writes a `usage` object with all members that clients add up; what is not known is 0, because
/// the official libraries fail on a missing `output_tokens`.
pub(super) fn write(usage: &Usage, out: &mut Vec<u8>) {
    let members = [
        ("{\"input_tokens\":", usage.input),
        (",\"cache_creation_input_tokens\":", usage.cache_write),
        (",\"cache_read_input_tokens\":", usage.cache_read),
        (",\"output_tokens\":", usage.output),
    ];
    for (name, value) in members {
        out.extend_from_slice(name.as_bytes());
        json::number(value.unwrap_or(0), out);
    }
    if let Some(long) = usage.cache_write_long {
        let short = usage.cache_write.unwrap_or(0).saturating_sub(long);
        out.extend_from_slice(b",\"cache_creation\":{\"ephemeral_5m_input_tokens\":");
        json::number(short, out);
        out.extend_from_slice(b",\"ephemeral_1h_input_tokens\":");
        json::number(long, out);
        out.push(b'}');
    }
    if let Some(searches) = usage.web_searches {
        out.extend_from_slice(b",\"server_tool_use\":{\"web_search_requests\":");
        json::number(searches, out);
        out.push(b'}');
    }
    if let Some(reasoning) = usage.reasoning {
        out.extend_from_slice(b",\"output_tokens_details\":{\"thinking_tokens\":");
        json::number(reasoning, out);
        out.push(b'}');
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireFormat;
    use crate::translator::surveys::every_field;

    fn read_text(text: &str) -> Usage {
        read(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn no_member_is_forgotten_by_a_survey() {
        let reply = r#"{"content":[],"usage":{"output_tokens":4,"cache_creation":{},
            "output_tokens_details":{},"server_tool_use":{}}}"#;
        every_field::<Wire>(WireFormat::Anthropic, reply, "/usage");
        every_field::<CacheCreation>(WireFormat::Anthropic, reply, "/usage/cache_creation");
        every_field::<OutputDetails>(WireFormat::Anthropic, reply, "/usage/output_tokens_details");
        every_field::<ServerTools>(WireFormat::Anthropic, reply, "/usage/server_tool_use");
    }

    #[test]
    fn all_members_are_read_and_absent_ones_are_not_said() {
        let full = read_text(
            r#"{"input_tokens":3,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,
                "cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":0},
                "output_tokens":11,"output_tokens_details":{"thinking_tokens":2},"service_tier":"standard"}"#,
        );
        let expected = Usage {
            input: Some(3),
            cache_read: Some(7),
            cache_write: Some(5),
            output: Some(11),
            reasoning: Some(2),
            ..Usage::default()
        };
        assert_eq!(full, expected);
        assert_eq!(full.input_total(), Some(15));
        let output = Usage { output: Some(4), ..Usage::default() };
        assert_eq!(read_text(r#"{"output_tokens":4,"input_tokens":null}"#), output);
        assert_eq!(read_text(r#"{"output_tokens":"many"}"#), Usage::default());
        let split = read_text(
            r#"{"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":3}}"#,
        );
        assert_eq!((split.cache_write, split.cache_write_long), (Some(5), Some(3)));
        let steps = read_text(
            r#"{"input_tokens":3,"output_tokens":1,"iterations":[
                {"type":"compaction","input_tokens":90,"output_tokens":9},
                {"type":"message","input_tokens":3,"output_tokens":1}]}"#,
        );
        assert_eq!((steps.input, steps.output), (Some(93), Some(10)));
    }

    #[test]
    fn written_usage_reads_back() {
        let usage = Usage {
            input: Some(1),
            cache_read: Some(2),
            cache_write: Some(3),
            cache_write_long: Some(2),
            web_searches: Some(6),
            output: Some(4),
            reasoning: Some(1),
            ..Usage::default()
        };
        let mut out = Vec::new();
        write(&usage, &mut out);
        assert_eq!(read_text(std::str::from_utf8(&out).unwrap()), usage);

        out.clear();
        write(&Usage::default(), &mut out);
        let zeros = read_text(std::str::from_utf8(&out).unwrap());
        assert_eq!((zeros.input, zeros.output, zeros.reasoning), (Some(0), Some(0), None));
    }
}
