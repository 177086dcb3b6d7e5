//! Where traces and metrics go.

use std::time::Duration;

use super::{file, no_file};
use crate::trace::Sampler;

#[test]
fn nothing_is_told_unless_an_endpoint_is_named() {
    assert!(no_file().snapshot().telemetry.is_none());
    assert!(no_file().env("OTEL_SERVICE_NAME", "x").snapshot().telemetry.is_none());
    assert!(file("telemetry: { otlp: { sample: 0.5 } }").snapshot().telemetry.is_none());
    let disabled = file("telemetry: { otlp: { endpoint: 'http://c:4318' } }");
    assert!(disabled.env("OTEL_SDK_DISABLED", "true").snapshot().telemetry.is_none());
}

#[test]
fn the_file_says_where_and_how_much() {
    let yaml = "telemetry: { otlp: { endpoint: 'https://c.example/otlp', metrics: false, sample: 0.25, headers: { authorization: 'Bearer ${TOKEN}' } } }";
    let snapshot = file(yaml).env("TOKEN", "canary").snapshot();

    let telemetry = snapshot.telemetry.as_ref().unwrap();
    let traces = telemetry.traces.as_ref().unwrap();
    assert_eq!((&*traces.endpoint.host, traces.endpoint.port), ("c.example", 443));
    assert_eq!(traces.target.expose(), "/otlp/v1/traces");
    assert_eq!(traces.headers[0].1, "Bearer canary");
    assert!(telemetry.metrics.is_none());
    assert_eq!(telemetry.sampler, Sampler { follows_parent: true, share: 0.25 });
    assert!(!format!("{snapshot:?}").contains("canary"));
}

#[test]
fn the_environment_fills_what_the_file_leaves_open() {
    let snapshot = no_file()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")
        .env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:4318/whole")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary%20key, x=y")
        .env("OTEL_SERVICE_NAME", "gateway")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=other")
        .env("OTEL_TRACES_SAMPLER", "traceidratio")
        .env("OTEL_TRACES_SAMPLER_ARG", "0.5")
        .env("OTEL_BSP_SCHEDULE_DELAY", "20")
        .snapshot();

    let telemetry = snapshot.telemetry.as_ref().unwrap();
    let (traces, metrics) =
        (telemetry.traces.as_ref().unwrap(), telemetry.metrics.as_ref().unwrap());
    assert_eq!((traces.target.expose(), metrics.target.expose()), ("/v1/traces", "/whole"));
    assert_eq!(&*metrics.endpoint.host, "m");
    assert_eq!(traces.headers[0].1, "canary key");
    assert_eq!(traces.headers.len(), 2);
    let resource = [
        ("service.name".into(), "gateway".into()),
        ("deployment.environment.name".into(), "test".into()),
    ];
    assert_eq!(telemetry.resource, resource);
    assert_eq!(telemetry.sampler, Sampler { follows_parent: false, share: 0.5 });
    assert_eq!(telemetry.batch_delay, Duration::from_millis(20));
    assert!(!format!("{snapshot:?}").contains("canary"));

    let off = no_file()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")
        .env("OTEL_TRACES_EXPORTER", "none")
        .snapshot();
    assert!(off.telemetry.as_ref().unwrap().traces.is_none());
}

#[test]
fn faults_are_named_without_their_values() {
    let said =
        file("telemetry: { otlp: { endpoint: 'canary', sample: 2, heders: {} } }").problems();
    assert!(said.iter().any(|line| line.contains("`headers`")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("not a share")), "{said:?}");
    let said =
        file("telemetry: { otlp: { endpoint: canary, headers: { a b: canary } } }").problems();
    assert!(said.iter().any(|line| line.contains("not a URL")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("no header")), "{said:?}");
    assert!(said.iter().all(|line| !line.contains("canary")), "{said:?}");

    let said = no_file()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317")
        .env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "canary")
        .env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")
        .problems();
    assert!(
        said.iter().any(|line| line.contains("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|line| line.contains("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")),
        "{said:?}"
    );
    assert!(said.iter().all(|line| !line.contains("canary")), "{said:?}");
    let said = no_file()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")
        .env("OTEL_TRACES_SAMPLER", "jaeger_remote")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")
        .problems();
    assert_eq!(said.iter().filter(|line| line.contains("OTEL_")).count(), 2, "{said:?}");
}
