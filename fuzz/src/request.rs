//! Requests: whatever is read is written for every format, or refused with a sentence; what is plain at a look
//! is plain when it is read.

#![no_main]

#[expect(dead_code, reason = "no target needs all of it")]
mod kit;

use libfuzzer_sys::fuzz_target;
use omniroute_wire::chat::{Part, PartKind, ReasoningAmount, Tool};
use omniroute_wire::codec::PathModel;
use omniroute_wire::skim::{BRINGS_IN, Outline};
use omniroute_wire::{ChatRequest, ModelFacts, Notes, Target, envelope};

/// Tells whether a request has nothing that a budget must know but what its outline says.
fn is_plain(request: &ChatRequest, outline: Outline) -> bool {
    let thinking = match request.reasoning.amount {
        ReasoningAmount::Budget(tokens) => tokens,
        _ => 0,
    };
    let said = Outline {
        max_output_tokens: request.max_output_tokens,
        thinking_tokens: thinking,
        answers: u64::from(request.sampling.n.unwrap_or(1).max(1)),
    };
    let inner = |part: &Part| match &part.kind {
        PartKind::ToolResult { parts, .. } => parts.iter().all(is_text),
        _ => is_text(part),
    };
    said == outline
        && request.audio.is_none()
        && !request.wants_images
        && request.tools.iter().all(Tool::is_clients)
        && !BRINGS_IN.iter().any(|name| request.extra.contains_key(*name))
        && request.turns.iter().flat_map(|turn| &turn.parts).all(inner)
}

fn is_text(part: &Part) -> bool {
    matches!(
        part.kind,
        PartKind::Text(_) | PartKind::Reasoning(_) | PartKind::Refusal(_) | PartKind::ToolCall { .. }
    )
}

fuzz_target!(|data: &[u8]| {
    let Some((client, body)) = kit::format(data) else { return };
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let Ok(peek) = client.peek(body, Some(&path)) else { return };
    let Ok(mut request) = client.read_request(body, &peek) else { return };
    if let Some(outline) = peek.outline {
        assert!(is_plain(&request, outline), "{outline:?}: {}", String::from_utf8_lossy(body));
    }
    envelope::open_all(&mut request, &[]);
    for target in kit::codecs() {
        let facts = ModelFacts::default();
        let mut notes = Notes::default();
        let written = target.write_request(&request, &Target::new("m", &facts), &mut notes);
        let Ok(written) = written else { continue };
        let peek = target.peek(&written.body, Some(&path)).expect("what was written is a request");
        let again = target.read_request(&written.body, &peek);
        assert!(again.is_ok(), "{again:?}: {}", String::from_utf8_lossy(&written.body));
    }
});
