//! Sources of an answer's text, both ways.

use serde_json::{Value, json};

use crate::event::Citation;

/// Reads a citation. What is no place on the web keeps its own form.
pub(super) fn read(raw: Value) -> Citation {
    let text = |member: &str| raw[member].as_str().map(str::to_owned);
    let url = match raw["type"].as_str() {
        Some("web_search_result_location") => text("url").unwrap_or_default(),
        _ => String::new(),
    };
    let title = text("title").or_else(|| text("document_title"));
    Citation { url, title, quote: text("cited_text"), span: None, raw: Some(raw) }
}

/// Writes a citation, or nothing if it has no form here.
pub(super) fn write(citation: &Citation) -> Option<Value> {
    let is_own =
        |raw: &&Value| raw["type"].as_str().is_some_and(|kind| kind.ends_with("_location"));
    if let Some(raw) = citation.raw.as_ref().filter(is_own) {
        return Some(raw.clone());
    }
    (!citation.url.is_empty()).then(|| {
        json!({
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.quote.as_deref().unwrap_or_default(),
            "encrypted_index": "",
        })
    })
}
