//! Background services of Pingora, one file each. Each ends when the shutdown watch says so.

mod announce;
mod bodies;
mod breakers;
mod budgets;
mod certify;
mod drain;
mod exposition;
mod hearing;
mod near;
mod opened;
mod reload;
mod retention;
mod sim;
mod telemetry;
mod watchdog;
mod webhooks;

pub use announce::Announce;
pub use bodies::Bodies;
pub use breakers::{Breakers, keep as keep_breakers, restore as restore_breakers};
pub use budgets::restore_budgets;
pub use certify::Certify;
pub use drain::Drain;
pub use exposition::Exposition;
pub use hearing::Hearing;
pub use near::reachable;
pub use opened::Openings;
pub use reload::Reload;
pub use retention::Retention;
pub use sim::Simulated;
pub use telemetry::Telemetry;
pub use watchdog::Watchdog;
pub use webhooks::Webhooks;
