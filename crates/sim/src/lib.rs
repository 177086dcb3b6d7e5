//! Simulated providers on loopback: what `demo`, the tests and the load tests talk to.
//!
//! The simulator knows the vendors' formats by itself and shares no code with the gateway, because it
//! judges what the gateway sends: a mistake made on both sides would look like agreement.
//!
//! Every answer is a function of the request. Text is echoed token by token, offered tools are called
//! with arguments made from their schema, and faults are asked for by the model's name
//! (`sim/429?retry_after=2`) or by the credential (`sk-sim-500`). A test that needs exact bytes puts a
//! [`Step`] in the queue instead.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! let sim = omniroute_sim::Sim::new().bind(([127, 0, 0, 1], 0).into()).await?;
//! let base_url = format!("{}/v1", sim.url());
//! # drop(base_url); Ok(())
//! # }
//! ```

mod answer;
mod arguments;
mod ask;
mod behaviour;
mod chat;
mod connection;
mod count;
mod counts;
mod faults;
mod gate;
mod generate;
mod messages;
mod models;
mod perform;
mod reply;
mod responses;
mod route;
mod script;
mod seen;
mod server;
mod stream;
#[cfg(test)]
mod tests;
mod tokens;

pub use counts::Counts;
pub use gate::Gate;
pub use script::Step;
pub use seen::Seen;
pub use server::{Running, Sim, listen};
