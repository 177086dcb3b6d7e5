//! What is declared of every field is what the translators do, and what the documentation says.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use omniroute_wire::codec::PathModel;
use omniroute_wire::declared::{self, Declared, Fate};
use omniroute_wire::notes::Mark;
use omniroute_wire::{Codec, Notes, Target, WireError, WireFormat};
use serde_json::Value;

/// Lays the members of a sample over the shortest request.
fn request(client: WireFormat, sample: &str) -> Vec<u8> {
    let mut request: Value = serde_json::from_str(declared::base(client)).unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    for (name, value) in sample.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.to_string().into_bytes()
}

/// What a request becomes: the body and the notes, or a refusal.
fn written(
    client: &dyn Codec,
    provider: &dyn Codec,
    body: &[u8],
) -> Result<(Vec<u8>, Notes), WireError> {
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let path = (client.format() == WireFormat::Gemini).then_some(path);
    let peek = client.peek(body, path.as_ref())?;
    let request = client.read_request(body, &peek)?;
    let facts = declared::facts(provider.format());
    let mut notes = request.notes.clone();
    let written = provider.write_request(&request, &Target::new("m", &facts), &mut notes)?;
    Ok((written.body, notes))
}

fn fate(client: WireFormat, provider: WireFormat, sample: &str) -> Result<Fate, String> {
    let (client_codec, provider_codec) = (client.codec(), provider.codec());
    let plain = written(client_codec, provider_codec, &request(client, "{}")).unwrap();
    let (body, notes) = match written(client_codec, provider_codec, &request(client, sample)) {
        Ok(found) => found,
        Err(WireError::Unsupported { .. }) => return Ok(Fate::Refused),
        Err(error @ WireError::Malformed { .. }) => return Err(error.to_string()),
    };
    let has = |mark| notes.entries().iter().any(|note| note.mark == mark);
    Ok(if has(Mark::Dropped) {
        Fate::Dropped
    } else if has(Mark::Approximated) {
        Fate::Approximated
    } else if body == plain.0 {
        Fate::Nothing
    } else {
        Fate::Kept
    })
}

#[test]
fn every_field_has_the_fate_that_is_declared() {
    let mut wrong = Vec::new();
    for client in WireFormat::ALL {
        let others = WireFormat::ALL.into_iter().filter(|format| *format != client);
        let others: Vec<WireFormat> = others.collect();
        for Declared { field, sample, fates } in declared::of(client) {
            for (provider, expected) in others.iter().zip(fates) {
                let found = fate(client, *provider, sample);
                if found.as_ref() != Ok(expected) {
                    wrong.push(format!(
                        "{client} {field} at {provider}: declared {expected:?}, found {found:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} fields:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_page_in_the_documentation_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/translation.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, declared::page()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert_eq!(page, declared::page(), "run `make docs`");
}
