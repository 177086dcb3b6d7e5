//! Values with units: durations, sizes, money, times.
//!
//! Each reader returns `None` for anything else; the caller knows the place and says what is expected.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// What a duration looks like, for messages.
pub const DURATION_FORM: &str =
    "write a whole number and a unit: `250ms`, `30s`, `5m`, `1h` or `1d`";
/// What a size looks like, for messages.
pub const SIZE_FORM: &str = "write bytes as a whole number, or a unit: `64KiB`, `32MiB` or `1GiB`";
/// What an amount of money looks like, for messages.
pub(crate) const MONEY_FORM: &str = "write US dollars with at most nine decimals: `$0.60`";
/// What a time looks like, for messages.
pub(crate) const TIME_FORM: &str =
    "write date, time and offset as in RFC 3339: `2027-01-01T00:00:00Z`";

/// Nanodollars of a dollar.
const NANODOLLARS: u64 = 1_000_000_000;
/// Most decimals of an amount of money.
const MONEY_DECIMALS: usize = 9;

/// Reads `250ms`, `30s`, `5m`, `1h`, `1d`.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let milliseconds_each: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds_each).map(Duration::from_millis)
}

/// Reads bytes: `1024`, `64KiB`, `32MiB`, `1GiB`.
pub fn size(text: &str) -> Option<usize> {
    let (number, unit) = split_unit(text)?;
    let bytes_each: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes_each).and_then(|bytes| usize::try_from(bytes).ok())
}

/// Reads `$0.60` as billionths of a dollar, exactly.
pub(crate) fn money(text: &str) -> Option<u64> {
    let amount = text.strip_prefix('$')?;
    let (whole, decimals) = match amount.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, decimals)) => (whole, decimals),
        None => (amount, ""),
    };
    if decimals.len() > MONEY_DECIMALS {
        return None;
    }
    let nanodollars = if decimals.is_empty() {
        0
    } else {
        digits(decimals)?
            .checked_mul(10_u64.pow(u32::try_from(MONEY_DECIMALS - decimals.len()).ok()?))?
    };
    digits(whole)?.checked_mul(NANODOLLARS)?.checked_add(nanodollars)
}

/// Reads an RFC 3339 time.
pub(crate) fn time(text: &str) -> Option<SystemTime> {
    // A date alone or a time without offset would mean another moment on each machine.
    let timestamp: Timestamp = text.parse().ok()?;
    Some(SystemTime::from(timestamp))
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((digits(number)?, unit))
}

/// Reads a number of ASCII digits only: no sign, no separators.
fn digits(text: &str) -> Option<u64> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if only_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, expected) in [
            ("0ms", Some(0)),
            ("250ms", Some(250)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("1d", Some(86_400_000)),
            ("30", None),
            ("", None),
            ("s", None),
            ("1.5s", None),
            ("-1s", None),
            ("+1s", None),
            ("1 s", None),
            ("1S", None),
            ("1h30m", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("64KiB", Some(65_536)),
            ("32MiB", Some(33_554_432)),
            ("1GiB", Some(1_073_741_824)),
            ("10B", Some(10)),
            ("10MB", None),
            ("10 MiB", None),
            ("10mib", None),
            ("1.5MiB", None),
            ("-1", None),
            ("", None),
            ("18446744073709551615GiB", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }

    #[test]
    fn money_is_exact_to_the_nanodollar() {
        for (text, expected) in [
            ("$0", Some(0)),
            ("$0.60", Some(600_000_000)),
            ("$50", Some(50_000_000_000)),
            ("$0.000000001", Some(1)),
            ("$1.10", Some(1_100_000_000)),
            ("0.60", None),
            ("$", None),
            ("$.5", None),
            ("$5.", None),
            ("$-1", None),
            ("$1,000", None),
            ("$1.0000000001", None),
            ("$99999999999999", None),
        ] {
            assert_eq!(money(text), expected, "{text}");
        }
    }

    #[test]
    fn times_need_an_offset() {
        let new_year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600);
        for (text, expected) in [
            ("2027-01-01T00:00:00Z", Some(new_year)),
            ("2027-01-01T01:00:00+01:00", Some(new_year)),
            ("2027-01-01", None),
            ("2027-01-01T00:00:00", None),
            ("tomorrow", None),
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
    }
}
