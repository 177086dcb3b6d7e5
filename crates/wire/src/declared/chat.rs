//! Requests of Chat Completions clients, at Responses, Messages and `generateContent`.

use super::Fate::{Approximated as A, Dropped as D, Kept as K, Nothing as N, Refused as R};
use super::{Declared, Fate};

const fn field(field: &'static str, sample: &'static str, fates: [Fate; 3]) -> Declared {
    Declared { field, sample, fates }
}

pub(super) const FIELDS: &[Declared] = &[
    field(
        "`system` message first",
        r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}]}"#,
        [K, K, K],
    ),
    field(
        "`developer` message first",
        r#"{"messages":[{"role":"developer","content":"s"},{"role":"user","content":"hi"}]}"#,
        [K, K, K],
    ),
    field(
        "`system` message later",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"system","content":"s"}]}"#,
        [K, K, A],
    ),
    field(
        "`messages[].name`",
        r#"{"messages":[{"role":"user","content":"hi","name":"ann"}]}"#,
        [D, D, D],
    ),
    field(
        "text parts",
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"text","text":"there"}]}]}"#,
        [K, K, K],
    ),
    field(
        "`image_url`, data",
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}]}"#,
        [K, K, K],
    ),
    field(
        "`image_url`, web address",
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}"#,
        [K, K, R],
    ),
    field(
        "`input_audio`",
        r#"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}]}"#,
        [R, R, K],
    ),
    field(
        "`file`, data",
        r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}]}"#,
        [K, K, K],
    ),
    field(
        "`file`, stored",
        r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#,
        [K, R, R],
    ),
    field(
        "`cache_control` of a part",
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}"#,
        [N, K, D],
    ),
    field(
        "`tool_calls`, `tool` messages",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"call_1","content":"ok"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#,
        [K, K, A],
    ),
    field(
        "`arguments` that are no JSON",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]},{"role":"tool","tool_call_id":"call_1","content":"ok"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#,
        [K, A, A],
    ),
    field(
        "`function_call`, role `function`",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"ok"}],"functions":[{"name":"f","parameters":{"type":"object","properties":{}}}]}"#,
        [K, K, A],
    ),
    field(
        "`refusal` in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"refusal":"no"},{"role":"user","content":"why"}]}"#,
        [K, A, A],
    ),
    field(
        "`audio` in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","audio":{"id":"audio_1"}},{"role":"user","content":"why"}]}"#,
        [R, R, R],
    ),
    field(
        "`reasoning_content` in the history",
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho","reasoning_content":"hm"},{"role":"user","content":"why"}]}"#,
        [D, D, D],
    ),
    field(
        "`tools`, functions",
        r#"{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}]}"#,
        [K, K, K],
    ),
    field(
        "`tools`, functions, `strict`",
        r#"{"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}]}"#,
        [K, K, A],
    ),
    field(
        "`tools`, custom",
        r#"{"tools":[{"type":"custom","custom":{"name":"f","description":"d"}}]}"#,
        [K, A, A],
    ),
    field(
        "`tool_choice` `none`, `required`, one",
        r#"{"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
        [K, K, K],
    ),
    field(
        "`tool_choice` `allowed_tools`, `auto`",
        r#"{"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}}"#,
        [K, A, A],
    ),
    field(
        "`tool_choice` `allowed_tools`, `required`",
        r#"{"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"h"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]}}}"#,
        [K, A, K],
    ),
    field(
        "`parallel_tool_calls: false`",
        r#"{"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false}"#,
        [K, K, D],
    ),
    field(
        "`response_format` `json_object`",
        r#"{"response_format":{"type":"json_object"}}"#,
        [K, A, K],
    ),
    field(
        "`response_format` `json_schema`",
        r#"{"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}}"#,
        [K, K, K],
    ),
    field("`max_completion_tokens`", r#"{"max_completion_tokens":50}"#, [K, K, K]),
    field("`temperature` to 1", r#"{"temperature":0.5}"#, [K, K, K]),
    field("`temperature` above 1", r#"{"temperature":1.5}"#, [K, A, K]),
    field("`top_p`", r#"{"top_p":0.5}"#, [K, K, K]),
    field("`presence_penalty`", r#"{"presence_penalty":0.5}"#, [D, D, K]),
    field("`frequency_penalty`", r#"{"frequency_penalty":0.5}"#, [D, D, K]),
    field("`seed`", r#"{"seed":7}"#, [D, D, K]),
    field("`logit_bias`", r#"{"logit_bias":{"50256":-100}}"#, [D, D, D]),
    field("`logprobs`, `top_logprobs`", r#"{"logprobs":true,"top_logprobs":2}"#, [K, D, K]),
    field("`n` above 1", r#"{"n":2}"#, [R, R, K]),
    field("`stop`", r#"{"stop":["x"]}"#, [A, K, K]),
    field("`reasoning_effort`", r#"{"reasoning_effort":"high"}"#, [K, K, K]),
    field("`verbosity`", r#"{"verbosity":"low"}"#, [K, D, D]),
    field(
        "`modalities`, `audio`",
        r#"{"modalities":["text","audio"],"audio":{"voice":"alloy","format":"pcm16"}}"#,
        [R, R, A],
    ),
    field("`prediction`", r#"{"prediction":{"type":"content","content":"x"}}"#, [D, D, D]),
    field("`web_search_options`", r#"{"web_search_options":{}}"#, [A, A, A]),
    field(
        "`stream_options.include_usage`",
        r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        [K, N, N],
    ),
    field("`safety_identifier`, `user`", r#"{"safety_identifier":"u"}"#, [K, K, D]),
    field("`prompt_cache_key`", r#"{"prompt_cache_key":"k"}"#, [K, N, N]),
    field("`metadata`", r#"{"metadata":{"a":"b"}}"#, [K, D, D]),
    field("`store: true`", r#"{"store":true}"#, [N, D, D]),
    field("`service_tier` `auto`", r#"{"service_tier":"auto"}"#, [K, K, N]),
    field("`service_tier` `priority`", r#"{"service_tier":"priority"}"#, [K, D, K]),
    field("`moderation`", r#"{"moderation":{"model":"omni"}}"#, [K, R, R]),
    field("unknown members", r#"{"made_up":1}"#, [D, D, D]),
];
