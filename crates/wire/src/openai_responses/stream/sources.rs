//! Sources of a text: this format's `annotations` as [`Citation`]s.

use serde_json::Value;

use super::wire::string;
use crate::event::Citation;

/// Reads one annotation. Files are named by their title; their ids are only in `raw`.
pub(super) fn citation(annotation: &Value) -> Citation {
    // Chat nests the members; some providers carry that over.
    let members = annotation.get("url_citation").unwrap_or(annotation);
    let title = [string(members, "title"), string(members, "filename")];
    let offset = |name: &str| members.get(name).and_then(Value::as_u64);
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Citation {
        url: string(members, "url").to_owned(),
        title: title.into_iter().find_map(said),
        quote: said(string(members, "quote")),
        span: offset("start_index").zip(offset("end_index")),
        raw: Some(annotation.clone()),
    }
}
