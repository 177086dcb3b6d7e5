//! Client → gateway → simulated provider, all in one process.

mod body;
mod failover;
mod forwarding;
mod keys;
mod program;
mod refusals;
mod reload;
mod setup;
mod streams;
