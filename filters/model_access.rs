//! Which models a client key may ask for, by the names the client writes, and which providers nobody
//! may use.

use std::sync::Arc;

use async_trait::async_trait;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use omniroute_core::ids::ProviderId;
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

/// `filter: model_access`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Ids of providers nobody may use.
    #[serde(default)]
    blocked_providers: Vec<String>,
}

#[derive(Debug)]
struct ModelAccess {
    blocked_providers: Vec<ProviderId>,
}

pub(crate) fn build(
    settings: Value,
    world: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let settings: Settings = settings::read(settings)?;
    let mut faults = Vec::new();
    for (index, id) in settings.blocked_providers.iter().enumerate() {
        if !world.provider_ids.contains(id) {
            let what = format!("no provider has the id `{id}`");
            faults.push(FilterFault { path: format!("blocked_providers[{index}]"), what });
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let blocked_providers =
        settings.blocked_providers.iter().map(|id| ProviderId::new(id.as_str())).collect();
    Ok(Arc::new(ModelAccess { blocked_providers }))
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

    fn blocked_providers(&self) -> &[ProviderId] {
        &self.blocked_providers
    }
}
