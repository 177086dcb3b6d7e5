//! The operations of collections of objects, whose handlers are made in a loop.

use axum::routing::MethodRouter;
use utoipa::IntoParams;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, ToArray, Type};
use utoipa::openapi::{Content, Required, ResponseBuilder};
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
        .parameters(Some(Page::into_params(|| Some(ParameterIn::Query))))
        .response("200", answer("A page of them.", page(of)));
    let add = OperationBuilder::new()
        .summary(Some(format!("Adds one to {name}, owned by the dashboard.")))
        .request_body(Some(body(of)))
        .response("201", answer("It is made.", shown(of)));
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
    let now = || answer("The object as it is now.", shown(of));
    let gone = ResponseBuilder::new().description("It is gone.");
    let operations = [
        (HttpMethod::Get, operation("Shows").response("200", now())),
        (
            HttpMethod::Put,
            change("Replaces, or adds,").request_body(Some(body(of))).response("200", now()),
        ),
        (
            HttpMethod::Patch,
            change("Changes fields of").request_body(Some(body(of))).response("200", now()),
        ),
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

/// What is given: the fields of the file, which the compiler of the configuration checks.
fn given(of: Collection) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("The fields are those of the configuration file."))
        .property(of.name_field, ObjectBuilder::new().schema_type(Type::String))
}

/// What is shown: the same, who owns it, and its revision if that is the dashboard.
fn shown(of: Collection) -> Object {
    given(of)
        .required(of.name_field)
        .property("origin", ObjectBuilder::new().schema_type(Type::String))
        .required("origin")
        .property("revision", ObjectBuilder::new().schema_type(Type::Integer))
        .build()
}

/// A page: objects under the collection's name, how many there are, and after which to go on.
fn page(of: Collection) -> Object {
    let next = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property(of.name, shown(of).to_array())
        .required(of.name)
        .property("total", ObjectBuilder::new().schema_type(Type::Integer))
        .required("total")
        .property("next", ObjectBuilder::new().schema_type(next))
        .required("next")
        .build()
}

fn body(of: Collection) -> RequestBody {
    let content = Content::new(Some(given(of).build()));
    RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True)).build()
}

fn answer(what: &str, shape: Object) -> ResponseBuilder {
    ResponseBuilder::new().description(what).content(JSON, Content::new(Some(shape)))
}
