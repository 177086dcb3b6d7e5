//! What could not be told over OTLP.

use prometheus::{IntCounterVec, Opts};

/// Why spans are dropped, by the words of `otel::Dropped`.
const REASONS: [&str; 3] = ["no_room", "failed", "refused"];

/// Makes the counter of spans that were dropped.
pub(super) fn dropped() -> Result<IntCounterVec, prometheus::Error> {
    let options = Opts::new(
        "omniroute_otel_dropped_total",
        "Spans that were not told, by why: no_room, failed, refused.",
    );
    let dropped = IntCounterVec::new(options, &["reason"])?;
    for reason in REASONS {
        dropped.with_label_values(&[reason]).reset();
    }
    Ok(dropped)
}
