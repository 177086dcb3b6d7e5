//! Client → gateway → simulated provider, all in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod administration;
mod amended;
mod body;
mod counting;
mod delivery;
mod failover;
mod forwarding;
mod hardening;
mod kept_answers;
mod keys;
mod limits;
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
mod storm;
mod streams;
mod translate;
mod tunnels;
