//! The program itself: what it is, what runs, whether it is stopping, what the system says of it.

use prometheus::{IntCounter, IntGauge, Opts};

use super::roll::Roll;

/// The metrics of the process.
#[derive(Debug)]
pub(super) struct ProcessMetrics {
    pub(super) in_flight: IntGauge,
    pub(super) draining: IntGauge,
    access_log_dropped: IntCounter,
}

impl ProcessMetrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            in_flight: IntGauge::new("omniroute_requests_in_flight", "Requests being served now.")?,
            draining: IntGauge::new(
                "omniroute_draining",
                "Whether the process is stopping and begins nothing new: 1, else 0.",
            )?,
            access_log_dropped: IntCounter::new(
                "omniroute_access_log_dropped_total",
                "Lines of the access log that were dropped because standard error is not read.",
            )?,
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.in_flight.clone()))?;
        roll.register(Box::new(self.draining.clone()))?;
        roll.register(Box::new(self.access_log_dropped.clone()))?;
        let build = IntGauge::with_opts(
            Opts::new("omniroute_build_info", "Always 1; the label tells the version.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1);
        roll.register(Box::new(build))?;
        #[cfg(target_os = "linux")]
        roll.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(())
    }

    /// Takes over how many lines were dropped since the start.
    pub(super) fn observe_log(&self, dropped: u64) {
        self.access_log_dropped.inc_by(dropped.saturating_sub(self.access_log_dropped.get()));
    }
}
