//! Budgets that a change brings: what was spent in their windows before counts, as it does after a restart.

use jiff::Timestamp;
use omniroute_core::clock::Clock;
use omniroute_core::snapshot::Snapshot;

use super::Archive;

/// Lets new budgets begin with what the records say, before anything is served under them.
///
/// From the first moment on calls count as they end; records are read up to this millisecond, so that a
/// call which ends in it counts twice rather than not at all.
pub(super) fn begin(snapshot: &Snapshot, archive: &dyn Archive, clock: &Clock) {
    let now = clock.timestamp();
    let ms = |time: Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
    for key in snapshot.client_keys.iter() {
        for budget in key.budgets.iter() {
            let Some(window) = key.purse.begin(budget, now) else { continue };
            let span = ms(window.start)..ms(now).saturating_add(1);
            if let Some(spent) = archive.spent(key.name.as_str(), span) {
                key.purse.add_earlier(budget, spent, now);
            }
        }
    }
}
