//! Client → gateway → simulated provider, all in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod administration;
mod archives;
mod backups;
mod body;
mod budgets;
mod client_limits;
mod cost;
mod counting;
mod crash;
mod delivery;
mod failover;
mod forwarding;
mod hardening;
mod keeping;
mod keys;
mod limits;
mod objects;
mod pauses;
mod program;
mod reasoning;
mod recall;
mod refusals;
mod reload;
mod routes;
mod setup;
mod sqlite;
mod stale;
mod storm;
mod streams;
mod transfer;
mod translate;
mod tunnels;
mod usage;
