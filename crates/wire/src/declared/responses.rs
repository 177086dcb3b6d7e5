//! Requests of Responses clients, at Chat Completions, Messages and `generateContent`.

use super::Fate::{Approximated as A, Dropped as D, Kept as K, Nothing as N, Refused as R};
use super::{Declared, Fate};

const fn field(field: &'static str, sample: &'static str, fates: [Fate; 3]) -> Declared {
    Declared { field, sample, fates }
}

pub(super) const FIELDS: &[Declared] = &[
    field("`instructions`", r#"{"instructions":"s"}"#, [K, K, K]),
    field("`previous_response_id`", r#"{"previous_response_id":"resp_1"}"#, [R, R, R]),
    field("`conversation`", r#"{"conversation":"conv_1"}"#, [R, R, R]),
    field("`prompt`", r#"{"prompt":{"id":"pmpt_1"}}"#, [R, R, R]),
    field(
        "`item_reference` items",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"item_reference","id":"msg_1"}]}"#,
        [R, R, R],
    ),
    field("`store`", r#"{"store":true}"#, [N, N, N]),
    field("`background: true`", r#"{"background":true}"#, [R, R, R]),
    field("`truncation: auto`", r#"{"truncation":"auto"}"#, [D, D, D]),
    field("`context_management`", r#"{"context_management":[{"type":"compaction"}]}"#, [D, D, D]),
    field("`max_tool_calls`", r#"{"max_tool_calls":3}"#, [D, D, D]),
    field(
        "message items, with and without `type`",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ho"}]},{"role":"user","content":[{"type":"input_text","text":"why"}]}]}"#,
        [K, K, K],
    ),
    field(
        "`developer` message later",
        r#"{"input":[{"role":"user","content":"hi"},{"role":"developer","content":"s"}]}"#,
        [K, K, A],
    ),
    field(
        "`phase`",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"message","role":"assistant","phase":"commentary","content":[{"type":"output_text","text":"ho"}]},{"role":"user","content":"why"}]}"#,
        [K, K, K],
    ),
    field(
        "`input_image`, data",
        r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo="}]}]}"#,
        [K, K, K],
    ),
    field(
        "`input_image`, web address",
        r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png"}]}]}"#,
        [K, K, R],
    ),
    field(
        "`input_image`, stored",
        r#"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}]}"#,
        [R, R, R],
    ),
    field(
        "`input_file`, data",
        r#"{"input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}]}]}"#,
        [K, K, K],
    ),
    field(
        "`input_file`, web address",
        r#"{"input":[{"role":"user","content":[{"type":"input_file","file_url":"https://example.com/a.pdf"}]}]}"#,
        [R, K, R],
    ),
    field(
        "`input_file`, stored",
        r#"{"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}"#,
        [R, R, R],
    ),
    field(
        "`function_call` and its output",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"ok"}],"tools":[{"type":"function","name":"f","parameters":null,"strict":false}]}"#,
        [K, K, A],
    ),
    field(
        "output with media",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":[{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo="}]}],"tools":[{"type":"function","name":"f","parameters":null,"strict":false}]}"#,
        [A, K, A],
    ),
    field(
        "`custom_tool_call` and its output",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"custom_tool_call","call_id":"call_1","name":"f","input":"x"},{"type":"custom_tool_call_output","call_id":"call_1","output":"ok"}],"tools":[{"type":"custom","name":"f"}]}"#,
        [A, A, A],
    ),
    field(
        "`reasoning` items of another vendor",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"Z0E="},{"role":"assistant","content":"ho"},{"role":"user","content":"why"}]}"#,
        [D, D, D],
    ),
    field(
        "hosted items in the history",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}},{"role":"assistant","content":"ho"},{"role":"user","content":"why"}]}"#,
        [D, D, D],
    ),
    field(
        "`computer_call`, `shell_call`, `apply_patch_call`",
        r#"{"input":[{"role":"user","content":"hi"},{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}}]}"#,
        [R, R, R],
    ),
    field(
        "`compaction` items",
        r#"{"input":[{"type":"compaction","encrypted_content":"Z0E="},{"role":"user","content":"hi"}]}"#,
        [R, R, R],
    ),
    field(
        "`additional_tools` items",
        r#"{"input":[{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"f","parameters":null,"strict":false}]},{"role":"user","content":"hi"}]}"#,
        [K, K, K],
    ),
    field(
        "`tools`, functions",
        r#"{"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}}},"strict":false}]}"#,
        [K, K, K],
    ),
    field(
        "`tools`, functions, `strict`",
        r#"{"tools":[{"type":"function","name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}]}"#,
        [K, K, A],
    ),
    field("`tools`, custom", r#"{"tools":[{"type":"custom","name":"f"}]}"#, [A, A, A]),
    field("`web_search` tool alone", r#"{"tools":[{"type":"web_search"}]}"#, [R, A, A]),
    field(
        "`web_search` tool beside functions",
        r#"{"tools":[{"type":"web_search"},{"type":"function","name":"f","parameters":null,"strict":false}]}"#,
        [D, A, A],
    ),
    field(
        "other hosted tools, `mcp`",
        r#"{"tools":[{"type":"mcp","server_label":"s","server_url":"https://example.com"}]}"#,
        [R, R, R],
    ),
    field(
        "`tool_choice` `none`, `required`, one",
        r#"{"tools":[{"type":"function","name":"f","parameters":null,"strict":false}],"tool_choice":{"type":"function","name":"f"}}"#,
        [K, K, K],
    ),
    field(
        "`tool_choice` `allowed_tools`",
        r#"{"tools":[{"type":"function","name":"f","parameters":null,"strict":false},{"type":"function","name":"g","parameters":null,"strict":false}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}}"#,
        [K, A, A],
    ),
    field(
        "`parallel_tool_calls: false`",
        r#"{"tools":[{"type":"function","name":"f","parameters":null,"strict":false}],"parallel_tool_calls":false}"#,
        [K, K, D],
    ),
    field(
        "`text.format` `json_object`",
        r#"{"text":{"format":{"type":"json_object"}}}"#,
        [K, A, K],
    ),
    field(
        "`text.format` `json_schema`",
        r#"{"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}}"#,
        [K, K, K],
    ),
    field("`text.verbosity`", r#"{"text":{"verbosity":"low"}}"#, [K, D, D]),
    field("`reasoning.effort`", r#"{"reasoning":{"effort":"high"}}"#, [K, K, K]),
    field("`reasoning.summary`", r#"{"reasoning":{"summary":"auto"}}"#, [N, K, K]),
    field("`max_output_tokens`", r#"{"max_output_tokens":50}"#, [K, K, K]),
    field("`temperature`, `top_p`", r#"{"temperature":0.5}"#, [K, K, K]),
    field(
        "`top_logprobs`, `include` of log probabilities",
        r#"{"top_logprobs":2,"include":["message.output_text.logprobs"]}"#,
        [K, D, K],
    ),
    field(
        "`include` of encrypted reasoning",
        r#"{"include":["reasoning.encrypted_content"]}"#,
        [N, N, N],
    ),
    field("other `include`", r#"{"include":["web_search_call.action.sources"]}"#, [D, D, D]),
    field("`safety_identifier`, `user`", r#"{"safety_identifier":"u"}"#, [K, K, D]),
    field("`prompt_cache_key`", r#"{"prompt_cache_key":"k"}"#, [K, N, N]),
    field("`metadata`", r#"{"metadata":{"a":"b"}}"#, [K, D, D]),
    field("`service_tier` `priority`", r#"{"service_tier":"priority"}"#, [K, D, K]),
    field("unknown members", r#"{"made_up":1}"#, [D, D, D]),
];
