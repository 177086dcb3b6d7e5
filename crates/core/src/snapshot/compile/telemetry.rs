//! Where traces and metrics go: the file's, and what it leaves open from the environment, by the names of
//! OpenTelemetry's specification (SDK configuration, and OTLP exporter).

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::secrets::Secrets;
use crate::config::report::{Place, Report, Spot};
use crate::config::telemetry::{OtlpText, TelemetryText};
use crate::snapshot::{Collector, Telemetry};
use crate::trace::Sampler;

/// What this program calls itself.
const SERVICE_NAME: &str = "omniroute";
/// The only transport there is.
const PROTOCOL: &str = "http/protobuf";

/// One signal: its word in the names of variables, and its path.
struct Signal {
    word: &'static str,
    path: &'static str,
}

const TRACES: Signal = Signal { word: "TRACES", path: "/v1/traces" };
const METRICS: Signal = Signal { word: "METRICS", path: "/v1/metrics" };

/// Joins file and environment; `None` if nothing is to be told.
pub(super) fn compile(
    written: &TelemetryText,
    secrets: &Secrets<'_>,
    report: &Report,
) -> Option<Telemetry> {
    let environment = Environment { env: secrets.env, report };
    if environment.is_true("OTEL_SDK_DISABLED") {
        return None;
    }
    let none = OtlpText::default();
    let otlp = written.otlp.as_ref().unwrap_or(&none);
    let headers = file_headers(otlp, secrets, report);
    let collector = |signal: &Signal, wanted: Option<bool>| {
        if !wanted.unwrap_or_else(|| environment.wants(signal)) {
            return None;
        }
        match &otlp.endpoint {
            Some(endpoint) => in_file(endpoint, signal, report),
            None => environment.collector(signal),
        }
        .map(|found| Collector {
            headers: if headers.is_empty() { environment.headers(signal) } else { headers.clone() },
            ..found
        })
    };
    let traces = collector(&TRACES, otlp.traces);
    let metrics = collector(&METRICS, otlp.metrics);
    if traces.is_none() && metrics.is_none() {
        return None;
    }
    let sampler = match otlp.sample {
        Some(share) => Sampler { follows_parent: true, share },
        None => environment.sampler(),
    };
    Some(Telemetry {
        traces,
        metrics,
        sampler,
        resource: environment.resource(),
        batch_delay: environment.millis("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5)),
        metric_interval: environment.millis("OTEL_METRIC_EXPORT_INTERVAL", Duration::from_secs(60)),
        timeout: environment.millis("OTEL_EXPORTER_OTLP_TIMEOUT", Duration::from_secs(10)),
    })
}

fn in_file(endpoint: &Spot<String>, signal: &Signal, report: &Report) -> Option<Collector> {
    Collector::parse(&endpoint.value, signal.path)
        .map_err(|what| report.add_with(&endpoint.place, what, "write `http://127.0.0.1:4318`"))
        .ok()
}

fn file_headers(
    otlp: &OtlpText,
    secrets: &Secrets<'_>,
    report: &Report,
) -> Vec<(HeaderName, HeaderValue)> {
    let read = otlp.headers.iter().filter_map(|(name, value)| {
        let value = secrets.fetch(value, &name.place, report)?;
        let read = header(&name.value, value.expose());
        if read.is_none() {
            report.add(&name.place, "this is no header");
        }
        read
    });
    read.collect()
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::try_from(name).ok()?, value))
}

