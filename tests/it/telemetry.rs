//! Spans as a collector gets them over OTLP, decoded from what the built program sends.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use omniroute_core::clock::Clock;
use omniroute_testkit::{Client, Gate, Protocol, Running, Sim, Step, simulator, whole};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::Value as Json;

use crate::program::{Program, folder_with};
use crate::setup::{all_formats_with, ask, two_accounts};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNRECORDED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector that takes everything.
async fn collector() -> Running {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let collector = Sim::new().record(true).keep_bodies(true).bind(anywhere).await.unwrap();
    collector.script((0..100).map(|_| Step::reply(200)));
    collector
}

/// The section that tells this collector of everything.
fn to(collector: &Running) -> String {
    format!(
        "telemetry: {{ otlp: {{ endpoint: '{}', metrics: false, headers: {{ x-token: canary-token }} }} }}\n",
        collector.url()
    )
}

/// Ends the program, which sends what is left, and returns all spans that the collector got.
fn spans_of(program: Program, collector: &Running) -> Vec<Span> {
    program.signal("-TERM");
    let (code, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    let mut spans = Vec::new();
    for seen in collector.seen() {
        assert_eq!(seen.path_and_query, "/v1/traces");
        assert_eq!(seen.header("content-type"), Some("application/x-protobuf"));
        spans.extend(decoded(&seen.body));
    }
    // Two that end at once may be told in any order.
    spans.sort_by_key(|span| span.start_time_unix_nano);
    spans
}

/// The spans of one export.
fn decoded(mut body: &[u8]) -> Vec<Span> {
    let export = ExportTraceServiceRequest::decode(&mut body).unwrap();
    let mut spans = Vec::new();
    for resource in export.resource_spans {
        let about = resource.resource.unwrap();
        assert_eq!(texts(&about.attributes)["service.name"], "omniroute");
        for scope in resource.scope_spans {
            assert_eq!(scope.scope.unwrap().name, "omniroute");
            spans.extend(scope.spans);
        }
    }
    spans
}

/// Attributes, each as a text.
fn texts(attributes: &[KeyValue]) -> HashMap<&str, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|v| v.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(whole)) => whole.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::ArrayValue(list)) => format!("{} values", list.values.len()),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|pair| (&*pair.key, text(&pair.value))).collect()
}

fn is_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == 2)
}

