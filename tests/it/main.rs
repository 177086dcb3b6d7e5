//! Client → gateway → simulated provider, all in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod administration;
mod body;
mod budgets;
mod client_limits;
mod cost;
mod counting;
mod delivery;
mod failover;
mod forwarding;
mod hardening;
mod keys;
mod limits;
mod pauses;
mod program;
mod reasoning;
mod recall;
mod refusals;
mod reload;
mod routes;
mod setup;
mod storm;
mod streams;
mod translate;
mod tunnels;
