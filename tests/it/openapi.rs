//! The description of the administration's API is true: it names every route and none besides.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Map, Value, json};

use crate::bench::{BOSS_LINE, Bench};

const DOCUMENT: &str = "/api/openapi.json";

/// What every failure of an operation refers to.
const FAILURE: &str = "#/components/responses/Failure";

/// What may stand under a path that is no operation.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

async fn bench() -> Bench {
    Bench::start(&format!("client_keys:\n{BOSS_LINE}")).await
}

fn paths(document: &Value) -> &Map<String, Value> {
    document["paths"].as_object().unwrap()
}

fn methods(item: &Value) -> BTreeSet<String> {
    item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect()
}

/// Lists where every operation stands, and what it is.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let of_path = |(path, item): (&String, &'_ Value)| {
        let item = item.as_object().unwrap();
        item.keys().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    let names: Vec<String> = paths(document).iter().flat_map(of_path).collect();
    let all = paths(document).values().flat_map(|item| item.as_object().unwrap().values());
    names.into_iter().zip(all).collect()
}

#[tokio::test]
async fn only_administrators_read_the_description() {
    let mut bench = bench().await;
    let refused = bench.send_with(&[], Method::GET, DOCUMENT, Value::Null).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(bench.read(DOCUMENT).await["openapi"].as_str().unwrap().starts_with("3."));
}

