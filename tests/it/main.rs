//! Client → gateway → simulated provider, all in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod body;
mod failover;
mod forwarding;
mod hardening;
mod keys;
mod program;
mod refusals;
mod reload;
mod setup;
mod streams;
