//! What a path means.
//!
//! The path decides the client's format, never the body. Routing sees one canonical spelling: doubled
//! or missing `/v1` and `/codex` are taken off here, and a path that could be read in two ways
//! (`//`, `..`, encoded slashes) is refused before anything looks at it.

use http::{HeaderMap, Method};
use omniroute_core::error::Error;
use omniroute_wire::{PathModel, WireFormat};
use percent_encoding::percent_decode_str;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A chat call.
    Chat {
        /// What the URL says about model and delivery, for formats that put it there.
        path: Option<PathModel>,
    },
    /// A chat call in the form that came before chat (`/v1/completions`).
    Completion,
    /// How many tokens a chat request has.
    CountTokens {
        /// As in [`Surface::Chat`].
        path: Option<PathModel>,
    },
    /// The list of models, or one of them.
    Models {
        /// The one model asked for.
        one: Option<String>,
    },
    /// Is the process alive?
    Live,
    /// Can it serve?
    Ready,
    /// Prometheus text.
    Metrics,
    /// Something under `/api`.
    Administration,
    /// A browser's permission to ask; answered by the CORS filter or refused.
    Preflight,
}

/// A request's surface and the format of its answers, errors included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// What it is for; an error if it is for nothing that exists here.
    pub surface: Result<Surface, Refusal>,
    /// The client's format.
    pub format: WireFormat,
    /// The id of the one provider that may serve, if the path names one.
    pub provider: Option<Box<str>>,
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The path can be read in several ways.
    Ambiguous,
    /// Nothing is here.
    Unknown,
    /// Something is here, for other methods.
    Method(&'static str),
    /// This will be here in a later version.
    NotYet(&'static str),
}

impl Refusal {
    /// Makes the error for the client.
    pub fn into_error(self, method: &Method, path: &str) -> Error {
        match self {
            Self::Ambiguous => Error::BadRequest {
                what: "the path has an empty, dot or encoded segment, or escapes that are not UTF-8; write it plainly"
                    .to_owned(),
            },
            Self::Unknown => {
                Error::UnknownPath { method: method.to_string(), path: path.to_owned() }
            }
            Self::Method(allowed) => {
                Error::MethodNotAllowed { method: method.to_string(), allowed }
            }
            Self::NotYet(what) => Error::NotAvailable { what: what.to_owned() },
        }
    }
}

/// Reads a request's line and headers.
pub fn dispatch(method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Dispatch {
    let canonical = canonical(path);
    let format = format(canonical, headers);
    let (provider, canonical) = match of_provider(canonical) {
        Some((provider, rest)) => (Some(provider.into()), rest),
        None => (None, canonical),
    };
    let surface = if is_ambiguous(path) {
        Err(Refusal::Ambiguous)
    } else if method == Method::OPTIONS {
        Ok(Surface::Preflight)
    } else {
        surface(method, canonical, query)
    };
    Dispatch { surface, format, provider }
}

/// Splits `/v1/providers/{id}/…`, the route of one provider. Only OpenAI's kinds of calls are there.
fn of_provider(path: &str) -> Option<(&str, &str)> {
    let rest = under_v1(path).strip_prefix("/providers/")?;
    let (provider, _) = rest.split_once('/').filter(|(provider, _)| !provider.is_empty())?;
    let rest = &rest[provider.len()..];
    let is_here = matches!(rest, "/chat/completions" | "/embeddings" | "/images/generations");
    is_here.then_some((provider, rest))
}

/// Takes off a doubled `/v1` and `/codex`, and gives back one that is missing (`/models` → `/models`
/// is matched by [`under_v1`]).
pub(super) fn canonical(path: &str) -> &str {
    let path = path.strip_prefix("/codex").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    if path.starts_with("/v1/v1/") { &path["/v1".len()..] } else { path }
}

fn under_v1(path: &str) -> &str {
    path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

fn format(path: &str, headers: &HeaderMap) -> WireFormat {
    if path.starts_with("/v1beta") || path.contains(":generateContent") {
        return WireFormat::Gemini;
    }
    let local = under_v1(path);
    if gemini_call(local).is_some() {
        return WireFormat::Gemini;
    }
    if local.starts_with("/messages") {
        return WireFormat::Anthropic;
    }
    if local.starts_with("/responses") {
        return WireFormat::OpenAiResponses;
    }
    if local.starts_with("/models") {
        if headers.contains_key("anthropic-version") {
            return WireFormat::Anthropic;
        }
        if headers.contains_key("x-goog-api-key") || headers.contains_key("x-goog-api-client") {
            return WireFormat::Gemini;
        }
    }
    WireFormat::OpenAiChat
}

fn is_ambiguous(path: &str) -> bool {
    // What can be read in two ways once it is decoded, or cannot be decoded.
    let has_bad_escape = || {
        let lower = path.to_ascii_lowercase();
        // Names of models, and those of the administration's objects, may hold slashes.
        let named = if lower.starts_with("/api/") { Some(0) } else { lower.find("/models/") };
        ["%2e", "%5c"].iter().any(|escape| lower.contains(escape))
            || named.map_or(&*lower, |start| &lower[..start]).contains("%2f")
            || !is_text(path)
    };
    !path.starts_with('/')
        || path.contains("//")
        || path.contains(['\\', ';'])
        || path.split('/').any(|segment| segment == "." || segment == "..")
        || (path.contains('%') && has_bad_escape())
}

/// Tells whether a path's escapes are whole and stand for UTF-8 without control characters.
fn is_text(path: &str) -> bool {
    let is_whole = path.split('%').skip(1).all(|escape| {
        let digits = escape.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let decoded = percent_decode_str(path).decode_utf8();
    is_whole && decoded.is_ok_and(|text| !text.chars().any(char::is_control))
}

fn surface(method: &Method, path: &str, query: &str) -> Result<Surface, Refusal> {
    match path {
        "/livez" | "/healthz" => return only_get(method, Surface::Live),
        "/readyz" | "/health" => return only_get(method, Surface::Ready),
        "/metrics" => return only_get(method, Surface::Metrics),
        "/" if method == Method::HEAD => return Ok(Surface::Live),
        "/" | "/dashboard" => return Err(Refusal::NotYet("the dashboard")),
        _ if path.starts_with("/api/") => return Ok(Surface::Administration),
        _ if path.starts_with("/dashboard/") => return Err(Refusal::NotYet("the dashboard")),
        _ => {}
    }
    let gemini = ["/v1beta1", "/v1beta", "/v1"]
        .iter()
        .find_map(|version| path.strip_prefix(version).filter(|rest| rest.starts_with('/')));
    if let Some((model, action)) = gemini.and_then(gemini_call) {
        return only_post(method, gemini_surface(model, action, query)?);
    }
    if let Some(rest) = gemini.or(Some(path)).and_then(|rest| rest.strip_prefix("/models")) {
        return models(method, rest);
    }
    chat(method, under_v1(path))
}

fn chat(method: &Method, path: &str) -> Result<Surface, Refusal> {
    match path {
        "/chat/completions" | "/messages" | "/responses" => {
            only_post(method, Surface::Chat { path: None })
        }
        "/completions" => only_post(method, Surface::Completion),
        "/messages/count_tokens" | "/responses/input_tokens" => {
            only_post(method, Surface::CountTokens { path: None })
        }
        "/embeddings"
        | "/images/generations"
        | "/audio/transcriptions"
        | "/audio/speech"
        | "/moderations"
        | "/rerank" => Err(Refusal::NotYet("this kind of model call")),
        _ if path.starts_with("/responses/") => Err(Refusal::NotYet("stored responses")),
        _ => Err(Refusal::Unknown),
    }
}

fn models(method: &Method, rest: &str) -> Result<Surface, Refusal> {
    if rest.is_empty() || rest == "/" {
        return only_get(method, Surface::Models { one: None });
    }
    let Some(name) = rest.strip_prefix('/') else { return Err(Refusal::Unknown) };
    only_get(method, Surface::Models { one: Some(decoded(name)) })
}

/// Splits `/models/{model}:{action}`. Models may hold slashes and colons; the last colon counts.
fn gemini_call(path: &str) -> Option<(&str, &str)> {
    let (model, action) = path.strip_prefix("/models/")?.rsplit_once(':')?;
    let known = matches!(
        action,
        "generateContent"
            | "streamGenerateContent"
            | "countTokens"
            | "embedContent"
            | "batchEmbedContents"
            | "predict"
    );
    (known && !model.is_empty()).then_some((model, action))
}

fn gemini_surface(model: &str, action: &str, query: &str) -> Result<Surface, Refusal> {
    let stream = match action {
        "generateContent" | "countTokens" => false,
        "streamGenerateContent" => true,
        _ => return Err(Refusal::NotYet("this kind of model call")),
    };
    let sse = query.split('&').any(|pair| pair == "alt=sse" || pair == "$alt=sse");
    let path = PathModel { model: decoded(model), stream, json_array: stream && !sse };
    let path = Some(path);
    Ok(if action == "countTokens" { Surface::CountTokens { path } } else { Surface::Chat { path } })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn only_get(method: &Method, surface: Surface) -> Result<Surface, Refusal> {
    let fits = method == Method::GET || method == Method::HEAD;
    if fits { Ok(surface) } else { Err(Refusal::Method("GET")) }
}

fn only_post(method: &Method, surface: Surface) -> Result<Surface, Refusal> {
    if method == Method::POST { Ok(surface) } else { Err(Refusal::Method("POST")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(method: Method, target: &str) -> Dispatch {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        dispatch(&method, path, query, &HeaderMap::new())
    }

    #[test]
    fn chat_paths_decide_the_format() {
        let check = |target: &str, format| {
            let dispatch = seen(Method::POST, target);
            assert_eq!(dispatch.surface, Ok(Surface::Chat { path: None }), "{target}");
            assert_eq!(dispatch.format, format, "{target}");
        };
        for path in ["/v1/chat/completions", "/chat/completions", "/v1/v1/chat/completions"] {
            check(path, WireFormat::OpenAiChat);
        }
        check("/codex/v1/chat/completions", WireFormat::OpenAiChat);
        for path in ["/v1/responses", "/responses", "/codex/v1/responses", "/codex/responses"] {
            check(path, WireFormat::OpenAiResponses);
        }
        for path in ["/v1/messages", "/v1/v1/messages", "/v1/messages?beta=true"] {
            check(path, WireFormat::Anthropic);
        }
    }

    #[test]
    fn gemini_calls_name_model_and_delivery_in_the_path() {
        let check = |target: &str, model: &str, stream: bool, json_array: bool| {
            let dispatch = seen(Method::POST, target);
            let path = Some(PathModel { model: model.to_owned(), stream, json_array });
            assert_eq!(dispatch.surface, Ok(Surface::Chat { path }), "{target}");
            assert_eq!(dispatch.format, WireFormat::Gemini, "{target}");
        };
        check("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro", false, false);
        check("/v1/models/a/b:streamGenerateContent?alt=sse&key=x", "a/b", true, false);
        check("/v1beta1/models/a%2Fb:streamGenerateContent", "a/b", true, true);
        check("/v1beta/models/ft:x:generateContent", "ft:x", false, false);
    }

    #[test]
    fn a_provider_may_have_a_route_of_its_own() {
        for path in ["/v1/providers/openai/chat/completions", "/providers/openai/chat/completions"]
        {
            let dispatch = seen(Method::POST, path);
            assert_eq!(dispatch.surface, Ok(Surface::Chat { path: None }), "{path}");
            assert_eq!(dispatch.provider.as_deref(), Some("openai"), "{path}");
            assert_eq!(dispatch.format, WireFormat::OpenAiChat, "{path}");
        }
        for path in ["/v1/providers/openai/responses", "/v1/providers/openai", "/v1/providers//x"] {
            assert!(seen(Method::POST, path).surface.is_err(), "{path}");
        }
        assert_eq!(seen(Method::POST, "/v1/chat/completions").provider, None);
    }

    #[test]
    fn counts_and_completions_have_surfaces_of_their_own() {
        let check = |target: &str, surface, format| {
            let dispatch = seen(Method::POST, target);
            assert_eq!((dispatch.surface, dispatch.format), (Ok(surface), format), "{target}");
        };
        let count = Surface::CountTokens { path: None };
        check("/v1/messages/count_tokens?beta=true", count.clone(), WireFormat::Anthropic);
        check("/v1/responses/input_tokens", count, WireFormat::OpenAiResponses);
        check("/v1/completions", Surface::Completion, WireFormat::OpenAiChat);
        let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
        let count = Surface::CountTokens { path: Some(path) };
        check("/v1beta/models/m:countTokens", count, WireFormat::Gemini);
    }

    #[test]
    fn models_are_listed_in_the_shape_the_client_reads() {
        let with = |name: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, http::HeaderValue::from_static("1"));
            dispatch(&Method::GET, "/v1/models", "", &headers).format
        };
        assert_eq!(with("anthropic-version"), WireFormat::Anthropic);
        assert_eq!(with("x-goog-api-key"), WireFormat::Gemini);
        assert_eq!(with("authorization"), WireFormat::OpenAiChat);
        assert_eq!(seen(Method::GET, "/v1beta/models").format, WireFormat::Gemini);
        let one = seen(Method::GET, "/v1/models/ds/deepseek-chat").surface;
        assert_eq!(one, Ok(Surface::Models { one: Some("ds/deepseek-chat".to_owned()) }));
    }

    #[test]
    fn what_is_not_here_says_why() {
        let check = |method: Method, target: &str, expected: Refusal| {
            assert_eq!(seen(method, target).surface, Err(expected), "{target}");
        };
        check(Method::GET, "/v1/chat/completions", Refusal::Method("POST"));
        check(Method::POST, "/v1/models", Refusal::Method("GET"));
        check(Method::GET, "/v1/nothing", Refusal::Unknown);
        check(Method::GET, "/wp-login.php", Refusal::Unknown);
        check(Method::GET, "/v1/responses/resp_1", Refusal::NotYet("stored responses"));
        for path in [
            "/v1//messages",
            "/v1/../api",
            "/v1/./messages",
            "/v1%2fmessages",
            "/%2e%2e/api",
            "/v1/messages%00",
            "/v1/messages;x=1",
            "/v1\\messages",
            "/v1/messages%0d%0ax:%20y",
            "/v1/messages%",
            "/v1/messages%2",
            "/v1/messages%zz",
            "/v1/messages%ff",
            "/%c0%ae%c0%ae/api",
            "/codex//v1/messages",
            "/v1/providers/%2e%2e/chat/completions",
            "/v1/providers/a%2Fb/chat/completions",
        ] {
            check(Method::POST, path, Refusal::Ambiguous);
        }
    }

    #[test]
    fn names_in_the_administration_may_hold_encoded_slashes() {
        for path in ["/api/prices/chat%2Fecho", "/api/aliases/a%2fb", "/api/prices/chat/echo"] {
            assert_eq!(seen(Method::GET, path).surface, Ok(Surface::Administration), "{path}");
        }
        for path in ["/api%2Fkeys", "/api/keys/%2e%2e", "/api/keys/a%5Cb"] {
            assert!(seen(Method::GET, path).surface.is_err(), "{path}");
        }
    }

    #[test]
    fn health_and_metrics_need_no_format() {
        assert_eq!(seen(Method::GET, "/livez").surface, Ok(Surface::Live));
        assert_eq!(seen(Method::HEAD, "/").surface, Ok(Surface::Live));
        assert_eq!(seen(Method::GET, "/readyz").surface, Ok(Surface::Ready));
        assert_eq!(seen(Method::GET, "/metrics").surface, Ok(Surface::Metrics));
    }
}
