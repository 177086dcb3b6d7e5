//! Windows of the calendar: days, weeks from Monday, months.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Daily,
    /// From Monday's midnight to the next.
    Weekly,
    /// From the first of a month to that of the next.
    Monthly,
}

/// A window of time, its end not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment of the next one.
    pub end: Timestamp,
}

impl Period {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Daily, Self::Weekly, Self::Monthly];

    /// Returns its name in YAML, messages and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// Returns the window that a moment is in.
    ///
    /// Midnight is the first moment of a day: where a change of the clocks skips it, the first after it;
    /// where it comes twice, the first of the two. So windows follow each other without a gap, and a day
    /// may have 23 or 25 hours. Beyond the calendar (year 9999) there is one window without an end.
    pub fn window(self, zone: &TimeZone, now: Timestamp) -> Window {
        let today = zone.to_datetime(now).date();
        let (first, length) = match self {
            Self::Daily => (Some(today), 1.day()),
            Self::Weekly => (monday(today), 1.week()),
            Self::Monthly => (Some(today.first_of_month()), 1.month()),
        };
        let bounds = first.and_then(|first| bounds(first, length, zone));
        bounds.unwrap_or(Window { start: Timestamp::MIN, end: Timestamp::MAX })
    }
}

fn monday(date: Date) -> Option<Date> {
    let days = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(days.days()).ok()
}

fn bounds(first: Date, length: Span, zone: &TimeZone) -> Option<Window> {
    let midnight = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    let next = first.checked_add(length).ok()?;
    Some(Window { start: midnight(first)?, end: midnight(next)? })
}
