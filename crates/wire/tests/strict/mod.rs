//! Checks a written stream as strictly as the official library of its format, and more.

use omniroute_wire::WireFormat;

mod chat;
mod generate;
mod messages;
mod whole;

#[path = "../../src/openai_responses/stream/writer/tests/grammar.rs"]
#[expect(dead_code, reason = "the writer's own tests look closer at what was checked")]
mod responses;

pub(crate) use whole::check_whole;

/// Fails if a client of this format would stumble over the stream.
pub(crate) fn check(client: WireFormat, text: &str) {
    match client {
        WireFormat::OpenAiChat => chat::check(text),
        WireFormat::OpenAiResponses => drop(responses::checked(text)),
        WireFormat::Anthropic => messages::check(text),
        WireFormat::Gemini => generate::check(text),
    }
}
