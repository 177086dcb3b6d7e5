//! Amounts of money as the administration reads and writes them: exact to the last digit, whatever the
//! client makes of a number.

use omniroute_core::money::Nanodollars;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::problem::Problem;

/// Most decimals of an amount in dollars.
const MAX_DECIMALS: usize = 9;

/// What a request has to write.
const FORM: &str = "write dollars with at most nine decimals, such as 50.00";

/// A number of dollars: all digits of the amount, as the existing product's fields have it. Not for
/// `serde_json::Value`, whose numbers are floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = f64)]
pub(super) struct Usd(pub(super) Nanodollars);

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0.in_digits()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Makes a JSON number of its digits.
///
/// # Errors
///
/// That it is none.
pub(super) fn number(digits: String) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(digits)
}

/// What an amount in a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// An amount, in the form of the configuration: `$50.00`.
    Amount(String),
    /// `null`: there is to be none.
    Nothing,
}

/// Describes an amount in a request: a number of dollars or a text of one; `null` takes it away.
pub(super) fn schema() -> Object {
    let types = [Type::Number, Type::String, Type::Null];
    ObjectBuilder::new().schema_type(SchemaType::from_iter(types)).build()
}

/// Reads an amount: a number or a text of one, digit by digit. Zero is left to the caller.
///
/// # Errors
///
/// That it is no amount.
pub(super) fn read(field: &str, raw: &RawValue) -> Result<Given, Problem> {
    let raw = raw.get().trim();
    if raw == "null" {
        return Ok(Given::Nothing);
    }
    let text = match raw.strip_prefix('"') {
        Some(_) => serde_json::from_str(raw).unwrap_or_default(),
        None => raw.to_owned(),
    };
    let digits = text.strip_prefix('$').unwrap_or(&text);
    let plain = without_exponent(digits);
    if is_amount(&plain) {
        return Ok(Given::Amount(format!("${plain}")));
    }
    Err(Problem::field(field, format!("`{}` is no amount; {FORM}", shortened(raw))))
}

/// Refuses an amount of nothing.
///
/// # Errors
///
/// That the amount is zero.
pub(super) fn above_zero(field: &str, given: Given) -> Result<Given, Problem> {
    let is_zero = |amount: &str| amount.chars().all(|c| matches!(c, '$' | '0' | '.'));
    match &given {
        Given::Amount(amount) if is_zero(amount) => {
            Err(Problem::field(field, "it has to be above 0; DELETE takes a budget away"))
        }
        _ => Ok(given),
    }
}

fn is_amount(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_digits(whole) && is_digits(decimals) && decimals.len() <= MAX_DECIMALS
}

/// Writes a number such as `1.5e-7`, as some writers of JSON have small ones, with all its digits. What is no
/// such number, or has more digits than an amount, stays.
fn without_exponent(text: &str) -> String {
    let written = || {
        let (mantissa, exponent) = text.split_once(['e', 'E'])?;
        let exponent: i32 =
            exponent.parse().ok().filter(|exponent| (-20..=20).contains(exponent))?;
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{decimals}");
        let point = i32::try_from(whole.len()).ok()? + exponent;
        let before = usize::try_from(point.max(0)).ok()?;
        let zeros = usize::try_from((1 - point).max(0)).ok()?;
        let padded = format!("{}{digits}{}", "0".repeat(zeros), "0".repeat(before));
        let (whole, rest) = padded.split_at_checked(before.max(1))?;
        let decimals = rest.trim_end_matches('0');
        Some(if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") })
    };
    written().unwrap_or_else(|| text.to_owned())
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit_in_both_directions() {
        let written = |nanodollars| {
            serde_json::to_string(&Usd(Nanodollars::new(nanodollars))).unwrap_or_default()
        };
        assert_eq!(written(u64::MAX), "18446744073.709551615");
        assert_eq!(written(1), "0.000000001");
        for (json, expected) in [
            ("50.00", Some("$50.00")),
            ("18446744073.709551615", Some("$18446744073.709551615")),
            ("\"$0.6\"", Some("$0.6")),
            ("\"7\"", Some("$7")),
            ("-1", None),
            ("1e3", Some("$1000")),
            ("1.25e1", Some("$12.5")),
            ("1E-9", Some("$0.000000001")),
            ("2.5e-7", Some("$0.00000025")),
            ("1e-10", None),
            ("1e99", None),
            ("-1e2", None),
            ("0.0000000001", None),
            ("\"\"", None),
            ("[1]", None),
            ("true", None),
        ] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            let read = read("limit", &raw).ok();
            assert_eq!(read, expected.map(|text| Given::Amount(text.to_owned())), "{json}");
        }
        assert!(above_zero("limit", Given::Amount("$0.000".to_owned())).is_err());
        assert!(above_zero("limit", Given::Amount("$0.001".to_owned())).is_ok());
    }
}
