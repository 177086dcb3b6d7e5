//! How a model name becomes an ordered list of attempts.
//!
//! [`resolve`] turns the name a client wrote into what it stands for, a [`Plan`] says whom to try next,
//! [`explain`] says in words what both decide. All are functions of the snapshot, the state of accounts
//! and providers, the time and a seed: a request gets the same decision that `omniroute explain` shows.

mod choice;
mod explain;
mod open;
mod plan;
mod record;
mod resolve;
mod tunnel;

pub use choice::{Choice, Entry, Ticket};
pub use explain::{Decision, Explanation, explain};
pub use plan::{Exhausted, Facts, Pick, Plan};
pub use record::{Considered, Removal};
pub use resolve::{Route, Step, resolve, resolve_at, route};
pub use tunnel::TunnelLevel;
