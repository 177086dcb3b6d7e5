//! Serves `/metrics` on a listener of its own (`server.metrics_listen`).

use std::sync::Arc;

use async_trait::async_trait;
use http::{Response, StatusCode};
use pingora_core::apps::http_app::ServeHttp;
use pingora_core::protocols::http::ServerSession;

use crate::listen::Conn;
use crate::proxy::Shared;

/// Serves the metrics to whoever can reach the listener.
pub struct Exposition {
    /// What is counted.
    pub shared: Arc<Shared>,
}

#[async_trait]
impl ServeHttp for Exposition {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        if let Some(conn) = Conn::of(session) {
            // There is no body to wait for, and the answer is written in one piece.
            conn.awaits_head();
        }
        let is_metrics = session.req_header().uri.path() == "/metrics";
        let (status, body) = if is_metrics {
            (StatusCode::OK, self.shared.metrics_text())
        } else {
            (StatusCode::NOT_FOUND, b"only /metrics is here\n".to_vec())
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("text/plain; version=0.0.4"),
        );
        let length = response.body().len();
        response.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
        response
    }
}
