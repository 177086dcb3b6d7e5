//! How a model name becomes an ordered list of attempts.
//!
//! [`resolve`] turns the name a client wrote into targets, [`plan`] turns targets into choices of an
//! account, [`explain`] says in words what both decided. All three are functions of the snapshot, the
//! state of the accounts and the time: a request gets the same decision that `omniroute explain` shows.

mod explain;
mod plan;
mod resolve;

pub use explain::{Explanation, explain};
pub use plan::{Choice, Plan, plan};
pub use resolve::{Route, Step, Target, resolve};
