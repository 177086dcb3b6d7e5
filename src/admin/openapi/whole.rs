//! What is the same everywhere is said once, and put into every operation here: errors, logins, names of
//! objects in paths, an answer where the handler says nothing of it.

use std::collections::BTreeMap;

use utoipa::openapi::path::{
    HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, Content, InfoBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::failures::failures;
use crate::admin::access::COOKIE;
use crate::admin::problem::Failure;

/// How bodies are written.
pub(super) const JSON: &str = "application/json";

/// What the answer to whatever fails is called.
const FAILURE: &str = "Failure";

/// Where a path goes on that is for trying an object.
const TRIAL: &str = "/test";

/// Makes the document of what the routes say.
pub(super) fn made_whole(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("OmniRoute administration")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Everything that the dashboard does, for scripts."))
        .build();
    let paths = std::mem::take(&mut document.paths.paths);
    for (path, item) in paths.into_iter().flat_map(|(path, item)| split(&path, item)) {
        document.paths.paths.insert(path.clone(), with_common(&path, item));
    }
    let none: [&str; 0] = [];
    let security = ["key", "session"].map(|name| SecurityRequirement::new(name, none));
    document.security = Some(security.into());
    let mut components = document.components.take().unwrap_or_default();
    add_common(&mut components);
    document.components = Some(components);
    document
}

/// Writes paths in OpenAPI's form. A name that may hold slashes swallows what follows it, so `POST` on one
/// is for what ends in `/test`.
fn split(path: &str, mut item: PathItem) -> Vec<(String, PathItem)> {
    let plain = path.replace("{*", "{");
    if plain == path {
        return vec![(plain, item)];
    }
    let trial = item.post.take();
    let trial =
        trial.map(|post| (format!("{plain}{TRIAL}"), PathItem::new(HttpMethod::Post, post)));
    std::iter::once((plain, item)).chain(trial).collect()
}

fn with_common(path: &str, mut item: PathItem) -> PathItem {
    let operations = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    for (method, operation) in operations {
        let Some(operation) = operation else { continue };
        operation.operation_id = Some(id_of(method, path));
        operation.tags = path.split('/').nth(2).map(|tag| vec![tag.to_owned()]);
        add_names(operation, path);
        let failures = failures(method, path, operation);
        let good = if method == "get" { "What was asked for." } else { "It is done." };
        add_answers(operation, good, failures);
    }
    item
}

/// A path of the words of another, `/api/fallback-chains`, and what its operations are named by.
const ALIKE: (&str, &str) = ("/api/fallback/chains", "fallback_chains_by_model");

/// Names an operation, such as `get_keys_name`.
fn id_of(method: &str, path: &str) -> String {
    let path = if path == ALIKE.0 { ALIKE.1 } else { path };
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty() && *word != "api");
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// Adds what stands in braces in the path; a text unless the handler says otherwise.
fn add_names(operation: &mut Operation, path: &str) {
    let parameters = operation.parameters.get_or_insert_default();
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        let is_it =
            |known: &RefOr<Parameter>| matches!(known, RefOr::T(known) if known.name == name);
        if !parameters.iter().any(is_it) {
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
            parameters.push(RefOr::T(parameter.build()));
        }
    }
}

/// Adds the failures, and an answer of any fields where the handler says nothing of it.
fn add_answers(operation: &mut Operation, good: &str, failures: Vec<&'static str>) {
    let answers: &mut BTreeMap<_, _> = &mut operation.responses.responses;
    if !answers.keys().any(|status| status.starts_with('2')) {
        let any = ObjectBuilder::new().schema_type(Type::Object);
        let answer = ResponseBuilder::new().content(JSON, Content::new(Some(any)));
        answers.insert("200".to_owned(), RefOr::T(answer.build()));
    }
    answers.extend(
        failures.into_iter().map(|status| (status.to_owned(), RefOr::T(Response::default()))),
    );
    for (status, answer) in answers {
        let RefOr::T(known) = answer else { continue };
        if !status.starts_with('2') {
            *answer = RefOr::Ref(Ref::from_response_name(FAILURE));
        } else if known.description.is_empty() {
            good.clone_into(&mut known.description);
        }
    }
}

fn add_common(components: &mut Components) {
    let mut schemas = vec![(Failure::name().into_owned(), Failure::schema())];
    Failure::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let content = Content::new(Some(Ref::from_schema_name(Failure::name())));
    let failure = ResponseBuilder::new()
        .description("What is wrong, and how to fix it.")
        .content(JSON, content);
    components.responses.insert(FAILURE.to_owned(), RefOr::T(failure.build()));
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A client key with the scope `admin`."));
    components.add_security_scheme("key", SecurityScheme::Http(key.build()));
    let cookie = ApiKeyValue::with_description(COOKIE, "The cookie that a login sets.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
}
