//! Which configuration is in force, and whether the file is.

use prometheus::{IntCounter, IntGauge};

use super::roll::Roll;

/// The metrics of reloads.
#[derive(Debug)]
pub(super) struct ConfigMetrics {
    revision: IntGauge,
    reload_failures: IntCounter,
    file_refused: IntGauge,
    certificate_refused: IntGauge,
}

impl ConfigMetrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            revision: IntGauge::new(
                "omniroute_config_revision",
                "Number of the configuration in force.",
            )?,
            reload_failures: IntCounter::new(
                "omniroute_config_reload_failures_total",
                "Reloads refused because the file had problems.",
            )?,
            file_refused: IntGauge::new(
                "omniroute_config_file_refused",
                "Whether the file has problems and an older configuration is in force: 1, else 0.",
            )?,
            certificate_refused: IntGauge::new(
                "omniroute_certificate_refused",
                "Whether the files of `server.tls` cannot be used and an older certificate is in force: 1, else 0.",
            )?,
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.revision.clone()))?;
        roll.register(Box::new(self.reload_failures.clone()))?;
        roll.register(Box::new(self.file_refused.clone()))?;
        roll.register(Box::new(self.certificate_refused.clone()))
    }

    pub(super) fn published(&self, revision: u64) {
        self.revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
        self.file_refused.set(0);
    }

    pub(super) fn observe_certificate(&self, is_refused: bool) {
        self.certificate_refused.set(is_refused.into());
    }

    pub(super) fn refused(&self) {
        self.reload_failures.inc();
        self.file_refused.set(1);
    }
}
