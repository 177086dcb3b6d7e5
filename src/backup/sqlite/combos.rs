//! Combos, aliases and fallback chains.

use omniroute_core::written::Kind;
use serde_json::{Value, json};

use super::row::Row;
use super::{Moving, object};
use crate::backup::BackupError;
use crate::old_words::{COMBO_STRATEGIES, ours_of};

/// Reads the combos.
pub fn read(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for row in moving.rows("combos")? {
        let name = row.called("name");
        match combo(moving, &row) {
            Ok((value, note)) => moving.add_with(Kind::Combo, (&name, name.clone()), value, note),
            Err(why) => moving.skip(Kind::Combo, &name, why),
        }
    }
    Ok(())
}

fn combo(moving: &Moving<'_>, row: &Row) -> Result<(Value, Option<String>), String> {
    let data = row.json("data")?;
    let models = data.get("models").and_then(Value::as_array);
    let models = models.filter(|models| !models.is_empty());
    let targets = models.ok_or("it has no models")?.iter().map(|model| {
        let weight = model.get("weight").and_then(Value::as_u64).filter(|weight| *weight > 0);
        match (model, model.get("model")) {
            (Value::String(model), _) => Ok(json!(model)),
            (_, Some(Value::String(model))) => {
                Ok(object([("model", Some(json!(model))), ("weight", weight.map(Value::from))]))
            }
            _ => Err("one of its models is none"),
        }
    });
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let wanted = data.get("strategy").and_then(Value::as_str);
    let strategy = wanted.and_then(|wanted| ours_of(&COMBO_STRATEGIES, wanted));
    let note = wanted
        .filter(|_| strategy.is_none())
        .map(|wanted| format!("its strategy `{wanted}` is not known here, so it goes by priority"));
    let tunnel = moving.tunnels.get(&("combos", row.called("id")));
    let value = object([
        ("strategy", Some(json!(strategy.unwrap_or("priority")))),
        ("targets", Some(json!(targets))),
        ("tunnel", tunnel.map(|tunnel| json!(tunnel))),
    ]);
    Ok((value, note))
}

/// Reads aliases: exact ones, and those with wildcards.
pub fn aliases(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for (alias, target) in moving.values("modelAliases")? {
        alias_of(moving, &alias, target.as_str());
    }
    let settings = moving.values("settings")?;
    let wildcards = settings.into_iter().find(|(key, _)| key == "wildcardAliases");
    let wildcards = wildcards.and_then(|(_, value)| value.as_array().cloned()).unwrap_or_default();
    for wildcard in wildcards {
        let part = |name| wildcard.get(name).and_then(Value::as_str);
        alias_of(moving, part("pattern").unwrap_or_default(), part("target"));
    }
    Ok(())
}

fn alias_of(moving: &mut Moving<'_>, alias: &str, target: Option<&str>) {
    match target {
        Some(target) if !alias.is_empty() => {
            moving.add(Kind::Alias, (alias, alias.to_owned()), json!(target));
        }
        _ => moving.skip(Kind::Alias, alias, "it does not say what it stands for"),
    }
}

/// Reads fallback chains. The product has them by model, with providers in order.
pub fn chains(moving: &mut Moving<'_>) -> Result<(), BackupError> {
    for row in moving.rows("domain_fallback_chains")? {
        let model = row.called("model");
        let links = row.json("chain").ok();
        let links = links.and_then(|links| links.as_array().cloned()).unwrap_or_default();
        let is_on = |link: &&Value| link.get("enabled").and_then(Value::as_bool).unwrap_or(true);
        let mut links: Vec<_> = links.iter().filter(is_on).collect();
        links.sort_by_key(|link| link.get("priority").and_then(Value::as_i64).unwrap_or(i64::MAX));
        let providers = links.iter().filter_map(|link| link.get("provider")?.as_str());
        let targets: Vec<_> =
            providers.map(|provider| json!(format!("{provider}/{model}"))).collect();
        if targets.is_empty() {
            moving.skip(Kind::FallbackChain, &model, "it has no providers");
        } else {
            moving.add(Kind::FallbackChain, (&model, model.clone()), json!(targets));
        }
    }
    Ok(())
}
