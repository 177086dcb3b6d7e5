//! Processor time of another process, from `/proc`.
//!
//! Nanoseconds come from the scheduler's account of every thread (`/proc/PID/task/TID/schedstat`,
//! Documentation/scheduler/sched-stats.rst). A thread that ends takes its account along; then, and where
//! the kernel keeps none, the process's clock ticks are used, which keep ended threads but come in
//! hundredths of a second. The ticks also tell user from kernel time.

use std::collections::BTreeMap;
use std::time::Duration;
use std::{fs, io};

/// Length of a clock tick; `USER_HZ` is 100 on every architecture this runs on.
const TICK: Duration = Duration::from_millis(10);

/// Place of `utime` in `/proc/PID/stat`, counted from the field behind the name (proc(5): field 14).
const USER_FIELD: usize = 11;

/// What a process had used when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CpuReading {
    /// Nanoseconds by thread.
    threads: BTreeMap<u32, u64>,
    user_ticks: u32,
    kernel_ticks: u32,
}

/// What a process has used between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CpuUse {
    /// User and kernel time of all threads.
    pub(crate) total: Duration,
    /// The kernel's part of it, from 0 to 1.
    pub(crate) kernel_share: f64,
}

impl CpuReading {
    /// Reads what a process has used since it began.
    ///
    /// # Errors
    ///
    /// If there is no such process, or its numbers are not as documented.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let (user_ticks, kernel_ticks) =
            ticks(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
                .ok_or_else(|| io::Error::other("unknown form of /proc/PID/stat"))?;
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let entry = entry?;
            let thread = entry.file_name().to_str().and_then(|name| name.parse().ok());
            // A thread may end between the listing and the reading, and a kernel may keep no account.
            let account = fs::read_to_string(entry.path().join("schedstat")).ok();
            if let (Some(thread), Some(spent)) = (thread, account.as_deref().and_then(nanoseconds))
            {
                threads.insert(thread, spent);
            }
        }
        Ok(Self { threads, user_ticks, kernel_ticks })
    }

    /// Returns what was used since an earlier reading of the same process.
    pub(crate) fn since(&self, earlier: &Self) -> CpuUse {
        let user = self.user_ticks.saturating_sub(earlier.user_ticks);
        let kernel = self.kernel_ticks.saturating_sub(earlier.kernel_ticks);
        let ticks = user + kernel;
        let kernel_share = if ticks == 0 { 0.0 } else { f64::from(kernel) / f64::from(ticks) };
        let is_complete = !self.threads.is_empty()
            && earlier.threads.keys().all(|thread| self.threads.contains_key(thread));
        let total = if is_complete {
            let spent = |reading: &Self| reading.threads.values().sum::<u64>();
            Duration::from_nanos(spent(self).saturating_sub(spent(earlier)))
        } else {
            TICK * ticks
        };
        CpuUse { total, kernel_share }
    }
}

/// Reads `utime` and `stime` of `/proc/PID/stat`; the name may hold blanks and brackets.
fn ticks(stat: &str) -> Option<(u32, u32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(USER_FIELD);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Reads the first number of `schedstat`: time on the processor.
fn nanoseconds(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(threads: &[(u32, u64)], user_ticks: u32, kernel_ticks: u32) -> CpuReading {
        CpuReading { threads: threads.iter().copied().collect(), user_ticks, kernel_ticks }
    }

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 31 12 0 0 20 0 4 0 9 1 2\n";

        assert_eq!(ticks(stat), Some((31, 12)));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn nanoseconds_of_all_threads_count_also_of_new_ones() {
        let before = reading(&[(1, 100), (2, 1_000)], 10, 10);
        let after = reading(&[(1, 150), (2, 4_000), (3, 7)], 13, 11);

        let used = after.since(&before);

        assert_eq!(used.total, Duration::from_nanos(3_057));
        assert!((used.kernel_share - 0.25).abs() < 1e-9);
    }

    #[test]
    fn ticks_count_when_a_thread_took_its_account_along() {
        let before = reading(&[(1, 100), (2, 1_000)], 10, 10);
        let after = reading(&[(1, 150)], 12, 11);

        assert_eq!(after.since(&before).total, Duration::from_millis(30));
        assert_eq!(reading(&[], 1, 1).since(&reading(&[], 1, 0)).total, Duration::from_millis(10));
    }

    #[test]
    fn a_busy_process_is_seen_to_be_busy() {
        let own = std::process::id();
        let before = CpuReading::of(own).unwrap();
        let begun = crate::clock::now();

        let wanted = Duration::from_millis(20);
        let mut used = Duration::ZERO;
        while used < wanted && begun.elapsed() < Duration::from_secs(30) {
            used = CpuReading::of(own).unwrap().since(&before).total;
        }

        assert!(used >= wanted, "reading /proc over and over takes time, {used:?}");
    }
}
