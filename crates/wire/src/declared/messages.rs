//! Requests of Messages clients, at Chat Completions, Responses and `generateContent`.

use super::Fate::{Approximated as A, Dropped as D, Kept as K, Nothing as N, Refused as R};
use super::{Declared, Fate};

const fn field(field: &'static str, sample: &'static str, fates: [Fate; 3]) -> Declared {
    Declared { field, sample, fates }
}

pub(super) const FIELDS: &[Declared] = &[
    field(
        "`system` blocks",
        r#"{"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
        [K, K, K],
    ),
    field(
        "`role: system` inside",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"system","content":"s"}]}"#,
        [K, K, A],
    ),
    field("`max_tokens`", r#"{"max_tokens":50}"#, [K, K, K]),
    field("`max_tokens: 0`", r#"{"max_tokens":0}"#, [R, R, R]),
    field(
        "`image`, base64",
        r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}"#,
        [K, K, K],
    ),
    field(
        "`image`, web address",
        r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}]}"#,
        [K, K, R],
    ),
    field(
        "`image`, stored",
        r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file_1"}}]}]}"#,
        [R, R, R],
    ),
    field(
        "`document`, PDF",
        r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]}]}"#,
        [K, K, K],
    ),
    field(
        "`document`, web address",
        r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}]}]}"#,
        [R, K, R],
    ),
    field(
        "`document`, text; `title`, `context`",
        r#"{"messages":[{"role":"user","content":[{"type":"document","title":"t","source":{"type":"text","media_type":"text/plain","data":"words"}}]}]}"#,
        [A, A, A],
    ),
    field(
        "`citations.enabled`",
        r#"{"messages":[{"role":"user","content":[{"type":"document","citations":{"enabled":true},"source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]}]}"#,
        [D, D, D],
    ),
    field(
        "`search_result`",
        r#"{"messages":[{"role":"user","content":[{"type":"search_result","source":"https://example.com","title":"t","content":[{"type":"text","text":"words"}]}]}]}"#,
        [A, A, A],
    ),
    field(
        "`tool_use`, `tool_result`",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#,
        [K, K, A],
    ),
    field(
        "`tool_result` with media",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#,
        [A, K, A],
    ),
    field(
        "`tool_result`, `is_error`",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"bad","is_error":true}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#,
        [A, A, A],
    ),
    field(
        "`thinking` of Claude in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"ho"}]},{"role":"user","content":"why"}]}"#,
        [D, D, D],
    ),
    field(
        "`redacted_thinking` in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"redacted_thinking","data":"c2ln"},{"type":"text","text":"ho"}]},{"role":"user","content":"why"}]}"#,
        [D, D, D],
    ),
    field(
        "web search and its results in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","title":"t","url":"https://example.com","encrypted_content":"e"}]},{"type":"text","text":"ho"}]},{"role":"user","content":"why"}]}"#,
        [A, A, A],
    ),
    field(
        "`mcp_tool_use` in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"mcp_tool_use","id":"m","name":"f","server_name":"s","input":{}}]},{"role":"user","content":"why"}]}"#,
        [R, R, R],
    ),
    field(
        "`tools`, client-run",
        r#"{"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"string"}}}}]}"#,
        [K, K, K],
    ),
    field(
        "`tools`, `strict`",
        r#"{"tools":[{"name":"f","strict":true,"input_schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}]}"#,
        [K, K, A],
    ),
    field(
        "bash, text editor and memory tools",
        r#"{"tools":[{"type":"bash_20250124","name":"bash"}]}"#,
        [A, A, A],
    ),
    field(
        "`web_search` tool alone",
        r#"{"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
        [R, A, A],
    ),
    field(
        "other server tools",
        r#"{"tools":[{"type":"code_execution_20250825","name":"code_execution"}]}"#,
        [R, R, R],
    ),
    field(
        "`tool_choice`",
        r#"{"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f"}}"#,
        [K, K, K],
    ),
    field(
        "`disable_parallel_tool_use`",
        r#"{"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}"#,
        [K, K, D],
    ),
    field(
        "`thinking`, budget",
        r#"{"max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":8192}}"#,
        [A, A, A],
    ),
    field("`thinking`, adaptive", r#"{"thinking":{"type":"adaptive"}}"#, [N, N, K]),
    field("`thinking`, disabled", r#"{"thinking":{"type":"disabled"}}"#, [K, K, A]),
    field(
        "`thinking.display: omitted`",
        r#"{"thinking":{"type":"adaptive","display":"omitted"}}"#,
        [N, N, N],
    ),
    field("`output_config.effort`", r#"{"output_config":{"effort":"high"}}"#, [K, K, K]),
    field(
        "`output_config.format`",
        r#"{"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}}"#,
        [K, K, K],
    ),
    field("`temperature`, `top_p`", r#"{"temperature":0.5}"#, [K, K, K]),
    field("`top_k`", r#"{"top_k":5}"#, [D, D, K]),
    field("`stop_sequences`", r#"{"stop_sequences":["x"]}"#, [K, A, K]),
    field(
        "`cache_control`",
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}"#,
        [N, N, D],
    ),
    field("`metadata.user_id`", r#"{"metadata":{"user_id":"u"}}"#, [K, K, D]),
    field("`service_tier`", r#"{"service_tier":"standard_only"}"#, [K, K, K]),
    field("`container`", r#"{"container":"c"}"#, [D, D, D]),
    field(
        "`mcp_servers`",
        r#"{"mcp_servers":[{"type":"url","url":"https://example.com","name":"s"}]}"#,
        [R, R, R],
    ),
    field("`context_management`", r#"{"context_management":{"edits":[]}}"#, [D, D, D]),
    field(
        "assistant prefill",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}"#,
        [A, A, R],
    ),
    field("unknown members", r#"{"made_up":1}"#, [D, D, D]),
];
