//! The gateway: sockets, Pingora, disk, command line.
//!
//! Start at [`proxy`], the life of a request. [`app`] builds the long-lived parts, [`listen`] is what a connection passes
//! first, [`live`] reloads the configuration, [`admin`] is the API for operators, [`upstream`] knows the way out, [`local`] answers what needs no provider, [`services`]
//! runs beside the requests, [`backup`] is what leaves and comes back as a file, [`otel`] what is told of requests,
//! [`cli`] is what operators type.

pub mod access_log;
pub mod admin;
pub mod app;
pub mod backup;
pub mod cli;
mod data_dir;
mod explained;
pub mod handover;
pub mod keeping;
mod leaving;
pub mod listen;
pub mod live;
pub mod local;
pub mod login;
pub mod metrics;
mod old_words;
pub mod otel;
pub mod playground;
pub mod proxy;
pub mod services;
pub mod store;
pub mod telemetry;
pub mod upstream;
