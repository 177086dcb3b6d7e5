//! Tools that the vendor declares and the client runs, as plain functions of their documented input.

/// A tool as other models must be told of it; Claude knows it by heart.
#[derive(Debug)]
pub(super) struct RunByClient {
    pub(super) description: &'static str,
    /// JSON Schema of the input.
    pub(super) schema: &'static str,
}

const BASH: RunByClient = RunByClient {
    description: "Runs a command in a bash shell that lasts for the whole conversation and returns what it prints.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","description":"The command to run. Required unless the shell is restarted."},"restart":{"type":"boolean","description":"Starts the shell anew instead of running a command."}}}"#,
};

const TEXT_EDITOR: RunByClient = RunByClient {
    description: "Views, creates and edits text files.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert"]},"path":{"type":"string","description":"Path of the file, or of a directory to view."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: the first and last line, from 1; -1 for the end."},"file_text":{"type":"string","description":"For `create`: the content."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace, which must occur once."},"new_str":{"type":"string","description":"For `str_replace`: the new text."},"insert_line":{"type":"integer","description":"For `insert`: the line behind which to insert; 0 for the beginning."},"insert_text":{"type":"string","description":"For `insert`: the text."}},"required":["command","path"]}"#,
};

/// Editors from before July 2025, which can take back an edit and insert what `new_str` says.
const OLD_TEXT_EDITOR: RunByClient = RunByClient {
    description: "Views, creates and edits text files, and takes edits back.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","undo_edit"]},"path":{"type":"string","description":"Path of the file, or of a directory to view."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: the first and last line, from 1; -1 for the end."},"file_text":{"type":"string","description":"For `create`: the content."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace, which must occur once."},"new_str":{"type":"string","description":"For `str_replace` and `insert`: the new text."},"insert_line":{"type":"integer","description":"For `insert`: the line behind which to insert; 0 for the beginning."}},"required":["command","path"]}"#,
};

const MEMORY: RunByClient = RunByClient {
    description: "Keeps notes between conversations as files below /memories. Look there before you begin a task, and write down what is worth remembering.",
    schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string","description":"Path of the file or directory, below /memories."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: the first and last line, from 1."},"file_text":{"type":"string","description":"For `create`: the content."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace, which must occur once."},"new_str":{"type":"string","description":"For `str_replace`: the new text."},"insert_line":{"type":"integer","description":"For `insert`: the line behind which to insert; 0 for the beginning."},"insert_text":{"type":"string","description":"For `insert`: the text."},"old_path":{"type":"string","description":"For `rename`: the path now."},"new_path":{"type":"string","description":"For `rename`: the new path."}},"required":["command"]}"#,
};

/// Returns a tool that the client runs by its declared type, or `None` if the vendor runs it or nobody
/// has documented its input.
pub(super) fn run_by_client(kind: &str) -> Option<&'static RunByClient> {
    const OLD_EDITORS: [&str; 2] = ["text_editor_20241022", "text_editor_20250124"];
    if kind.starts_with("bash_") {
        return Some(&BASH);
    }
    if OLD_EDITORS.contains(&kind) {
        return Some(&OLD_TEXT_EDITOR);
    }
    if kind.starts_with("text_editor_") {
        return Some(&TEXT_EDITOR);
    }
    kind.starts_with("memory_").then_some(&MEMORY)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_tool_that_the_client_runs_has_a_schema() {
        let check = |kind: &str, member: &str| {
            let schema: Value = serde_json::from_str(run_by_client(kind).unwrap().schema).unwrap();
            assert!(!schema["properties"][member].is_null(), "{kind}");
        };
        check("bash_20250124", "restart");
        check("text_editor_20250728", "insert_text");
        check("text_editor_20250124", "new_str");
        check("memory_20250818", "old_path");
        for kind in ["web_search_20250305", "computer_20250124", "code_execution_20250825"] {
            assert!(run_by_client(kind).is_none(), "{kind}");
        }
    }
}
