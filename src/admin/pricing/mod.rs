//! Prices in the existing product's words (`/api/pricing`): a view of those in force, and changes of the
//! collection `prices`.

mod shown;

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::money::{Price, Rates};
use omniroute_core::snapshot::{Provider, Snapshot, built_in_prices};
use omniroute_core::written::{Kind, Origin};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use self::shown::{Entry, Owners, Pricing, in_force};
use super::Parts;
use super::actor::Author;
use super::change::{Edit, To, apply};
use super::given::{self, FromQuery};
use super::problem::Problem;
use super::usd::{self, Given};

/// Fields that the existing product names otherwise.
const OTHER_NAMES: [(&str, &str); 2] =
    [("cached", "cache_read"), ("cache_creation", "cache_write")];

/// Fields that a price has; `tiers` are changed at `/api/prices`.
const FIELDS: [&str; 12] = [
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "per_request",
    "web_search",
];

/// What is set: amounts by prefix, model and field.
type Wanted = BTreeMap<String, BTreeMap<String, BTreeMap<String, Box<RawValue>>>>;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    provider: Option<String>,
    model: Option<String>,
}

/// Shows all prices in force.
#[utoipa::path(get, path = "/api/pricing", responses((status = 200, body = inline(Pricing))))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Pricing> {
    Json(now(&parts))
}

fn now(parts: &Parts) -> Pricing {
    in_force(&parts.live.load(), &parts.live.basis().written)
}

/// Shows the built-in prices.
#[utoipa::path(get, path = "/api/pricing/defaults", responses((status = 200, body = inline(Pricing))))]
pub(super) async fn defaults() -> Result<Json<Pricing>, Problem> {
    let mut pricing = Pricing::new();
    for (name, price) in built_in_prices()? {
        let Some((provider, model)) = name.split_once('/') else { continue };
        let models = pricing.entry(provider.to_owned()).or_default();
        models.insert(model.to_owned(), Entry::of(price, "default"));
    }
    Ok(Json(pricing))
}

/// Tells which models have a price.
#[utoipa::path(get, path = "/api/pricing/models")]
pub(super) async fn models(State(parts): State<Parts>) -> Json<Value> {
    let snapshot = parts.live.load();
    let of_provider = |provider: &Provider| {
        let mut models: Vec<_> = provider.models.iter().collect();
        models.sort_by_key(|(id, _)| &***id);
        let shown = models.into_iter().map(|(id, model)| {
            let priced = snapshot.prices.find(&provider.id, id).is_some();
            json!({ "id": id, "name": model.name.as_deref().unwrap_or(id), "priced": priced })
        });
        let shown: Vec<Value> = shown.collect();
        json!({
            "id": provider.id.as_str(),
            "alias": &*provider.prefix,
            "format": provider.wire.to_string(),
            "modelCount": shown.len(),
            "models": shown,
        })
    };
    let providers = snapshot.providers.values();
    let shown = providers.map(|provider| (provider.prefix.to_string(), of_provider(provider)));
    Json(Value::Object(Map::from_iter(shown.collect::<BTreeMap<_, _>>())))
}

/// Sets fields of prices; what is not named stays as it is in force.
#[utoipa::path(patch, path = "/api/pricing", request_body = Object, responses((status = 200, body = inline(Pricing))))]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Pricing>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    let (snapshot, basis) = (parts.live.load(), parts.live.basis());
    let owners = Owners::of(&snapshot, &basis.written);
    let mut edits = Vec::new();
    for (prefix, models) in wanted {
        let provider = provider(&snapshot, &prefix)?;
        for (model, fields) in models {
            let name = match owners.find(&provider.id, &model) {
                Some((Origin::File, name)) => {
                    let at = basis.written.position_of(&["pricing", name]).unwrap_or_default();
                    let what = format!(
                        "the price of `{name}` stands in the configuration file ({at}); change it there"
                    );
                    return Err(Problem::conflict(what));
                }
                Some((Origin::Dashboard, name)) => name.clone(),
                None => format!("{}/{model}", provider.prefix),
            };
            let price = snapshot.prices.find(&provider.id, &model);
            let value = with(price, &name, fields)?;
            edits.push(Edit { kind: Kind::Price, name, to: To::Put(value), expected: None });
        }
    }
    if edits.is_empty() {
        let what = "nothing is given; write for example {\"glm\": {\"glm-4.7\": {\"input\": 0.6}}}";
        return Err(Problem::invalid(what));
    }
    apply(&parts, by, edits).await?;
    Ok(Json(now(&parts)))
}

