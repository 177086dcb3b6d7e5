//! Sources of an answer: `groundingMetadata` and `citationMetadata`, whose spans count the UTF-8 bytes of
//! the answer's whole text, and the canonical [`Citation`], whose spans count code points of one part.

use serde_json::{Map, Value, json};

use super::letters::PartLetters;
use crate::event::Citation;
use crate::json;

/// A source as the provider names it, with its span in bytes of the whole text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) citation: Citation,
    pub(super) bytes: Option<(usize, usize)>,
}

/// Reads `groundingMetadata`. Pages that no statement names count for the whole answer if none are named
/// at all.
pub(super) fn grounding(metadata: &Value) -> Vec<Found> {
    let chunks = list(metadata, "groundingChunks", "grounding_chunks");
    let source = |place: u64| {
        let chunk = chunks.get(usize::try_from(place).ok()?)?;
        let chunk = ["web", "maps", "retrievedContext", "retrieved_context"]
            .iter()
            .find_map(|kind| chunk.get(kind))?;
        Some(citation(chunk))
    };
    let mut found = Vec::new();
    for support in list(metadata, "groundingSupports", "grounding_supports") {
        let segment = support.get("segment").unwrap_or(&Value::Null);
        let indices = list(support, "groundingChunkIndices", "grounding_chunk_indices");
        for citation in indices.iter().filter_map(Value::as_u64).filter_map(source) {
            found.push(Found { citation, bytes: span(segment) });
        }
    }
    if found.is_empty() {
        let places = 0..chunks.len() as u64;
        found.extend(places.filter_map(source).map(|citation| Found { citation, bytes: None }));
    }
    found
}

/// Reads `citationMetadata`.
pub(super) fn citations(metadata: &Value) -> Vec<Found> {
    let sources = list(metadata, "citationSources", "citation_sources");
    let sources =
        if sources.is_empty() { list(metadata, "citations", "citations") } else { sources };
    let read = |source: &Value| {
        let citation = citation(source);
        let says_something = !citation.url.is_empty() || citation.title.is_some();
        says_something.then(|| Found { citation, bytes: span(source) })
    };
    sources.iter().filter_map(read).collect()
}

fn citation(source: &Value) -> Citation {
    let text = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    Citation {
        url: text("uri").unwrap_or_default(),
        title: text("title").filter(|title| !title.is_empty()),
        ..Citation::default()
    }
}

/// Returns the entries of a list under either spelling of its name; none if it is absent.
pub(super) fn list<'v>(value: &'v Value, camel: &str, snake: &str) -> &'v [Value] {
    let found = value.get(camel).or_else(|| value.get(snake));
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn span(segment: &Value) -> Option<(usize, usize)> {
    let number = |camel: &str, snake: &str| {
        let found = segment.get(camel).or_else(|| segment.get(snake))?;
        usize::try_from(found.as_u64()?).ok()
    };
    // A start of 0 is left out, like every default of protobuf JSON.
    Some((number("startIndex", "start_index").unwrap_or(0), number("endIndex", "end_index")?))
}

/// What is known of the sources of one answer that is being written.
#[derive(Default)]
pub(super) struct Sources {
    /// The whole text, to quote from it; `None` if it is not kept.
    text: Option<String>,
    parts: PartLetters,
    cites: Vec<(u32, Citation)>,
    queries: Vec<String>,
}

impl Sources {
    /// Makes those of an answer that is likely to have some: it is kept, and what they back is quoted.
    /// Else they only say where that stands.
    pub(super) fn quoting() -> Self {
        Self { text: Some(String::new()), ..Self::default() }
    }

    /// Takes visible text.
    pub(super) fn text(&mut self, part: u32, delta: &str) {
        self.parts.add(part, delta);
        if let Some(text) = &mut self.text {
            text.push_str(delta);
        }
    }

    /// Takes a source.
    pub(super) fn cite(&mut self, part: u32, citation: &Citation) {
        self.cites.push((part, citation.clone()));
    }

