//! Rests and limits of one account; the breaker against a small model.

mod breaker;
mod minutes;
mod rests;
