//! What a provider's headers say of waiting, and of what is left of its limits.
//!
//! Names and forms: RFC 9110 (`retry-after`), OpenAI, Groq and Cerebras (`x-ratelimit-*-requests`,
//! durations such as `6m0s`), Anthropic (`anthropic-ratelimit-*`, RFC 3339; the subscriptions' `unified`
//! in seconds since 1970), Codex (`x-codex-*`), GitHub and OpenRouter (`x-ratelimit-reset` in seconds or
//! milliseconds since 1970), and the IETF draft (`ratelimit-remaining`, seconds).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{MAX_WAIT, believed};

/// Longest time until a limit's reset that is believed without having been refused: an account must
/// not be idle for a day because a proxy on the way sends nonsense.
const MAX_RESET: Duration = Duration::from_secs(3600);

/// Numbers above this are seconds since 1970, not a wait.
const EPOCH_SECONDS: f64 = 1.0e9;
/// Numbers above this are milliseconds since 1970.
const EPOCH_MILLISECONDS: f64 = 1.0e11;

/// What a provider says is left of one of its own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// How much.
    pub left: u64,
    /// Until it is full again.
    pub resets_in: Duration,
}

/// What a provider's answer says of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Of its limit of requests.
    pub requests: Option<Remaining>,
    /// Of its limit of tokens.
    pub tokens: Option<Remaining>,
}

/// One limit in a vendor's headers.
struct Family {
    remaining: HeaderName,
    reset: HeaderName,
}

impl Family {
    const fn new(remaining: &'static str, reset: &'static str) -> Self {
        Self {
            remaining: HeaderName::from_static(remaining),
            reset: HeaderName::from_static(reset),
        }
    }
}

/// What the names of all limits begin with.
const BEGINNINGS: [&str; 3] = ["x-ratelimit-", "anthropic-ratelimit-", "ratelimit-"];

/// Limits of requests.
static REQUESTS: [Family; 5] = [
    Family::new("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    Family::new("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day"),
    Family::new("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    Family::new("x-ratelimit-remaining", "x-ratelimit-reset"),
    Family::new("ratelimit-remaining", "ratelimit-reset"),
];

/// Limits of tokens.
static TOKENS: [Family; 5] = [
    Family::new("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    Family::new("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute"),
    Family::new("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    Family::new(
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    Family::new(
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
];

/// Windows of Codex subscriptions: a percentage used, and seconds until the window starts anew.
const CODEX: [(&str, &str); 2] = [
    ("x-codex-primary-used-percent", "x-codex-primary-reset-after-seconds"),
    ("x-codex-secondary-used-percent", "x-codex-secondary-reset-after-seconds"),
];

/// Returns the wait that a refusal's headers ask for.
///
/// Reads `retry-after-ms`, then `retry-after` in seconds or as an HTTP date (RFC 9110, section
/// 10.2.3), then the reset of the limits that are used up, the latest of them. Values that are none of
/// these are ignored, and so is what asks for more than [`super::MOST_ASKED`]; a date in the past is no wait. Waits are
/// cut to [`MAX_WAIT`].
pub fn header_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let asked = seconds(headers.get("retry-after-ms"), 0.001)
        .or_else(|| seconds(headers.get(http::header::RETRY_AFTER), 1.0))
        .or_else(|| date(headers.get(http::header::RETRY_AFTER), now));
    let reset = || reset_of_used_up(headers, now).map(|wait| wait.min(MAX_WAIT));
    asked.and_then(believed).or_else(reset)
}

/// Returns what a good answer's headers say is left, for requests and for tokens the scarcest.
pub fn told(headers: &HeaderMap, now: SystemTime) -> Told {
    // Most answers have none such, and to look for each would cost more.
    if !headers.keys().any(is_of_limit) {
        return Told::default();
    }
    let scarcest = |families: &[Family]| {
        families
            .iter()
            .filter_map(|family| remaining(family, headers, now))
            .map(|limit| Remaining { resets_in: limit.resets_in.min(MAX_RESET), ..limit })
            .min_by_key(|limit| (limit.left, std::cmp::Reverse(limit.resets_in)))
    };
    Told { requests: scarcest(&REQUESTS), tokens: scarcest(&TOKENS) }
}

fn is_of_limit(name: &HeaderName) -> bool {
    BEGINNINGS.iter().any(|beginning| name.as_str().starts_with(beginning))
}

fn reset_of_used_up(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let limits = REQUESTS.iter().chain(&TOKENS);
    let used_up = limits.filter_map(|family| remaining(family, headers, now));
    let resets = used_up.filter(|limit| limit.left == 0).map(|limit| limit.resets_in);
    resets.chain(unified(headers, now)).chain(codex(headers)).max()
}

/// Anthropic's subscriptions: one verdict over all windows, and when it ends.
fn unified(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let status = text(headers.get("anthropic-ratelimit-unified-status"))?;
    if status != "rejected" {
        return None;
    }
    reset(text(headers.get("anthropic-ratelimit-unified-reset"))?, now)
}

fn codex(headers: &HeaderMap) -> Option<Duration> {
    let used_up = CODEX.iter().filter(|(used, _)| {
        text(headers.get(*used))
            .and_then(|used| used.parse::<f64>().ok())
            .is_some_and(|p| p >= 100.0)
    });
    used_up.filter_map(|(_, reset)| seconds(headers.get(*reset), 1.0)).max()
}

fn remaining(family: &Family, headers: &HeaderMap, now: SystemTime) -> Option<Remaining> {
    let left: f64 = text(headers.get(&family.remaining))?.parse().ok()?;
    let resets_in = reset(text(headers.get(&family.reset))?, now)?;
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "saturates")]
    (!left.is_nan()).then_some(Remaining { left: left as u64, resets_in })
}

/// Reads a reset in any of the vendors' forms.
fn reset(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        let epoch = |seconds: f64| {
            let at = UNIX_EPOCH + Duration::try_from_secs_f64(seconds).ok()?;
            Some(at.duration_since(now).unwrap_or_default())
        };
        return match number {
            _ if number >= EPOCH_MILLISECONDS => epoch(number / 1000.0),
            _ if number >= EPOCH_SECONDS => epoch(number),
            _ => Duration::try_from_secs_f64(number).ok(),
        };
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(SystemTime::from(at).duration_since(now).unwrap_or_default());
    }
    parts(text)
}

/// Reads a duration such as `6m0s`, `1h2m3.5s` or `20ms`.
fn parts(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        sum += number
            * match &after[..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &after[unit..];
    }
    Duration::try_from_secs_f64(sum).ok().filter(|_| !text.is_empty())
}

fn seconds(value: Option<&HeaderValue>, unit: f64) -> Option<Duration> {
    let count: f64 = text(value)?.parse().ok()?;
    let seconds = count * unit;
    if !seconds.is_finite() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn date(value: Option<&HeaderValue>, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(text(value)?).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_all_limits_begin_as_they_are_looked_for() {
        for Family { remaining, reset } in REQUESTS.iter().chain(&TOKENS) {
            assert!(is_of_limit(remaining) && is_of_limit(reset), "{remaining} {reset}");
        }
        assert!(!is_of_limit(&http::header::RETRY_AFTER));
    }
}
