//! From a model name to the order of attempts, on compiled configurations.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod chains;
mod hours;
mod kit;
mod limits;
mod names;
mod order;
mod retries;
mod strategies;
mod tunnels;
