//! Health and metrics.

use std::net::IpAddr;

use http::StatusCode;
use omniroute_core::context::RequestHead;
use omniroute_core::filter::Reply;
use omniroute_core::snapshot::Snapshot;
use serde_json::json;

use super::answer;
use crate::admin::is_admin;
use crate::proxy::Shared;

/// Answers `/livez` and `/healthz`: the process runs.
pub fn live() -> Reply {
    answer(StatusCode::OK, "application/json", r#"{"status":"ok"}"#)
}

/// Answers `/readyz` and `/health`: whether a model call could be served, and whether the
/// configuration in force is the one in the file.
pub fn ready(snapshot: &Snapshot, shared: &Shared) -> Reply {
    let accounts: usize = snapshot.accounts.values().map(Vec::len).sum();
    let problem = shared.live.problem();
    let certificate = shared.certificates.problem();
    let has_trouble = problem.is_some() || certificate.is_some();
    let (status, word) = match (accounts, has_trouble) {
        _ if shared.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (0, _) => (StatusCode::SERVICE_UNAVAILABLE, "no account configured"),
        (_, true) => (StatusCode::OK, "degraded"),
        (_, false) => (StatusCode::OK, "ok"),
    };
    // Not the problems themselves: their texts may quote the file.
    let said = |is_refused| if is_refused { "refused, see the log" } else { "in force" };
    let mut body = json!({
        "status": word,
        "accounts": accounts,
        "config_revision": snapshot.revision,
        "config_file": said(problem.is_some()),
    });
    if snapshot.server.tls.is_some() {
        body["certificate"] = said(certificate.is_some()).into();
    }
    answer(status, "application/json", body.to_string())
}

/// Answers `/metrics`: open to loopback, elsewhere only to an admin key.
pub fn metrics(shared: &Shared, snapshot: &Snapshot, head: &RequestHead) -> Reply {
    let is_near = head.peer.is_some_and(|address: IpAddr| address.is_loopback());
    if is_near || is_admin(snapshot, &head.headers, &shared.clock) {
        let kind = "text/plain; version=0.0.4";
        return answer(StatusCode::OK, kind, shared.metrics_text());
    }
    let body =
        "metrics are open to loopback; from elsewhere send a client key with the scope `admin`\n";
    answer(StatusCode::UNAUTHORIZED, "text/plain", body)
}
