//! Budgets of client keys: reserves the most that a call can cost before it, settles it after.
//!
//! Reserved is what the dearest model costs that the request may reach, since routing decides later who
//! serves it. A call that finds no room is refused before anybody is asked.

use std::sync::Arc;

use omniroute_core::budget::{Hold, Sketch, Warning};
use omniroute_core::clock::Clock;
use omniroute_core::context::{Call, Operation, Outcome, RequestContext};
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault};
use omniroute_core::money::{Nanodollars, most};
use omniroute_core::routing::Route;
use omniroute_core::secret::Secret;
use omniroute_core::snapshot::{ClientKey, Target};
use omniroute_core::webhook::{Notice, Notices, Webhook};
use omniroute_wire::{WireError, WireFormat};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use crate::settings;

/// `filter: budget`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What becomes of calls whose price nobody knows.
    #[serde(default)]
    unpriced: Unpriced,
    /// Who is told that a budget has reached a threshold.
    webhook: Option<Address>,
}

/// A webhook.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    /// Where notices are posted.
    url: String,
    /// What they are signed with, if anything.
    secret: Option<String>,
}

/// What becomes of calls of keys with a budget if nobody knows the price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unpriced {
    /// They are refused.
    #[default]
    Refuse,
    /// They are made, and take nothing of the budget.
    Allow,
}

#[derive(Debug)]
struct Budgets {
    unpriced: Unpriced,
    webhook: Option<Arc<Webhook>>,
    notices: Arc<Notices>,
    clock: Clock,
}

pub(crate) fn build(
    settings: Value,
    world: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { unpriced, webhook } = settings::read(settings)?;
    let webhook = webhook.map(|Address { url, secret }| {
        Webhook::parse(&url, secret.map(Secret::new), world.reach).map(Arc::new).map_err(|what| {
            let what = format!("{what}; write it as in `https://hooks.example.com/team`");
            vec![FilterFault { path: "webhook.url".to_owned(), what }]
        })
    });
    let (notices, clock) = (Arc::clone(&world.notices), world.clock.clone());
    Ok(Arc::new(Budgets { unpriced, webhook: webhook.transpose()?, notices, clock }))
}

impl Filter for Budgets {
    fn on_route(&self, cx: &mut RequestContext, route: &Route) -> Result<(), Error> {
        let (Some(caller), Some(call)) = (&cx.caller, &mut cx.call) else { return Ok(()) };
        if caller.budgets.is_empty() || call.operation != Operation::Chat {
            return Ok(());
        }
        let sketch = match call.outline() {
            Some(outline) => Sketch::of_outline(outline, call.body.len() as u64),
            None => read_sketch(call, cx.format)?,
        };
        let amount = self.dearest((cx, caller), route, &sketch)?;
        let reservation = caller
            .purse
            .reserve(&caller.budgets, amount, self.clock.timestamp())
            .map_err(|no_room| Error::no_room(caller, no_room))?;
        cx.hold = Some(Hold { reservation, sketch });
        Ok(())
    }

    fn on_done(&self, cx: &RequestContext, outcome: &Outcome) {
        let Some(hold) = &cx.hold else { return };
        let cost = outcome.charge.map_or(Nanodollars::ZERO, |charge| charge.amount);
        let client_key = cx.caller.as_ref().map_or("", |caller| caller.name.as_str());
        for warning in hold.reservation.settle(cost, self.clock.timestamp()) {
            self.tell(client_key, &warning);
            warn!(
                client_key,
                period = warning.budget.period.name(),
                limit = %warning.budget.limit,
                spent = %warning.spent,
                percent = f64::from(warning.reached) / 10.0,
                resets_at = %warning.resets_at,
                "a budget has reached a threshold"
            );
        }
    }
}

impl Budgets {
    /// Tells the webhook, if there is one. `text` is what chat programs show.
    fn tell(&self, client_key: &str, warning: &Warning) {
        let Some(webhook) = &self.webhook else { return };
        let Warning { budget, reached, spent, resets_at } = warning;
        let (period, limit, percent) =
            (budget.period.name(), budget.limit, f64::from(*reached) / 10.0);
        let text = format!(
            "The {period} budget of client key {client_key} has reached {percent}%: {spent} of {limit} is spent. It resets at {resets_at}."
        );
        let body = json!({
            "type": "budget.threshold",
            "text": text,
            "client_key": client_key,
            "period": period,
            "limit": limit.to_string(),
            "spent": spent.to_string(),
            "percent": percent,
            "resets_at": resets_at.to_string(),
            "at": self.clock.timestamp().to_string(),
        });
        self.notices.tell(Notice { webhook: Arc::clone(webhook), body });
    }

    /// Returns the most that the request costs at any target it may reach.
    fn dearest(
        &self,
        (cx, caller): (&RequestContext, &ClientKey),
        route: &Route,
        sketch: &Sketch,
    ) -> Result<Nanodollars, Error> {
        let snapshot = &cx.snapshot;
        let blocked = snapshot.filters.blocked_providers();
        let may_serve = |target: &&Target| {
            let provider = &target.provider.id;
            !blocked.contains(provider) && !snapshot.accounts_of(provider).is_empty()
        };
        let mut dearest = Nanodollars::ZERO;
        for target in route.targets().filter(may_serve) {
            let Some(price) = snapshot.prices.of(target) else {
                match self.unpriced {
                    Unpriced::Allow => continue,
                    Unpriced::Refuse => return Err(unpriced(caller, target)),
                }
            };
            let facts = target.provider.facts(&target.model);
            dearest = dearest.max(most(&sketch.demand(&facts), price));
        }
        Ok(dearest)
    }
}

/// Makes the sketch of a request that is not plain.
fn read_sketch(call: &mut Call, format: WireFormat) -> Result<Sketch, WireError> {
    let bytes = call.body.len() as u64;
    match call.read() {
        Ok(request) => Ok(Sketch::of(request, bytes)),
        // Conversations that OpenAI stores: passed on as they are, if to OpenAI. One call of Responses has
        // one answer.
        Err(WireError::Unsupported { .. }) if format == WireFormat::OpenAiResponses => {
            Ok(Sketch::of_unknown(bytes))
        }
        Err(error) => Err(error),
    }
}

fn unpriced(caller: &ClientKey, target: &Target) -> Error {
    Error::Unpriced {
        key: caller.name.to_string(),
        provider: target.provider.id.to_string(),
        model: target.model.chars().take(200).collect(),
    }
}
