//! How long a client waits, as far as it says.
//!
//! A second attempt that begins after the client has given up is paid for and read by nobody.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

/// Headers in which the vendors' libraries say their time limit, in seconds: Anthropic's and OpenAI's
/// (the limit of one read), Google's (of the whole request).
static HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-stainless-timeout"),
    HeaderName::from_static("x-stainless-read-timeout"),
    HeaderName::from_static("x-server-timeout"),
];

/// Returns the shortest limit that a request names. What is no positive number of seconds is ignored.
pub fn of_client(headers: &HeaderMap) -> Option<Duration> {
    let seconds = HEADERS.iter().filter_map(|name| headers.get(name)?.to_str().ok()?.parse().ok());
    let waits = seconds.filter_map(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    waits.filter(|wait| !wait.is_zero()).min()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_shortest_limit_counts_and_nonsense_does_not() {
        let check = |pairs: &[(&'static str, &'static str)], expected: Option<u64>| {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| {
                    (HeaderName::from_static(name), HeaderValue::from_static(value))
                })
                .collect();
            assert_eq!(of_client(&headers), expected.map(Duration::from_millis), "{pairs:?}");
        };
        check(&[("x-stainless-timeout", "600")], Some(600_000));
        check(&[("x-stainless-read-timeout", "600"), ("x-server-timeout", "1.5")], Some(1_500));
        check(&[("x-stainless-timeout", "0")], None);
        check(&[("x-stainless-timeout", "-3")], None);
        check(&[("x-stainless-timeout", "NaN")], None);
        check(&[("x-stainless-timeout", "1e400")], None);
        check(&[("x-stainless-timeout", "NOT_GIVEN")], None);
        check(&[], None);
    }
}
