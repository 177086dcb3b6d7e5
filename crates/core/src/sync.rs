//! Locks and atomics of what many requests change at once: the standard ones, or those of the concurrency
//! checker (`--features shuttle`), which tries the orders in which threads may run.

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
