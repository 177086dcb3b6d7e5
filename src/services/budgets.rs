//! What budgets have spent before the process began, from the records of usage.

use jiff::Timestamp;
use omniroute_core::clock::Clock;
use omniroute_core::money::Nanodollars;
use omniroute_core::snapshot::{ClientKey, Snapshot};
use omniroute_core::state::SharedState;

use crate::store::usage::{Filter, Question, Span, ask};
use crate::store::{Store, StoreError};

/// Puts what was spent back into the ledger, before anything is served.
///
/// A charge counts when its call ends and its record when it began, so a call over the border of a window
/// may count in the other one after a restart.
///
/// # Errors
///
/// Why the records cannot be read. Whoever starts without them would overspend.
pub fn restore_budgets(
    store: &Store,
    snapshot: &Snapshot,
    state: &SharedState,
    clock: &Clock,
) -> Result<(), StoreError> {
    let Ok(now) = Timestamp::try_from(clock.wall()) else { return Ok(()) };
    let keys = snapshot.client_keys.iter();
    keys.into_iter().try_for_each(|key| restore(store, key, state, now))
}

fn restore(
    store: &Store,
    key: &ClientKey,
    state: &SharedState,
    now: Timestamp,
) -> Result<(), StoreError> {
    for budget in key.budgets.iter() {
        let window = budget.period.window(&budget.zone, now);
        let ms = |time: Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
        let question = Question {
            span: Span { from: ms(window.start), until: ms(window.end) },
            filter: Filter { client_key: Some(key.name.as_str().into()), ..Filter::default() },
            by: Vec::new(),
            step: None,
            offset_minutes: 0,
        };
        let spent = store.read(|tx| ask(tx, &question))?.total.cost_nanodollars;
        state.ledger.restore(&key.name, budget, Nanodollars::new(spent), now);
    }
    Ok(())
}
