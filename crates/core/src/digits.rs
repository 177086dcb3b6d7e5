//! Numbers written into text for every answer, where the machinery of `format!` would be most of the cost.

use http::HeaderValue;

const BILLION: u64 = 1_000_000_000;

/// Appends a whole number.
pub fn whole(number: u64, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Makes a header's value of a whole number. The value's own `From` writes into a buffer that can grow, which is
/// allocated twice.
pub fn header(number: impl itoa::Integer) -> HeaderValue {
    let value = HeaderValue::from_str(itoa::Buffer::new().format(number));
    // Digits can stand in a header.
    value.unwrap_or(HeaderValue::from_static(""))
}

/// Hands a decimal fraction to `put`, piece by piece, without the zeros at its end, but with at least `least`
/// decimals. Without decimals it has no point.
///
/// `billionths` are less than a billion; what is beyond counts as all nines.
pub fn fraction(number: u64, billionths: u64, least: usize, mut put: impl FnMut(&str)) {
    let mut buffer = itoa::Buffer::new();
    put(buffer.format(number));
    // The one in front keeps the zeros behind it.
    let decimals = &buffer.format(BILLION + billionths.min(BILLION - 1))[1..];
    let said = decimals.bytes().rposition(|digit| digit != b'0').map_or(0, |last| last + 1);
    let kept = said.max(least).min(decimals.len());
    if kept > 0 {
        put(".");
        put(&decimals[..kept]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headers_value_is_the_numbers_digits() {
        for number in [0_u64, 7, u64::MAX] {
            assert_eq!(header(number), HeaderValue::from(number));
        }
    }

    #[test]
    fn fractions_have_the_decimals_they_need() {
        let check = |number, billionths, least, expected: &str| {
            let mut text = String::new();
            fraction(number, billionths, least, |piece| text.push_str(piece));
            assert_eq!(text, expected);
        };
        check(0, 0, 0, "0");
        check(0, 0, 2, "0.00");
        check(59, 500_000_000, 0, "59.5");
        check(59, 500_000_000, 2, "59.50");
        check(7, 75, 2, "7.000000075");
        check(u64::MAX, 999_999_999, 12, "18446744073709551615.999999999");
    }
}
