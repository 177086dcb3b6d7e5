//! Web searches of other vendors, as blocks of this format.

use serde_json::{Value, json};

use crate::event::Citation;
use crate::ids;

/// Returns the call and the result of a search that tells its sources; one that tells none has nothing
/// to show.
///
/// The sources stand where OpenAI has them, in `action.sources`.
pub(super) fn blocks(raw: &Value, query: Option<&str>, reply_id: &str) -> Option<[Value; 2]> {
    let query = query?;
    let sources = raw["action"]["sources"].as_array()?;
    let found = |source: &Value| Some(result(source["url"].as_str()?, source["title"].as_str()));
    let results: Vec<Value> = sources.iter().filter_map(found).collect();
    let seed = format!("{reply_id}/{}", raw["id"].as_str().unwrap_or_default());
    search(query, results, &seed)
}

/// Returns the same for sources that came when no text was left for them to stand at; of documents, which
/// no search finds, nothing.
pub(super) fn late(sources: &[Citation], reply_id: &str) -> Option<[Value; 2]> {
    let on_the_web = sources.iter().filter(|source| !source.url.is_empty());
    let results = on_the_web.map(|source| result(&source.url, source.title.as_deref())).collect();
    search("", results, &format!("{reply_id}/sources"))
}

fn result(url: &str, title: Option<&str>) -> Value {
    json!({
        "type": "web_search_result",
        "url": url,
        "title": title.unwrap_or(url),
        "encrypted_content": "",
        "page_age": null,
    })
}

fn search(query: &str, results: Vec<Value>, seed: &str) -> Option<[Value; 2]> {
    if results.is_empty() {
        return None;
    }
    let id = ids::made("srvtoolu_", seed, 0);
    Some([
        json!({
            "type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": query},
        }),
        json!({"type": "web_search_tool_result", "tool_use_id": id, "content": results}),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_shown_with_its_sources_or_not_at_all() {
        let call = |sources: Value| json!({"type": "web_search_call", "id": "ws_1", "action": {"sources": sources}});
        let told = call(json!([{"type": "url", "url": "https://a"}]));
        let [search, result] = blocks(&told, Some("boats"), "r").unwrap();
        assert_eq!(search["input"], json!({"query": "boats"}));
        assert_eq!(search["id"], result["tool_use_id"]);
        assert_eq!(result["content"][0]["url"], "https://a");

        assert_eq!(blocks(&told, None, "r"), None);
        assert_eq!(blocks(&call(json!([])), Some("boats"), "r"), None);
        assert_eq!(blocks(&call(Value::Null), Some("boats"), "r"), None);
    }
}
