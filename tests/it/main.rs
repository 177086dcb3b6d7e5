//! Client → gateway → simulated provider, all in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod administration;
mod bench;
mod body;
mod budget_routes;
mod budgets;
mod client_limits;
mod console;
mod cost;
mod counting;
mod crash;
mod delivery;
mod failover;
mod forwarding;
mod guide;
mod hardening;
mod health;
mod keeping;
mod keys;
mod leaks;
mod limits;
mod login;
mod objects;
mod pauses;
mod pricing;
mod program;
mod reasoning;
mod recall;
mod refusals;
mod reload;
mod routes;
mod settings;
mod setup;
mod stale;
mod storm;
mod streams;
mod translate;
mod translator;
mod trials;
mod tunnels;
mod usage;
mod usage_routes;
mod webhooks;
