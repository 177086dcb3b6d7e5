//! What a process holds, and whether it grows.

use std::fs;

/// Returns the resident memory of a process in KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Returns how many descriptors a process has open.
pub(super) fn descriptors(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64
}

/// A line through measurements (least squares).
#[derive(Default)]
pub(super) struct Slope {
    points: Vec<(f64, f64)>,
    /// The largest of them.
    pub(super) most: u64,
}

impl Slope {
    pub(super) fn add(&mut self, second: u64, value: u64) {
        self.most = self.most.max(value);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        self.points.push((second as f64, value as f64));
    }

    /// Returns how long was measured, in minutes.
    pub(super) fn minutes(&self) -> f64 {
        let first = self.points.first().map_or(0.0, |point| point.0);
        self.points.last().map_or(0.0, |point| point.0 - first) / 60.0
    }

    /// Returns by how much the value grows per minute.
    pub(super) fn per_minute(&self) -> f64 {
        let mean = |of: fn(&(f64, f64)) -> f64| {
            let (sum, count) =
                self.points.iter().fold((0.0, 0.0), |(s, n), p| (s + of(p), n + 1.0));
            sum / count
        };
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let (over, under) = self.points.iter().fold((0.0, 0.0), |(over, under), p| {
            (over + (p.0 - x) * (p.1 - y), under + (p.0 - x) * (p.0 - x))
        });
        if under > 0.0 { over / under * 60.0 } else { 0.0 }
    }
}

#[test]
fn a_slope_is_per_minute() {
    let mut slope = Slope::default();
    for second in 0..10 {
        slope.add(second, 100 + 2 * second);
    }
    assert!((slope.per_minute() - 120.0).abs() < 1e-6, "{}", slope.per_minute());
    assert_eq!(slope.most, 118);
}
