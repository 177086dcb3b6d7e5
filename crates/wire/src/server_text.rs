//! What a vendor's own tool gave, in words: other vendors have no place for such parts.

use serde_json::Value;

use crate::field_names::Field;
use crate::writing::Writing;

/// Returns what a part of another vendor's own tool says, and notes what became of it. `None` if it says
/// nothing that can be read: calls, and what is encrypted.
pub(crate) fn server_text(raw: &str, writing: &mut Writing<'_, '_>) -> Option<String> {
    let part: Value = serde_json::from_str(raw).unwrap_or_default();
    let text = text_of(&part);
    if text.is_some() {
        writing.approximate(Field::SERVER_PARTS, "what another vendor's tool gave is sent as text");
    } else if is_call(&part) {
        writing
            .approximate(Field::SERVER_PARTS, "of another vendor's tool only its results are sent");
    } else {
        writing.drop(Field::SERVER_PARTS, "what another vendor's own tools did cannot be sent");
    }
    text
}

/// Tells whether the part is a call whose result is another part.
fn is_call(part: &Value) -> bool {
    part["type"] == "server_tool_use" || part["toolCall"].is_object()
}

fn text_of(part: &Value) -> Option<String> {
    if let Some(code) = part.pointer("/executableCode/code").and_then(Value::as_str) {
        return Some(format!("```\n{}\n```", code.trim_end()));
    }
    if let Some(output) = part.pointer("/codeExecutionResult/output").and_then(Value::as_str) {
        return Some(output.to_owned()).filter(|text| !text.is_empty());
    }
    if let Some(given) = part.pointer("/toolResponse/response").filter(|given| !given.is_null()) {
        return Some(given.to_string());
    }
    if !part["type"].as_str().is_some_and(|kind| kind.ends_with("_result")) {
        return None;
    }
    let mut lines = Vec::new();
    gather(&part["content"], &mut lines);
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Gathers what can be read: sources by title and address, texts, what programs printed.
fn gather(value: &Value, lines: &mut Vec<String>) {
    if let Value::String(text) = value {
        lines.push(text.clone());
    }
    for entry in value.as_array().into_iter().flatten() {
        gather(entry, lines);
    }
    if !value.is_object() {
        return;
    }
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
    let source: Vec<&str> = [text("title"), text("url")].into_iter().flatten().collect();
    if !source.is_empty() {
        lines.push(source.join(": "));
    }
    let printed = [text("text"), text("stdout"), text("stderr")];
    // The bytes of other documents than plain texts are base64.
    let data = text("data").filter(|_| value["type"] == "text");
    lines.extend(printed.into_iter().chain([data]).flatten().map(str::to_owned));
    gather(&value["content"], lines);
    gather(&value["source"], lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_and_calls_are_not() {
        let check = |raw: &str, expected: Option<&str>| {
            let part = serde_json::from_str(raw).unwrap();
            assert_eq!(text_of(&part).as_deref(), expected, "{raw}");
        };
        check(
            r#"{"type":"web_search_tool_result","content":[
                {"type":"web_search_result","title":"Boats","url":"https://b","encrypted_content":"x"},
                {"type":"web_search_result","url":"https://c"}]}"#,
            Some("Boats: https://b\nhttps://c"),
        );
        check(
            r#"{"type":"code_execution_tool_result","content":{"stdout":"1","stderr":"oh"}}"#,
            Some("1\noh"),
        );
        check(
            r#"{"type":"web_fetch_tool_result","content":{"url":"https://b","content":
                {"type":"document","source":{"type":"text","data":"all of it"}}}}"#,
            Some("https://b\nall of it"),
        );
        check(
            r#"{"type":"web_fetch_tool_result","content":{"content":
                {"source":{"type":"base64","data":"JVBE"}}}}"#,
            None,
        );
        check(r#"{"executableCode":{"code":"1+1\n"}}"#, Some("```\n1+1\n```"));
        check(r#"{"codeExecutionResult":{"output":"2"}}"#, Some("2"));
        check(
            r#"{"toolResponse":{"toolType":"GOOGLE_MAPS","response":{"n":1}}}"#,
            Some(r#"{"n":1}"#),
        );
        check(r#"{"type":"server_tool_use","input":{"query":"boats"}}"#, None);
    }
}
