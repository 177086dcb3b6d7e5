//! Exports over HTTP with protobuf bodies (OTLP 1.x), by the gateway's own connections.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use omniroute_core::snapshot::{Collector, Telemetry};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::attributes;
use crate::upstream::{Destination, Fetch};

/// Longest wait that a collector can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Why an export was not taken.
#[derive(Debug)]
pub struct Failure {
    /// In words, without addresses and headers.
    pub why: String,
    /// Whether the same export may be taken later.
    pub is_temporary: bool,
    /// When to try again, if the collector says so.
    pub retry_after: Option<Duration>,
}

/// Sends exports.
pub struct Exporter {
    fetch: Arc<Fetch>,
}

impl Exporter {
    /// Makes one that sends with this.
    pub const fn new(fetch: Arc<Fetch>) -> Self {
        Self { fetch }
    }

    /// Sends spans; returns how many the collector took the export without.
    ///
    /// # Errors
    ///
    /// Why none were taken.
    pub async fn spans(&self, spans: &[Span], telemetry: &Telemetry) -> Result<usize, Failure> {
        let Some(collector) = &telemetry.traces else { return Ok(0) };
        let scope = ScopeSpans {
            scope: Some(attributes::scope()),
            spans: spans.to_vec(),
            ..ScopeSpans::default()
        };
        let spans = ResourceSpans {
            resource: Some(attributes::resource(&telemetry.resource)),
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        };
        let export = ExportTraceServiceRequest { resource_spans: vec![spans] };
        let answer = self.post(collector, export.encode_to_vec(), telemetry.timeout).await?;
        // Some collectors answer in other ways; a 200 is a 200.
        let read = ExportTraceServiceResponse::decode(answer.into_body()).unwrap_or_default();
        let rejected = read.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(usize::try_from(rejected).unwrap_or(0))
    }

    /// Sends metrics.
    ///
    /// # Errors
    ///
    /// Why they were not taken; the next ones say as much.
    pub async fn metrics(
        &self,
        metrics: Vec<Metric>,
        telemetry: &Telemetry,
    ) -> Result<(), Failure> {
        let Some(collector) = &telemetry.metrics else { return Ok(()) };
        let scope =
            ScopeMetrics { scope: Some(attributes::scope()), metrics, ..ScopeMetrics::default() };
        let metrics = ResourceMetrics {
            resource: Some(attributes::resource(&telemetry.resource)),
            scope_metrics: vec![scope],
            ..ResourceMetrics::default()
        };
        let export = ExportMetricsServiceRequest { resource_metrics: vec![metrics] };
        self.post(collector, export.encode_to_vec(), telemetry.timeout).await.map(drop)
    }

    async fn post(
        &self,
        collector: &Collector,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::post(collector.target.expose())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::USER_AGENT, concat!("omniroute/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &collector.headers {
            request = request.header(name, value);
        }
        let request = request.body(Bytes::from(body)).map_err(|_| Failure {
            why: "its address cannot be written".to_owned(),
            is_temporary: false,
            retry_after: None,
        })?;
        let destination = Destination {
            endpoint: collector.endpoint.clone(),
            tunnel: None,
            is_fresh: false,
            connect: limit,
        };
        let answer = self.fetch.send(&destination, request, limit).await;
        let answer = answer.map_err(|error| Failure {
            why: error.to_string(),
            is_temporary: true,
            retry_after: None,
        })?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }
}

/// The statuses that the protocol calls temporary; any other is for good.
fn refusal(answer: &Response<Bytes>) -> Failure {
    let status = answer.status();
    let is_temporary = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    let told = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = told.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    Failure {
        why: format!("it answered {status}"),
        is_temporary,
        retry_after: seconds.map(|wait| wait.min(MAX_RETRY_AFTER)),
    }
}