    /// Takes words that were searched for.
    pub(super) fn query(&mut self, query: &str) {
        self.queries.push(query.to_owned());
    }

    /// Appends `,"groundingMetadata":{…}` and `,"citationMetadata":{…}`, each if there is any.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut chunks: Vec<(&str, Value)> = Vec::new();
        let mut supports = Vec::new();
        let mut documents = Vec::new();
        for (part, citation) in &self.cites {
            let segment = self.segment(*part, citation);
            if citation.url.is_empty() {
                let mut source = segment.unwrap_or_default();
                source.shift_remove("text");
                source.extend(citation.title.iter().map(|t| ("title".to_owned(), json!(t))));
                documents.push(Value::Object(source));
                continue;
            }
            let known = chunks.iter().position(|(url, _)| *url == citation.url);
            let index = known.unwrap_or_else(|| {
                let mut web = json!({"uri": citation.url});
                if let Some(title) = &citation.title {
                    web["title"] = json!(title);
                }
                chunks.push((&citation.url, json!({"web": web})));
                chunks.len() - 1
            });
            if let Some(segment) = segment {
                supports.push(json!({"segment": segment, "groundingChunkIndices": [index]}));
            }
        }
        let mut grounding = Map::new();
        let chunks: Vec<Value> = chunks.into_iter().map(|(_, chunk)| chunk).collect();
        let queries = self.queries.iter().map(|query| json!(query)).collect();
        for (name, list) in [
            ("webSearchQueries", queries),
            ("groundingChunks", chunks),
            ("groundingSupports", supports),
        ] {
            if !list.is_empty() {
                grounding.insert(name.to_owned(), Value::Array(list));
            }
        }
        if !grounding.is_empty() {
            out.extend_from_slice(b",\"groundingMetadata\":");
            json::value(&grounding, out);
        }
        if !documents.is_empty() {
            out.extend_from_slice(b",\"citationMetadata\":");
            json::value(&json!({"citationSources": documents}), out);
        }
    }

    fn segment(&self, part: u32, citation: &Citation) -> Option<Map<String, Value>> {
        let (from, to) = citation.span.or_else(|| whole_block(citation))?;
        let (_, base, letters) = self.parts.placed().find(|(known, ..)| *known == part)?;
        let (from, to) = (base + letters.byte_of(from), base + letters.byte_of(to));
        let mut segment = Map::new();
        segment.insert("startIndex".to_owned(), json!(from));
        segment.insert("endIndex".to_owned(), json!(to));
        if let Some(text) = &self.text {
            segment.insert("text".to_owned(), json!(text.get(from..to)?));
        }
        Some(segment)
    }
}

/// Returns the span of an Anthropic source: it backs all of its block.
fn whole_block(citation: &Citation) -> Option<(u64, u64)> {
    let kind = citation.raw.as_ref()?.get("type")?.as_str()?;
    (kind == "web_search_result_location").then_some((0, u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bytes_here_and_code_points_elsewhere() {
        let mut sources = Sources::quoting();
        sources.text(0, "é is ");
        sources.text(2, "für you");
        let citation = Citation {
            url: "https://a.test".to_owned(),
            title: Some("A".to_owned()),
            span: Some((0, 3)),
            ..Citation::default()
        };
        sources.cite(2, &citation);
        let mut out = Vec::new();
        sources.write(&mut out);
        let written = String::from_utf8(out).unwrap();
        assert_eq!(
            written,
            r#","groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a.test","title":"A"}}],"groundingSupports":[{"segment":{"startIndex":6,"endIndex":10,"text":"für"},"groundingChunkIndices":[0]}]}"#
        );

        let metadata: Value =
            serde_json::from_str(written.strip_prefix(",\"groundingMetadata\":").unwrap()).unwrap();
        let found = grounding(&metadata);
        assert_eq!(found[0].bytes, Some((6, 10)));
    }
}