/// The `traceparent`s that a provider got.
fn parents(sim: &Running) -> Vec<String> {
    let seen = sim.seen();
    let parents = seen.iter().map(|seen| seen.header("traceparent").unwrap_or("none").to_owned());
    parents.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_seen_as_one_request_with_two_attempts_in_its_callers_trace() {
    let (sim, collector) = (simulator().await, collector().await);
    let more = format!(
        "{}combos: {{ pair: {{ targets: [chat/500, gemini-sim/echo] }} }}\npricing: {{ gemini-sim/echo: {{ input: $1, output: $2 }} }}\nclient_keys: [{{ name: ci, key: canary-key }}]\n",
        to(&collector)
    );
    let folder = folder_with(&all_formats_with(&sim, &more));
    let program = Program::start(folder.path(), true);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("anthropic", "pair", true, "canary-prompt");
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "vendor=1"),
        ("x-request-id", "asked-1"),
        ("x-api-key", "canary-key"),
    ];

    let answer = client.post(&path, &headers, &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    drop(client);
    let spans = spans_of(program, &collector);
    assert_eq!(spans.len(), 3, "{spans:?}");
    let hex = |bytes: &[u8]| omniroute_core::hex::encode(bytes);
    let (server, failed, served) = (&spans[0], &spans[1], &spans[2]);
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE_ID));
    assert!(spans.iter().all(|span| span.trace_state == "vendor=1"));
    assert_eq!(hex(&server.parent_span_id), "00f067aa0ba902b7");
    assert_eq!((server.kind, server.flags), (2, 0x301));
    assert_eq!((failed.kind, &failed.parent_span_id), (3, &server.span_id));
    assert_eq!((served.kind, &served.parent_span_id), (3, &server.span_id));
    let asked = [failed, served].map(|span| format!("00-{TRACE_ID}-{}-01", hex(&span.span_id)));
    assert_eq!(parents(&sim), asked, "each provider is told of its own attempt");

    let told = texts(&server.attributes);
    assert_eq!(server.name, "POST chat anthropic");
    assert_eq!(told["omniroute.request_id"], "asked-1");
    assert_eq!((&*told["gen_ai.request.model"], &*told["omniroute.combo"]), ("pair", "pair"));
    assert_eq!((&*told["omniroute.client_key"], &*told["omniroute.attempts"]), ("ci", "2"));
    assert_eq!((&*told["url.path"], &*told["http.response.status_code"]), ("/v1/messages", "200"));
    assert!(!is_failed(server));
    let told = texts(&failed.attributes);
    assert_eq!((&*told["error.type"], &*told["omniroute.account"]), ("server_error", "chat-1"));
    assert_eq!(told["http.response.status_code"], "500");
    assert!(is_failed(failed) && !told.contains_key("gen_ai.usage.input_tokens"));
    let told = texts(&served.attributes);
    assert_eq!(served.name, "chat echo");
    assert_eq!(told["gen_ai.provider.name"], "gemini-sim");
    assert_eq!(told["server.port"], sim.addr().port().to_string());
    assert_eq!(told["http.request.resend_count"], "1");
    assert!(told["gen_ai.usage.output_tokens"].parse::<u64>().unwrap() > 0, "{told:?}");
    assert!(told["omniroute.cost_usd"].parse::<f64>().unwrap() > 0.0, "{told:?}");
    assert_eq!(told["gen_ai.response.finish_reasons"], "1 values");
    assert!(!is_failed(served));
    for span in &spans {
        assert!(span.start_time_unix_nano < span.end_time_unix_nano);
        assert!(server.start_time_unix_nano <= span.start_time_unix_nano);
    }
    for seen in collector.seen() {
        assert_eq!(seen.header("x-token"), Some("canary-token"));
        assert!(!seen.text().contains("canary"), "nothing of prompts or keys is told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_errors_and_clients_that_leave_are_told() {
    let (sim, collector) = (simulator().await, collector().await);
    let yaml = two_accounts(&sim, "sk-sim-500", "sk-sim-503") + &to(&collector);
    let folder = folder_with(&yaml);
    let program = Program::start(folder.path(), false);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let failed = client.post(&path, &[], &body).await;
    assert!(failed.status >= 500, "{}", failed.text());
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, wrong) = ask("chat", "nobody/echo", false, "hello");
    assert_eq!(client.post(&path, &[], &wrong).await.status, 404);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let gate = Gate::new();
    let first =
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
    let step = Step::reply(200).header("content-type", "text/event-stream");
    sim.script([step.piece(first).gate(&gate)]);
    let (path, body) = ask("chat", "chat/echo", true, "hello");
    let body = whole(body.to_string().into());
    let stream = client.begin(Method::POST, &path, &[], body).await;
    drop((stream, client));
    sim.wait_until(|counts| counts.aborted > 0).await;

    let spans = spans_of(program, &collector);

    let servers: Vec<&Span> = spans.iter().filter(|span| span.kind == 2).collect();
    assert_eq!(servers.len(), 3, "{servers:?}");
    let error = |span: &Span| texts(&span.attributes)["error.type"].clone();
    let below = |server: &Span| {
        let of = spans.iter().filter(|span| span.parent_span_id == server.span_id);
        of.map(error).collect::<Vec<_>>()
    };
    assert!(is_failed(servers[0]) && servers[0].parent_span_id.is_empty());
    assert_eq!(below(servers[0]), ["server_error", "overloaded"]);
    assert_eq!(error(servers[1]), "model_not_found");
    assert!(!is_failed(servers[1]), "that is the client's fault");
    assert!(below(servers[1]).is_empty());
    assert_eq!((&*error(servers[2]), is_failed(servers[2])), ("client_gone", false));
    assert_eq!(below(servers[2]), ["client_gone"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sampled_is_not_told_but_passes_on() {
    let (sim, collector) = (simulator().await, collector().await);
    let more = to(&collector).replace("metrics: false", "sample: 0");
    let folder = folder_with(&all_formats_with(&sim, &more));
    let program = Program::start_in(&[("OTEL_METRICS_EXPORTER", "none")], folder.path());
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    for parent in [None, Some(UNRECORDED), Some(PARENT)] {
        let headers: Vec<_> = parent.iter().map(|parent| ("traceparent", *parent)).collect();
        assert_eq!(client.post(&path, &headers, &body).await.status, 200);
    }
    drop(client);

    let passed = parents(&sim);
    let spans = spans_of(program, &collector);
    assert!(passed[0].starts_with("00-") && passed[0].ends_with("-00"), "{passed:?}");
    assert_eq!(passed[1], UNRECORDED);
    assert!(passed[2].contains(TRACE_ID) && passed[2].ends_with("-01"), "{passed:?}");
    assert_eq!(spans.len(), 2, "the caller that records is followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_it_changes_nothing() {
    let sim = simulator().await;
    let folder = folder_with(&all_formats_with(&sim, ""));
    let program = Program::start(folder.path(), false);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    for headers in [&[("traceparent", PARENT)][..], &[]] {
        assert_eq!(client.post(&path, headers, &body).await.status, 200);
    }
    assert_eq!(parents(&sim), [PARENT, "none"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_or_refuses_costs_requests_nothing() {
    let sim = simulator().await;
    let collector = Sim::new().record(true).bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    collector.script([Step::new().hang(), Step::reply(400)]);
    let folder = folder_with(&all_formats_with(&sim, &to(&collector)));
    let delays = [("OTEL_BSP_SCHEDULE_DELAY", "1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "100")];
    let mut program = Program::start_in(&delays, folder.path());
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    assert_eq!(client.post(&path, &[], &body).await.status, 200);
    collector.wait_seen(1).await;
    for _ in 0..20 {
        assert_eq!(client.post(&path, &[], &body).await.status, 200);
    }
    let said = program.read_until("did not take an export");
    assert!(said.contains("no answer came in time"), "{said}");
    // The same spans come again after a second, with those that came meanwhile, and are refused for good.
    let seen = collector.wait_seen(2).await;
    let ids = |at: usize| -> Vec<Vec<u8>> {
        decoded(&seen[at].body).into_iter().map(|span| span.span_id).collect()
    };
    let (first, again) = (ids(0), ids(1));
    assert_eq!(first.len(), 2);
    assert_eq!(again[..2], first[..]);
    let counted = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let metrics = client.get("/metrics", &[]).await.text();
            let line = "omniroute_otel_dropped_total{reason=\"refused\"} ";
            let found = metrics.lines().find_map(|text| text.strip_prefix(line)?.parse().ok());
            if let Some(count) = found.filter(|count: &u64| *count > 0) {
                break count;
            }
        }
    });
    assert_eq!(counted.await.unwrap(), again.len() as u64);
    drop(client);
    program.signal("-TERM");
    let (code, log) = program.end();
    let complaints = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        .filter(|line| line["message"] == "the OTLP collector did not take an export");
    assert_eq!((code, complaints.count()), (Some(0), 0), "said once a minute: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_holds_up_the_end_for_a_second_and_the_log_says_what_was_lost() {
    let sim = simulator().await;
    let collector = Sim::new().record(true).bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    collector.script([Step::new().hang()]);
    let folder = folder_with(&all_formats_with(&sim, &to(&collector)));
    let delays = [("OTEL_BSP_SCHEDULE_DELAY", "1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000")];
    let program = Program::start_in(&delays, folder.path());
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(client.post(&path, &[], &body).await.status, 200);
    collector.wait_seen(1).await;
    assert_eq!(client.post(&path, &[], &body).await.status, 200);
    drop(client);

    let clock = Clock::system();
    let began = clock.now();
    program.signal("-TERM");
    let (code, log) = program.end();
    let took = clock.now() - began;

    assert_eq!(code, Some(0), "{log}");
    assert!(took < Duration::from_secs(4), "it took {took:?}");
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let lost = lines.find_map(|line| line["lost"].as_u64());
    assert_eq!(lost, Some(4), "a span for each request and each attempt: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_told_with_the_conventions_names_too() {
    let (sim, collector) = (simulator().await, collector().await);
    let to = to(&collector).replace("metrics: false", "traces: false");
    let folder = folder_with(&(two_accounts(&sim, "sk-sim-500", "sk-sim-ok") + &to));
    let program = Program::start(folder.path(), false);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &[("traceparent", PARENT)], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    drop(client);
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));

    assert_eq!(parents(&sim), [PARENT, PARENT], "no traces are told, so none is changed");
    let seen = collector.seen();
    let last = seen.last().unwrap();
    assert_eq!(last.path_and_query, "/v1/metrics");
    let export = ExportMetricsServiceRequest::decode(last.body.clone()).unwrap();
    let metrics = &export.resource_metrics[0].scope_metrics[0].metrics;
    let metric = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap();
    let histogram = |name: &str| match &metric(name).data {
        Some(Data::Histogram(histogram)) => histogram.data_points.clone(),
        other => panic!("{other:?}"),
    };
    let seconds = histogram("gen_ai.client.operation.duration");
    let errors: Vec<_> =
        seconds.iter().map(|point| texts(&point.attributes).remove("error.type")).collect();
    assert_eq!(seconds.len(), 2, "{seconds:?}");
    assert!(errors.contains(&None) && errors.contains(&Some("server_error".to_owned())));
    for point in &seconds {
        let told = texts(&point.attributes);
        assert_eq!(
            (&*told["gen_ai.operation.name"], &*told["gen_ai.provider.name"]),
            ("chat", "chat")
        );
        assert_eq!(told["gen_ai.request.model"], "other", "a client's word is no label");
        assert_eq!((point.count, point.bucket_counts.iter().sum()), (1, 1_u64));
        assert_eq!(point.explicit_bounds.len() + 1, point.bucket_counts.len());
    }
    let tokens = histogram("gen_ai.client.token.usage");
    let kinds: Vec<_> =
        tokens.iter().map(|point| texts(&point.attributes)["gen_ai.token.type"].clone()).collect();
    assert!(kinds.contains(&"input".to_owned()) && kinds.contains(&"output".to_owned()));
    let Some(Data::Sum(attempts)) = &metric("omniroute_attempts_total").data else {
        panic!("a counter is a sum")
    };
    assert!(attempts.is_monotonic && attempts.data_points.len() == 2);
    assert_eq!(metric("omniroute_request_seconds").unit, "s");
    let names: Vec<&str> = metrics.iter().map(|metric: &Metric| &*metric.name).collect();
    assert!(names.contains(&"process_resident_memory_bytes"), "{names:?}");
}
