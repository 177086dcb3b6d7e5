//! The filters: what can happen to a request on its way, one file each.
//!
//! A filter is written with `omniroute-core` alone. To add one, write its file and a line in
//! [`register`]; the order of execution is that of the YAML's `filters:` list.

mod api_key;
mod budget;
mod client_limits;
mod cors;
mod ip_access;
mod model_access;
mod settings;

use omniroute_core::filter::FilterRegister;

/// Returns all filters by their names in the YAML. Alphabetical.
pub fn register() -> FilterRegister {
    let mut filters = FilterRegister::default();
    filters.add("api_key", api_key::build);
    filters.add("budget", budget::build);
    filters.add("client_limits", client_limits::build);
    filters.add("cors", cors::build);
    filters.add("ip_access", ip_access::build);
    filters.add("model_access", model_access::build);
    filters
}
