//! The filters: what can happen to a request on its way, one file each.
//!
//! A filter is written with `omniroute-core` alone. To add one, write its file and a line in
//! [`register`]; the order of execution is that of the YAML's `filters:` list.

mod api_key;
mod budget;
mod client_limits;
mod cors;
mod idempotency;
mod ip_access;
#[cfg(test)]
mod kit;
mod model_access;
mod progress;
mod request_log;
mod response_cache;
mod settings;
mod system_prompt;
mod thinking_budget;

use omniroute_core::filter::FilterRegister;

/// Returns all filters by their names in the YAML. Alphabetical.
pub fn register() -> FilterRegister {
    let mut filters = FilterRegister::default();
    filters.add("api_key", api_key::build);
    filters.add("budget", budget::build);
    filters.add("client_limits", client_limits::build);
    filters.add("cors", cors::build);
    filters.add("idempotency", idempotency::build);
    filters.add("ip_access", ip_access::build);
    filters.add("model_access", model_access::build);
    filters.add("progress", progress::build);
    filters.add("request_log", request_log::build);
    filters.add("response_cache", response_cache::build);
    filters.add("system_prompt", system_prompt::build);
    filters.add("thinking_budget", thinking_budget::build);
    filters
}
