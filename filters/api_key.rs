//! Who is calling: finds the client key a request carries.
//!
//! A key may stand in any of the places the clients' SDKs use, on every path. It is looked up by a
//! keyed hash, so nothing here compares secrets. With no key configured the gateway serves everybody
//! who reaches it, which the configuration only allows on loopback addresses.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use omniroute_core::clock::Clock;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use omniroute_core::presented;
use omniroute_core::snapshot::{ClientKey, ClientKeys};
use omniroute_core::state::Lockouts;
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

const MISSING: &str = "no API key given; send it as `Authorization: Bearer …`, `x-api-key`, `x-goog-api-key`, `api-key` or `?key=`";
const WRONG: &str = "the API key is not known here; check it for typing errors, or ask the gateway's operator for one";
const EXPIRED: &str = "the API key has expired; ask the gateway's operator for a new one";
const NOT_FOR_MODELS: &str = "this API key may not call models (its scopes lack `inference`)";

/// `filter: api_key`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Whether a known key is needed. Not given: as soon as one is configured.
    required: Option<bool>,
}

#[derive(Debug)]
struct ApiKey {
    required: Option<bool>,
    clock: Clock,
    lockouts: Arc<Lockouts>,
}

pub(crate) fn build(
    settings: Value,
    context: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { required } = settings::read(settings)?;
    let (clock, lockouts) = (context.clock.clone(), Arc::clone(&context.lockouts));
    Ok(Arc::new(ApiKey { required, clock, lockouts }))
}

#[async_trait]
impl Filter for ApiKey {
    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let keys = &cx.snapshot.client_keys;
        let required = self.required.unwrap_or(!keys.is_empty());
        let refuse = |what| if required { Err(Error::Unauthenticated { what }) } else { Ok(None) };
        let found = match presented::key(&cx.head.headers, &cx.head.query) {
            None => refuse(MISSING)?,
            Some(presented) => match self.known(keys, &presented, (cx.head.peer, required))? {
                None => refuse(WRONG)?,
                Some(key) if key.is_expired(self.clock.wall()) => refuse(EXPIRED)?,
                Some(key) if !key.inference => {
                    return Err(Error::Forbidden { what: NOT_FOR_MODELS.to_owned() });
                }
                Some(key) => Some(Arc::clone(key)),
            },
        };
        cx.caller = found;
        Ok(Flow::Continue)
    }
}

impl ApiKey {
    /// Finds a key, unless too many wrong ones came from the same address. Where no key is required a
    /// wrong one is no attempt to get in.
    fn known<'k>(
        &self,
        keys: &'k ClientKeys,
        presented: &[u8],
        (address, required): (Option<IpAddr>, bool),
    ) -> Result<Option<&'k Arc<ClientKey>>, Error> {
        let found = keys.find(presented);
        if !required {
            return Ok(found);
        }
        let now = self.clock.now();
        let name = found.map(|key| key.name.as_str());
        match self.lockouts.admit(address, (presented, name), now) {
            Some(retry_after) => Err(Error::Locked { retry_after }),
            None => Ok(found),
        }
    }
}
