//! Sources that providers of this family name for what an answer says.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::chunk::Chunk;
use crate::event::Citation;

#[derive(Deserialize)]
struct Annotation {
    url_citation: Option<UrlCitation>,
}

#[derive(Deserialize)]
struct UrlCitation {
    url: Option<String>,
    title: Option<String>,
    /// OpenRouter.
    content: Option<String>,
    start_index: Option<u64>,
    end_index: Option<u64>,
}

#[derive(Deserialize)]
struct SearchResult {
    url: Option<String>,
    title: Option<String>,
    snippet: Option<String>,
}

/// Reads `annotations`; entries of other kinds are left out.
pub(super) fn of_annotations(raw: &RawValue) -> Vec<Citation> {
    entries(raw).into_iter().filter_map(of_annotation).collect()
}

fn of_annotation(entry: Value) -> Option<Citation> {
    let cited = serde_json::from_value::<Annotation>(entry).ok()?.url_citation?;
    let span = cited.start_index.zip(cited.end_index).filter(|(start, end)| start < end);
    Some(Citation {
        url: cited.url.filter(|url| !url.is_empty())?,
        title: cited.title.filter(|title| !title.is_empty()),
        quote: cited.content.filter(|quote| !quote.is_empty()),
        span,
        raw: None,
    })
}

/// Reads what a chunk says at its top: Perplexity's results, or else bare addresses.
pub(super) fn of_chunk(chunk: &Chunk<'_>) -> Vec<Citation> {
    let results = chunk.search_results.map(entries).unwrap_or_default();
    let results: Vec<Citation> = results.into_iter().filter_map(of_result).collect();
    if !results.is_empty() {
        return results;
    }
    let addresses = chunk.citations.map(entries).unwrap_or_default();
    let of_address = |address: Value| {
        let url = address.as_str().filter(|url| !url.is_empty())?.to_owned();
        Some(Citation { url, ..Citation::default() })
    };
    addresses.into_iter().filter_map(of_address).collect()
}

fn of_result(entry: Value) -> Option<Citation> {
    let result: SearchResult = serde_json::from_value(entry).ok()?;
    Some(Citation {
        url: result.url.filter(|url| !url.is_empty())?,
        title: result.title,
        quote: result.snippet.filter(|quote| !quote.is_empty()),
        ..Citation::default()
    })
}

/// Returns the elements of a list; what is no list has none, since sources are not worth an error.
fn entries(raw: &RawValue) -> Vec<Value> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Writes a source as an annotation for a text that begins after `before` characters of the answer and
/// has `length` of its own; `None` for a document, which this format cannot name.
pub(crate) fn annotation(citation: &Citation, before: u64, length: u64) -> Option<Value> {
    if citation.url.is_empty() {
        return None;
    }
    let (start, end) = citation.span.unwrap_or((0, length));
    Some(serde_json::json!({"type": "url_citation", "url_citation": {
        "url": citation.url,
        "title": citation.title.as_deref().unwrap_or(&citation.url),
        "start_index": before + start,
        "end_index": before + end,
    }}))
}
