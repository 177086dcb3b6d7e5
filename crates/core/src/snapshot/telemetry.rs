//! Where traces and metrics go (OTLP), ready to be used.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::BaseUrl;
use crate::secret::Secret;
use crate::trace::Sampler;

/// What is told over OTLP. It is only there if something is.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Where traces go; `None`: none are recorded.
    pub traces: Option<Collector>,
    /// Where metrics go; `None`: nowhere.
    pub metrics: Option<Collector>,
    /// Which requests are recorded.
    pub sampler: Sampler,
    /// Attributes of this gateway, `service.name` among them.
    pub resource: Vec<(Box<str>, Box<str>)>,
    /// How long spans wait for company. Default 5 s.
    pub batch_delay: Duration,
    /// Time between two reports of the metrics. Default 60 s.
    pub metric_interval: Duration,
    /// Time for one export. Default 10 s.
    pub timeout: Duration,
}

/// An endpoint that takes OTLP over HTTP.
#[derive(Clone, Debug)]
pub struct Collector {
    /// The host.
    pub endpoint: BaseUrl,
    /// Path and query. They may hold a token, so they are never shown.
    pub target: Secret,
    /// Headers of every export; usually credentials, and marked as such.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Collector {
    /// Reads the address of a collector; `signal` is appended to it (`/v1/traces`), empty for an address that
    /// is whole. It may hold a token, so no message repeats it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str, signal: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text.trim()).map_err(|_| "this is not a URL")?;
        let endpoint = BaseUrl::of_host(&url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL must not hold a user or password; send them in `headers`");
        }
        let path = match signal {
            "" => url.path().to_owned(),
            signal => format!("{}{signal}", url.path().trim_end_matches('/')),
        };
        let target = match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        Ok(Self { endpoint, target: Secret::new(target), headers: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signals_path_is_appended_to_an_address_of_all_signals_only() {
        for (text, signal, target) in [
            ("http://collector:4318", "/v1/traces", "/v1/traces"),
            ("http://collector:4318/", "/v1/traces", "/v1/traces"),
            ("https://x.example/otlp/", "/v1/metrics", "/otlp/v1/metrics"),
            ("https://x.example/in?token=canary", "/v1/traces", "/in/v1/traces?token=canary"),
            ("https://x.example/whole", "", "/whole"),
        ] {
            let collector = Collector::parse(text, signal).unwrap();
            assert_eq!(collector.target.expose(), target, "{text}");
            assert!(!format!("{collector:?}").contains("canary"));
        }
        for wrong in ["collector:4318", "localhost", "grpc://x:4317", "http://user:canary@x"] {
            let said = Collector::parse(wrong, "").unwrap_err();
            assert!(!said.contains("canary"), "{said}");
        }
    }
}
