//! The operations of collections of objects, whose handlers are made in a loop.

use axum::routing::MethodRouter;
use utoipa::IntoParams;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Content, ResponseBuilder};
use utoipa_axum::router::UtoipaMethodRouter;

use super::whole::JSON;
use crate::admin::Parts;
use crate::admin::if_match::IfMatch;
use crate::admin::objects::Collection;
use crate::admin::page::Page;

/// Puts a collection's handlers and what they do on its path.
pub(in crate::admin) fn documented_all(
    of: Collection,
    methods: MethodRouter<Parts>,
) -> UtoipaMethodRouter<Parts> {
    let name = of.name;
    let list = OperationBuilder::new()
        .summary(Some(format!("Lists {name}, of the file and of the dashboard.")))
        .parameters(Some(Page::into_params(|| Some(ParameterIn::Query))));
    let add = OperationBuilder::new()
        .summary(Some(format!("Adds one to {name}, owned by the dashboard.")))
        .request_body(Some(body(of)))
        .response("201", made(of));
    let operations = [(HttpMethod::Get, list), (HttpMethod::Post, add)];
    documented(&format!("/api/{name}"), operations, methods)
}

/// Puts the handlers of one object and what they do on its path.
pub(in crate::admin) fn documented_one(
    of: Collection,
    methods: MethodRouter<Parts>,
) -> UtoipaMethodRouter<Parts> {
    let name = of.name;
    let operation = |what: &str| {
        OperationBuilder::new().summary(Some(format!("{what} one of {name}."))).tag(name)
    };
    let change = |what| operation(what).parameters(Some(IfMatch::into_params(|| None)));
    let gone = ResponseBuilder::new().description("It is gone.");
    let operations = [
        (HttpMethod::Get, operation("Shows")),
        (HttpMethod::Put, change("Replaces, or adds,").request_body(Some(body(of)))),
        (HttpMethod::Patch, change("Changes fields of").request_body(Some(body(of)))),
        (HttpMethod::Delete, change("Removes").response("204", gone)),
    ];
    documented(&format!("/api/{name}/{{*name}}"), operations, methods)
}

fn documented<const N: usize>(
    path: &str,
    operations: [(HttpMethod, OperationBuilder); N],
    methods: MethodRouter<Parts>,
) -> UtoipaMethodRouter<Parts> {
    let mut paths = Paths::new();
    for (method, operation) in operations {
        paths.add_path_operation(path, vec![method], operation);
    }
    (Vec::new(), paths, methods)
}

/// The shape of an object: the fields of the file, which the compiler of the configuration checks.
fn shape(of: Collection) -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("The fields are those of the configuration file."))
        .property(of.name_field, name)
        .build()
}

fn body(of: Collection) -> RequestBody {
    RequestBodyBuilder::new().content(JSON, Content::new(Some(shape(of)))).build()
}

fn made(of: Collection) -> ResponseBuilder {
    let content = Content::new(Some(shape(of)));
    ResponseBuilder::new().description("It is made.").content(JSON, content)
}
