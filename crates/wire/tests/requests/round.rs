//! There and back again: what is declared as kept is what the client's own format says after a detour.

use std::collections::HashSet;

use omniroute_wire::chat::{
    ChatRequest, Delivery, Opaque, OutputFormat, Part, PartKind, Role, ToolChoice,
};
use omniroute_wire::declared::{self, Declared, Fate};
use omniroute_wire::{Notes, WireFormat};
use serde_json::{Value, json};

use super::{read, write};

/// Kept on the way there and refused on the way back: OpenAI's Chat speaks to OpenAI's Responses, but not
/// every provider of Chat is OpenAI.
const ONE_WAY: [&str; 1] = ["`file`, stored"];

/// Lays the members of a sample over the shortest request.
fn request(client: WireFormat, sample: &str) -> Vec<u8> {
    let mut request: Value = serde_json::from_str(declared::base(client)).unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    for (name, value) in sample.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.to_string().into_bytes()
}

/// Everything a request says, in words that do not depend on its format: `asked` is the client's own
/// request, `between` what the other format could say of it.
fn said(mut request: ChatRequest, asked: &ChatRequest, between: &ChatRequest) -> String {
    request.origin = None;
    request.extra.clear();
    request.notes = Notes::default();
    request.delivery = Delivery::default();
    // Defaults that a format demands.
    if asked.max_output_tokens.is_none() {
        request.max_output_tokens = None;
    }
    if asked.reasoning.show.is_none() || between.reasoning.show != asked.reasoning.show {
        request.reasoning.show = None;
    }
    if request.tool_choice == ToolChoice::Auto {
        request.tool_choice = ToolChoice::NotSaid;
    }
    for tool in &mut request.tools {
        let schema = tool.schema.take().map_or(json!(null), |json| json!(json));
        let schema =
            if schema.is_null() { json!({"type": "object", "properties": {}}) } else { schema };
        tool.schema = serde_json::from_str(&schema.to_string()).unwrap();
        tool.strict = tool.strict.filter(|strict| *strict);
    }
    // Sent as a hash, which has no way back.
    request.end_user = request.end_user.map(|_| "somebody".to_owned());
    if let OutputFormat::JsonSchema { name, strict, schema, .. } = &mut request.output {
        let is_openai =
            matches!(between.origin, Some(WireFormat::OpenAiChat | WireFormat::OpenAiResponses));
        if !is_openai || name.as_deref() == Some("response") {
            (*name, *strict) = (None, None);
        }
        let mut closed: Value = serde_json::from_str(schema.get()).unwrap();
        closed["additionalProperties"] = json!(false);
        *schema = serde_json::from_str(&closed.to_string()).unwrap();
    }
    for turn in &mut request.turns {
        if turn.role == Role::Developer {
            turn.role = Role::System;
        }
        turn.parts.iter_mut().for_each(plain);
    }
    format!("{request:#?}")
}

/// Takes from a part what a format adds of its own accord.
fn plain(part: &mut Part) {
    let is_made = |data: &Opaque| data.data == "skip_thought_signature_validator";
    part.opaque = part.opaque.take().filter(|data| !is_made(data));
    match &mut part.kind {
        PartKind::Image(media) | PartKind::Document(media) => {
            media.name = None;
        }
        PartKind::ToolResult { is_error, name, parts, .. } => {
            *is_error = is_error.filter(|is_error| *is_error);
            *name = None;
            parts.iter_mut().for_each(plain);
        }
        _ => {}
    }
}

/// Returns the lines that are in one of two texts only.
fn difference(before: &str, after: &str) -> String {
    let missing = |of: &str, from: &str, sign: &str| {
        let known: HashSet<&str> = from.lines().collect();
        let lines = of.lines().filter(|line| !known.contains(line));
        lines.map(|line| format!("  {sign} {}\n", line.trim())).collect::<String>()
    };
    missing(before, after, "-") + &missing(after, before, "+")
}

#[test]
fn what_is_kept_survives_a_detour() {
    let mut wrong = Vec::new();
    for (client, target) in super::pairs() {
        let others = WireFormat::ALL.into_iter().filter(|format| *format != client.format());
        let place = others.into_iter().position(|format| format == target.format()).unwrap();
        for Declared { field, sample, fates } in declared::of(client.format()) {
            if fates[place] != Fate::Kept || ONE_WAY.contains(field) {
                continue;
            }
            let asked = read(client, &request(client.format(), sample)).unwrap();
            let there = write(target, &asked).unwrap();
            let between = read(target, there.as_bytes()).unwrap();
            let back = write(client, &between).unwrap();
            let last = read(client, back.as_bytes()).unwrap();
            let said = |request: &ChatRequest| said(request.clone(), &asked, &between);
            let difference = difference(&said(&asked), &said(&last));
            if !difference.is_empty() {
                let pair = format!("{} {field} by {}", client.format(), target.format());
                wrong.push(format!("{pair}:\n{there}\n{back}\n{difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} fields:\n{}", wrong.len(), wrong.join("\n"));
}