/// What the environment says. An empty variable counts as not set, as the specification has it.
struct Environment<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    report: &'a Report,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.env)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The variable of one signal, else of all; with its name.
    fn of_signal(&self, signal: &Signal, what: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.word);
        let names = [own, format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| self.get(&name).map(|value| (name, value)))
    }

    /// Says that a variable is wrong, without its value: it may be a secret.
    fn fault(&self, name: &str, what: &str, hint: &str) {
        self.report.add_with(&Place::outside("environment"), format!("{name}: {what}"), hint);
    }

    /// Tells whether a signal goes over OTLP; it may have another exporter, or none.
    fn wants(&self, signal: &Signal) -> bool {
        let exporter = self.get(&format!("OTEL_{}_EXPORTER", signal.word));
        exporter.is_none_or(|exporter| exporter == "otlp")
    }

    fn collector(&self, signal: &Signal) -> Option<Collector> {
        let (name, address) = self.of_signal(signal, "ENDPOINT")?;
        if let Some((name, protocol)) = self.of_signal(signal, "PROTOCOL")
            && protocol != PROTOCOL
        {
            self.fault(&name, "only `http/protobuf` is spoken here", "use port 4318 and that");
            return None;
        }
        let path = if name.contains(signal.word) { "" } else { signal.path };
        Collector::parse(&address, path)
            .map_err(|what| self.fault(&name, what, "write `http://127.0.0.1:4318`, or unset it"))
            .ok()
    }

    fn headers(&self, signal: &Signal) -> Vec<(HeaderName, HeaderValue)> {
        let Some((name, list)) = self.of_signal(signal, "HEADERS") else { return Vec::new() };
        self.pairs(&name, &list)
            .filter_map(|(key, value)| {
                let read = header(&key, &value);
                if read.is_none() {
                    self.fault(&name, "one of them is no header", "write `name=value,name=value`");
                }
                read
            })
            .collect()
    }

    /// Attributes of the resource. `OTEL_SERVICE_NAME` goes before a `service.name` in the list.
    fn resource(&self) -> Vec<(Box<str>, Box<str>)> {
        const LIST: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let list = self.get(LIST).unwrap_or_default();
        let mut found: Vec<(Box<str>, Box<str>)> =
            self.pairs(LIST, &list).map(|(name, value)| (name.into(), value.into())).collect();
        let named = found.iter().position(|(name, _)| &**name == "service.name");
        let listed = named.map(|at| found.remove(at).1);
        let name = self.get("OTEL_SERVICE_NAME").map(Into::into).or(listed);
        found.insert(0, ("service.name".into(), name.unwrap_or_else(|| SERVICE_NAME.into())));
        found
    }

    /// Reads `name=value,name=value` with percent-encoded values (W3C Baggage).
    fn pairs<'l>(
        &'l self,
        name: &'l str,
        list: &'l str,
    ) -> impl Iterator<Item = (String, String)> + 'l {
        list.split(',').map(str::trim).filter(|pair| !pair.is_empty()).filter_map(move |pair| {
            let Some((key, value)) = pair.split_once('=') else {
                self.fault(name, "a part has no `=`", "write `name=value,name=value`");
                return None;
            };
            let value = percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
            Some((key.trim().to_owned(), value))
        })
    }

    fn sampler(&self) -> Sampler {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let Some(word) = self.get(NAME) else { return Sampler::default() };
        let follows_parent = word.starts_with("parentbased_");
        let share = match word.trim_start_matches("parentbased_") {
            "always_on" => Some(1.0),
            "always_off" => Some(0.0),
            "traceidratio" => Some(self.share()),
            _ => None,
        };
        let Some(share) = share else {
            let hint = "write `parentbased_traceidratio`, `traceidratio`, or one with `always_on` or `always_off`";
            self.fault(NAME, "no such sampler is known here", hint);
            return Sampler::default();
        };
        Sampler { follows_parent, share }
    }

    fn share(&self) -> f64 {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = self.get(NAME) else { return 1.0 };
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.unwrap_or_else(|| {
            self.fault(NAME, "this is not a share from 0 to 1", "write `0.1`");
            1.0
        })
    }

    fn millis(&self, name: &str, default: Duration) -> Duration {
        let Some(text) = self.get(name) else { return default };
        match text.parse() {
            Ok(millis) if millis > 0 => Duration::from_millis(millis),
            _ => {
                self.fault(name, "this is no number of milliseconds above 0", "write `5000`");
                default
            }
        }
    }
}
