//! Decisions: configuration, snapshot, routing, verdicts, the state that changes while serving, and
//! the filter trait.
//!
//! Plain code over values. No sockets, no Pingora, no disk; the time comes from a [`clock::Clock`] and
//! chance from the caller.

pub mod affinity;
pub mod attached;
pub mod budget;
pub mod clock;
pub mod config;
pub mod context;
pub mod digits;
pub mod error;
pub mod filter;
pub mod hex;
pub mod ids;
pub mod money;
pub mod presented;
pub mod reach;
pub mod replay;
pub mod resilience;
pub mod routing;
pub mod sameness;
pub mod secret;
pub mod seeds;
pub mod snapshot;
pub mod state;
pub mod strategy;
mod sync;
pub mod trace;
pub mod usage;
pub mod verdict;
pub mod webhook;
pub mod written;
