//! Reading a filter's settings.

use omniroute_core::filter::FilterFault;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads settings; `null` (only the filter's name stands in the YAML) gives the defaults.
pub(crate) fn read<T: DeserializeOwned + Default>(settings: Value) -> Result<T, Vec<FilterFault>> {
    if settings.is_null() {
        return Ok(T::default());
    }
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        vec![FilterFault { path, what: error.inner().to_string() }]
    })
}
