//! What budgets have spent before the process began, from the records of usage.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use omniroute_core::budget::Window;
use omniroute_core::clock::Clock;
use omniroute_core::ids::ClientKeyName;
use omniroute_core::money::Nanodollars;
use omniroute_core::snapshot::Snapshot;
use omniroute_core::state::SharedState;

use crate::store::usage::{By, Filter, Question, Span, ask};
use crate::store::{Store, StoreError};

/// Puts what some client keys have spent back into the ledger, before anything is served for them.
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
    whose: &dyn Fn(&ClientKeyName) -> bool,
) -> Result<(), StoreError> {
    let Ok(now) = Timestamp::try_from(clock.wall()) else { return Ok(()) };
    let mut spent_in = HashMap::new();
    for key in snapshot.client_keys.iter().filter(|key| whose(&key.name)) {
        for budget in key.budgets.iter() {
            let window = budget.period.window(&budget.zone, now);
            let spent = match spent_in.entry((window.start, window.end)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(spent_by_key(store, window)?),
            };
            let spent = spent.get(key.name.as_str()).copied().unwrap_or_default();
            state.ledger.restore(&key.name, budget, Nanodollars::new(spent), now);
        }
    }
    Ok(())
}

/// Returns what each client key spent in a window, in nanodollars.
fn spent_by_key(store: &Store, window: Window) -> Result<HashMap<Box<str>, u64>, StoreError> {
    let ms = |time: Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
    let question = Question {
        span: Span { from: ms(window.start), until: ms(window.end) },
        filter: Filter::default(),
        by: vec![By::ClientKey],
        step: None,
        offset_minutes: 0,
    };
    let answer = store.read(|tx| ask(tx, &question))?;
    let spent = answer.groups.into_iter().filter_map(|group| {
        let name = group.names.into_iter().next()?;
        Some((name, group.sums.cost_nanodollars))
    });
    Ok(spent.collect())
}
