//! Which models a client key may ask for, by the names the client writes.

use std::sync::Arc;

use async_trait::async_trait;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

/// `filter: model_access`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Providers nobody may use. Must be empty for now.
    #[serde(default)]
    blocked_providers: Vec<String>,
}

#[derive(Debug)]
struct ModelAccess;

pub(crate) fn build(
    settings: Value,
    _: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let settings: Settings = settings::read(settings)?;
    if settings.blocked_providers.is_empty() {
        return Ok(Arc::new(ModelAccess));
    }
    let what = "`blocked_providers` is not available yet; leave it out or empty".to_owned();
    Err(vec![FilterFault { path: "blocked_providers".to_owned(), what }])
}

#[async_trait]
impl Filter for ModelAccess {
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let (Some(caller), Some(call)) = (&cx.caller, &cx.call) else { return Ok(Flow::Continue) };
        if caller.allows(&call.peek.model) {
            return Ok(Flow::Continue);
        }
        let model: String = call.peek.model.chars().take(200).collect();
        let what = format!("the API key `{}` may not use the model `{model}`", caller.name);
        Err(Error::Forbidden { what })
    }

    fn wants_call(&self) -> bool {
        true
    }
}