#[tokio::test]
async fn every_path_takes_the_methods_that_are_described_and_no_others() {
    let mut bench = bench().await;
    let document = bench.read(DOCUMENT).await;
    let paths = paths(&document);
    assert!(paths.len() > 50, "{} paths", paths.len());
    for (path, item) in paths {
        let real = path.replace(['{', '}'], "");
        let answer = bench.send(Method::TRACE, &real, Value::Null).await;
        assert_eq!(answer.status, 405, "{path}: {}", answer.text());
        let allowed = answer.header("allow").unwrap();
        let mut allowed: BTreeSet<String> =
            allowed.split(',').map(|method| method.trim().to_owned()).collect();
        allowed.remove("HEAD");
        let mut described = methods(item);
        // Names with slashes swallow what follows them, so their path takes what `…/test` is for.
        let object = path.strip_suffix("/test").filter(|object| object.ends_with('}'));
        let trial = format!("{path}/test");
        let trial = Some(&*trial).filter(|_| path.ends_with('}'));
        let sibling = object.or(trial).and_then(|other| paths.get(other));
        described.extend(sibling.into_iter().flat_map(methods));
        assert_eq!(described, allowed, "{path}");
    }
    for path in ["/api/nothing", "/api/usage/nothing", "/api/openapi"] {
        assert!(!paths.contains_key(path), "{path}");
        assert_eq!(bench.send(Method::GET, path, Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_what_it_takes_and_how_it_fails() {
    let mut bench = bench().await;
    let document = bench.read(DOCUMENT).await;
    let failure = &document["components"]["responses"]["Failure"];
    let shape = &failure["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(shape, "#/components/schemas/Failure");
    let fault = &document["components"]["schemas"]["Fault"]["properties"];
    assert!(fault["code"].is_object() && fault["details"].is_object(), "{fault}");

    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let (method, path) = name.split_once(' ').unwrap();
        assert!(METHODS.contains(&method), "{name}");
        assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{name}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: {operation}");
        let answers = operation["responses"].as_object().unwrap();
        let (good, bad): (Vec<_>, Vec<_>) =
            answers.iter().partition(|(status, _)| status.starts_with('2'));
        assert_eq!(good.len(), 1, "{name}");
        assert!(bad.iter().all(|(_, answer)| answer["$ref"] == FAILURE), "{name}: {bad:?}");
        let expected = ["400", "401", "403", "429", "500", "503"];
        let of_changes = ["404", "409", "413", "422"].into_iter().filter(|_| method != "get");
        let missing =
            expected.into_iter().chain(of_changes).find(|one| !answers.contains_key(*one));
        assert_eq!(missing, None, "{name}");
        let given = operation["parameters"].as_array().into_iter().flatten();
        let given: Vec<&str> = given.filter_map(|one| one["name"].as_str()).collect();
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
            assert!(given.contains(&part.trim_end_matches('}')), "{name}: {part}");
        }
    }
    let open: Vec<String> = operations(&document)
        .into_iter()
        .filter(|(_, operation)| !operation["security"].is_null())
        .map(|(name, _)| name)
        .collect();
    let login = ["login", "logout", "setup"].map(|word| format!("post /api/auth/{word}"));
    let status = "get /api/auth/status".to_owned();
    assert_eq!(open, login.into_iter().chain([status]).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_description_refers_to_what_is_there_and_holds_no_values() {
    let mut bench = bench().await;
    let document = bench.read(DOCUMENT).await;
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    references += 1;
                }
                let has_value = |word| map.get(word).filter(|value| !value.is_null());
                for word in ["example", "examples", "default", "const"] {
                    assert!(has_value(word).is_none(), "{word}: {value}");
                }
                open.extend(map.values());
            }
            Value::Array(list) => open.extend(list),
            _ => {}
        }
    }
    assert!(references > 100, "{references}");
    let text = document.to_string();
    assert!(!text.contains("boss") && !text.contains("sk-"), "{text}");
}

#[tokio::test]
async fn whatever_cannot_be_read_is_refused_in_the_form_that_is_described() {
    let mut bench = bench().await;
    let text = json!("no object");
    for (method, path, body, status, about) in [
        (Method::GET, "/api/keys?limit=many", Value::Null, 400, "limit"),
        (Method::GET, "/api/combos?limit=0", Value::Null, 400, "limit"),
        (Method::GET, "/api/audit?before=-1", Value::Null, 400, "before"),
        (Method::GET, "/api/usage?nothing=1", Value::Null, 400, "nothing"),
        (Method::GET, "/api/keys/%FF", Value::Null, 400, "UTF-8"),
        (Method::POST, "/api/config/rollback/newest", Value::Null, 400, "newest"),
        (Method::POST, "/api/combos", text.clone(), 400, "no object"),
        (Method::POST, "/api/explain", json!({ "model": 1 }), 400, "model"),
        (Method::POST, "/api/auth/login", text, 400, "no object"),
        (Method::PUT, "/api/keys", Value::Null, 405, "allow"),
        (Method::DELETE, "/api/auth/login", Value::Null, 405, "allow"),
        (Method::GET, "/api/nothing", Value::Null, 404, "path"),
        (Method::GET, "/api/keys/nobody", Value::Null, 404, "nobody"),
    ] {
        let answer = bench.send(method.clone(), path, body).await;
        let name = format!("{method} {path}: {}", answer.text());
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{name}");
        let error = answer.json()["error"].clone();
        assert!(error["code"].is_string(), "{name}");
        assert!(error["message"].as_str().unwrap().contains(about), "{name}");
    }
}

#[tokio::test]
async fn a_body_names_the_field_that_is_wrong() {
    let mut bench = bench().await;
    let changes = json!({ "changes": [{ "kind": "combo", "name": 7, "value": null }] });
    let answer = bench.send(Method::POST, "/api/config/plan", changes).await;
    let error = &answer.json()["error"];
    assert_eq!(error["details"][0]["field"], "changes[0].name", "{error}");
}

#[tokio::test]
async fn a_refusal_before_the_administration_is_of_the_same_form() {
    let mut bench = bench().await;
    let long = Value::String("x".repeat(1024 * 1024 + 1));
    for (method, path, body, status) in [
        (Method::GET, "/api/keys//boss", Value::Null, 400),
        // The connection is not used again after a body that nobody reads.
        (Method::POST, "/api/combos", long, 413),
    ] {
        let answer = bench.send(method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let error = answer.json()["error"].clone();
        assert!(error["code"].is_string() && error["message"].is_string(), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_name_with_a_slash_is_found_plain_and_encoded() {
    let mut bench = bench().await;
    let wire = json!({ "id": "chat", "wire": "openai_chat", "base_url": "https://provider.invalid", "auth": { "kind": "none" } });
    let node = bench.send(Method::POST, "/api/provider-nodes", wire).await;
    assert_eq!(node.status, 201, "{}", node.text());
    let price = json!({ "model": "chat/echo", "input": "$1", "output": "$2" });
    bench.done(Method::POST, "/api/prices", price).await;
    let plain = bench.read("/api/prices/chat/echo").await;
    assert_eq!(plain["model"], "chat/echo", "{plain}");
    assert_eq!(bench.read("/api/prices/chat%2Fecho").await, plain);
}
