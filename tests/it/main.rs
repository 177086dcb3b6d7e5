//! Client → gateway → simulated provider, all in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod administration;
mod amended;
mod body;
mod budgets;
mod client_limits;
mod console;
mod cost;
mod counting;
mod crash;
mod delivery;
mod failover;
mod forwarding;
mod free_answers;
mod hardening;
mod keeping;
mod kept_answers;
mod keys;
mod limits;
mod login;
mod objects;
mod pauses;
mod program;
mod progress;
mod reasoning;
mod recall;
mod refusals;
mod reload;
mod repeats;
mod routes;
mod setup;
mod stale;
mod storm;
mod streams;
mod translate;
mod trials;
mod tunnels;
mod usage;
mod webhooks;
