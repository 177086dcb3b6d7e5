//! Which failures an operation may end with: told by its method, its path and what it takes, so that no
//! handler has to repeat them.

use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};

/// What may be wrong with any request: its form, who sends it, how often, the gateway, its store.
const ALWAYS: [&str; 6] = ["400", "401", "403", "429", "500", "503"];

/// What stands in the way of a change: nothing is there, something is there already, the body is too
/// large, the configuration would not compile.
const OF_CHANGES: [&str; 4] = ["404", "409", "413", "422"];

/// Where files are made and read.
const BACKUPS: &str = "/api/db-backups";

/// Lists the statuses of an operation's failures.
pub(super) fn failures(method: &str, path: &str, operation: &Operation) -> Vec<&'static str> {
    let mut statuses = ALWAYS.to_vec();
    if method != "get" {
        statuses.extend(OF_CHANGES);
    }
    if takes(operation, |parameter| parameter.parameter_in == ParameterIn::Path) {
        statuses.push("404");
    }
    if takes(operation, |parameter| parameter.name == "If-Match") {
        statuses.push("412");
    }
    if path.starts_with(BACKUPS) {
        statuses.push("507");
    }
    statuses
}

fn takes(operation: &Operation, is_it: impl Fn(&Parameter) -> bool) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|known| matches!(known, RefOr::T(known) if is_it(known)))
}
