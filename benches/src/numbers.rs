//! Medians with their extremes, and whether a target is met.

use std::time::Duration;

use serde::Serialize;

/// A median and its extremes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// A number that must stay under a target, or reach it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Limit {
    pub(crate) value: Spread,
    pub(crate) target: f64,
    pub(crate) is_reached: bool,
}

impl Spread {
    /// Returns median, minimum and maximum; zeros if there is no value.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 || sorted.is_empty() {
            at(middle)
        } else {
            f64::midpoint(at(middle - 1), at(middle))
        };
        Self { median, least: at(0), most: at(sorted.len().saturating_sub(1)) }
    }

    /// Compares round by round: both were measured within seconds, so both saw the same machine.
    pub(crate) fn paired<T>(ones: &[T], others: &[T], compare: impl Fn(&T, &T) -> f64) -> Self {
        let compared = ones.iter().zip(others).map(|(one, other)| compare(one, other));
        Self::of(&compared.collect::<Vec<_>>())
    }
}

/// A median and a 99th percentile of one round, in microseconds.
pub(crate) type Times = [f64; 2];

/// Returns how much later than `others` the `ones` are, round by round: the median's and the 99th
/// percentile's difference.
pub(crate) fn added(ones: &[Times], others: &[Times]) -> [Spread; 2] {
    [0, 1].map(|which| Spread::paired(ones, others, |one, other| one[which] - other[which]))
}

/// Returns a time in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Writes a spread as a table has it.
pub(crate) fn with_extremes(Spread { median, least, most }: Spread, decimals: usize) -> String {
    format!("{median:.decimals$} ({least:.decimals$}–{most:.decimals$})")
}

impl Limit {
    /// The median must be less than the target.
    pub(crate) fn under(value: Spread, target: f64) -> Self {
        Self { value, target, is_reached: value.median < target }
    }

    /// The median must be the target or more.
    pub(crate) fn at_least(value: Spread, target: f64) -> Self {
        Self { value, target, is_reached: value.median >= target }
    }
}

/// Returns what a table says of a target.
pub(crate) const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "NO" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn spread(median: f64, least: f64, most: f64) -> Spread {
        Spread { median, least, most }
    }

    #[test]
    fn medians_stand_in_the_middle_whatever_the_order() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of(&[4.0, 1.0]), spread(2.5, 1.0, 4.0));
        assert_eq!(Spread::of(&[]), spread(0.0, 0.0, 0.0));
    }

    #[test]
    fn rounds_are_compared_with_those_of_the_same_time() {
        let paired =
            Spread::paired(&[30.0, 60.0, 90.0], &[20.0, 40.0, 30.0], |one, other| one / other);

        assert_eq!(paired, spread(1.5, 1.5, 3.0));
    }

    #[test]
    fn what_is_added_is_a_difference_within_a_round() {
        let (ones, others) = ([[5.0, 50.0], [9.0, 70.0]], [[4.0, 45.0], [6.0, 69.0]]);

        assert_eq!(added(&ones, &others), [spread(2.0, 1.0, 3.0), spread(3.0, 1.0, 5.0)]);
    }

    #[test]
    fn a_limit_is_reached_only_below_its_target_and_a_floor_from_it_on() {
        assert!(Limit::under(spread(299.9, 0.0, 900.0), 300.0).is_reached);
        assert!(!Limit::under(spread(300.0, 0.0, 900.0), 300.0).is_reached);
        assert!(Limit::at_least(spread(0.7, 0.0, 1.0), 0.7).is_reached);
        assert!(!Limit::at_least(spread(0.69, 0.0, 1.0), 0.7).is_reached);
    }
}
