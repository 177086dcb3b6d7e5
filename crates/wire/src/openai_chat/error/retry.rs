//! Waits that an error's text asks for: "try again in 20s", "Please retry in 48.9s", "6m0s".

use std::time::Duration;

/// Longest wait that is believed; a wrong number must not retire an account for good.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Phrases after which a wait stands.
const PHRASES: &[&str] = &["try again in ", "retry in ", "retry after ", "wait "];

/// Returns the wait a message asks for.
pub(super) fn in_text(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    PHRASES.iter().find_map(|phrase| {
        let start = message.find(phrase)? + phrase.len();
        duration(&message[start..])
    })
}

/// Reads a duration such as `20s`, `1m30.5s`, `350ms` or `20 seconds` at the start of a text.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut found = false;
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let Ok(number) = rest[..digits].parse::<f64>() else { break };
        let tail = rest[digits..].trim_start_matches(' ');
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let Some(scale) = scale(&tail[..letters]) else { break };
        seconds += number * scale;
        found = true;
        rest = &tail[letters..];
    }
    found.then(|| Duration::try_from_secs_f64(seconds).map_or(LONGEST, |wait| wait.min(LONGEST)))
}

fn scale(unit: &str) -> Option<f64> {
    match unit {
        "ms" | "milliseconds" => Some(0.001),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60.0),
        "h" | "hour" | "hours" => Some(3600.0),
        _ => None,
    }
}