/// Takes prices of the dashboard away: what is built in counts again.
#[utoipa::path(delete, path = "/api/pricing", params(Which), responses((status = 200, body = inline(Pricing))))]
pub(super) async fn reset(
    State(parts): State<Parts>,
    by: Author,
    FromQuery(which): FromQuery<Which>,
) -> Result<Json<Pricing>, Problem> {
    let (snapshot, basis) = (parts.live.load(), parts.live.basis());
    let id = match &which.provider {
        Some(prefix) => Some(provider(&snapshot, prefix)?.id.clone()),
        None if which.model.is_some() => {
            return Err(Problem::field("provider", "it is missing from the query"));
        }
        None => None,
    };
    let of_dashboard = basis.objects.iter().filter(|object| object.kind == Kind::Price);
    let fits = |name: &str| {
        let Some((prefix, model)) = name.split_once('/') else { return false };
        let provider = snapshot.by_prefix.get(prefix).map(|provider| &provider.id);
        (id.is_none() || provider == id.as_ref())
            && which.model.as_ref().is_none_or(|wanted| wanted == model)
    };
    let edits: Vec<Edit> = of_dashboard
        .filter(|object| fits(&object.name))
        .map(|object| Edit {
            kind: Kind::Price,
            name: object.name.to_string(),
            to: To::Gone,
            expected: None,
        })
        .collect();
    if !edits.is_empty() {
        apply(&parts, by, edits).await?;
    }
    Ok(Json(now(&parts)))
}

fn provider<'s>(snapshot: &'s Snapshot, prefix: &str) -> Result<&'s Provider, Problem> {
    let found = snapshot.by_prefix.get(prefix);
    found.map(|provider| &**provider).ok_or_else(|| {
        Problem::field(prefix.chars().take(100).collect::<String>(), "no provider has this prefix")
    })
}

/// Returns a price with the given fields, in the form of the configuration.
fn with(
    price: Option<&Price>,
    name: &str,
    fields: BTreeMap<String, Box<RawValue>>,
) -> Result<Value, Problem> {
    let mut value = price.map_or_else(Map::new, written);
    for (given, amount) in fields {
        let path = format!("{name}.{given}");
        let field = OTHER_NAMES.into_iter().find(|(other, _)| *other == given);
        let field = field.map_or(given.as_str(), |(_, own)| own);
        if !FIELDS.contains(&field) {
            let what = format!("there is no such field; there are: {}", FIELDS.join(", "));
            return Err(Problem::field(path, what));
        }
        match usd::read(&path, &amount)? {
            Given::Amount(amount) => value.insert(field.to_owned(), json!(amount)),
            Given::Nothing => value.shift_remove(field),
        };
    }
    Ok(Value::Object(value))
}

/// Writes a price in the form of the configuration.
fn written(price: &Price) -> Map<String, Value> {
    let mut value = rates(&price.base);
    for (name, fee) in [("per_request", price.per_request), ("web_search", price.web_search)] {
        value.insert(name.to_owned(), json!(fee.to_string()));
    }
    if !price.tiers.is_empty() {
        let tiers = price.tiers.iter().map(|tier| {
            let mut value = rates(&tier.rates);
            value.insert("above".to_owned(), json!(tier.above));
            Value::Object(value)
        });
        value.insert("tiers".to_owned(), tiers.collect());
    }
    value
}

fn rates(rates: &Rates) -> Map<String, Value> {
    let named = rates.named().into_iter();
    named.filter_map(|(name, rate)| Some((name.to_owned(), json!(rate?.to_string())))).collect()
}
