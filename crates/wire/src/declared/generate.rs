//! Requests of `generateContent` clients, at Chat Completions, Responses and Messages.

use super::Fate::{Approximated as A, Dropped as D, Kept as K, Refused as R};
use super::{Declared, Fate};

const fn field(field: &'static str, sample: &'static str, fates: [Fate; 3]) -> Declared {
    Declared { field, sample, fates }
}

pub(super) const FIELDS: &[Declared] = &[
    field("`systemInstruction`", r#"{"systemInstruction":{"parts":[{"text":"s"}]}}"#, [K, K, K]),
    field(
        "`inlineData`, picture",
        r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}]}]}"#,
        [K, K, K],
    ),
    field(
        "`inlineData`, PDF",
        r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0="}}]}]}"#,
        [K, K, K],
    ),
    field(
        "`inlineData`, sound",
        r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}}]}]}"#,
        [K, R, R],
    ),
    field(
        "`inlineData`, video",
        r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}]}]}"#,
        [R, R, R],
    ),
    field(
        "`fileData`, `gs://`",
        r#"{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"image/png","fileUri":"gs://b/a.png"}}]}]}"#,
        [R, R, R],
    ),
    field(
        "`functionCall`, `functionResponse`",
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"ok"}}}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}"#,
        [K, K, K],
    ),
    field(
        "`functionResponse.parts`",
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"ok"},"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}]}}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}"#,
        [A, K, K],
    ),
    field(
        "`thoughtSignature` of Google in the history",
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"hm","thought":true},{"text":"ho","thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"text":"why"}]}]}"#,
        [D, D, D],
    ),
    field(
        "`executableCode` in the history",
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}}]},{"role":"user","parts":[{"text":"why"}]}]}"#,
        [A, A, A],
    ),
    field(
        "`functionDeclarations`",
        r#"{"tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}]}]}"#,
        [K, K, K],
    ),
    field("`googleSearch` alone", r#"{"tools":[{"googleSearch":{}}]}"#, [R, A, A]),
    field(
        "`codeExecution`, `urlContext` and others",
        r#"{"tools":[{"codeExecution":{}}]}"#,
        [R, R, R],
    ),
    field(
        "`functionCallingConfig` `ANY`, one name",
        r#"{"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}}"#,
        [K, K, K],
    ),
    field(
        "`functionCallingConfig` `ANY`, several names",
        r#"{"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f","g"]}}}"#,
        [K, K, A],
    ),
    field(
        "`functionCallingConfig` `VALIDATED`",
        r#"{"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED"}}}"#,
        [A, A, A],
    ),
    field("`temperature`, `topP`", r#"{"generationConfig":{"temperature":0.5}}"#, [K, K, K]),
    field("`topK`", r#"{"generationConfig":{"topK":5}}"#, [D, D, K]),
    field("`candidateCount` above 1", r#"{"generationConfig":{"candidateCount":2}}"#, [K, R, R]),
    field("`maxOutputTokens`", r#"{"generationConfig":{"maxOutputTokens":50}}"#, [K, K, K]),
    field("`stopSequences`", r#"{"generationConfig":{"stopSequences":["x"]}}"#, [K, A, K]),
    field("`seed`", r#"{"generationConfig":{"seed":7}}"#, [K, D, D]),
    field("`presencePenalty`", r#"{"generationConfig":{"presencePenalty":0.5}}"#, [K, D, D]),
    field(
        "`responseLogprobs`",
        r#"{"generationConfig":{"responseLogprobs":true,"logprobs":2}}"#,
        [K, K, D],
    ),
    field(
        "`responseMimeType` JSON",
        r#"{"generationConfig":{"responseMimeType":"application/json"}}"#,
        [K, K, A],
    ),
    field(
        "`responseSchema`",
        r#"{"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["a"]}}}"#,
        [K, K, K],
    ),
    field(
        "`responseModalities` sound",
        r#"{"generationConfig":{"responseModalities":["AUDIO"]}}"#,
        [A, R, R],
    ),
    field(
        "`thinkingConfig.thinkingLevel`",
        r#"{"generationConfig":{"thinkingConfig":{"thinkingLevel":"HIGH"}}}"#,
        [K, K, K],
    ),
    field(
        "`thinkingConfig.thinkingBudget`",
        r#"{"generationConfig":{"thinkingConfig":{"thinkingBudget":8192}}}"#,
        [A, A, A],
    ),
    field(
        "`safetySettings`",
        r#"{"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]}"#,
        [D, D, D],
    ),
    field("`cachedContent`", r#"{"cachedContent":"cachedContents/1"}"#, [R, R, R]),
    field("`labels`", r#"{"labels":{"a":"b"}}"#, [K, K, D]),
    field("`serviceTier`", r#"{"serviceTier":"priority"}"#, [K, K, D]),
    field(
        "last content of the model",
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"ho"}]}]}"#,
        [A, A, R],
    ),
    field("unknown members", r#"{"madeUp":1}"#, [D, D, D]),
];
