//! The list of models a client may ask for: combos, aliases, and every chat model of a provider that
//! has an account.

use http::StatusCode;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::Reply;
use omniroute_core::snapshot::{ModelKind, Snapshot};
use omniroute_wire::models::{ModelEntry, write_list, write_one};

use super::answer;

/// Answers `GET /v1/models` and `GET /v1/models/{id}` in the client's shape.
///
/// # Errors
///
/// [`Error::UnknownModel`] if the one model asked for does not exist or is not for this key.
pub fn models(cx: &RequestContext, one: Option<&str>) -> Result<Reply, Error> {
    let mut models = all(&cx.snapshot);
    if let Some(caller) = &cx.caller {
        models.retain(|model| caller.allows(&model.id));
    }
    let body = match one {
        None => write_list(cx.format, &models),
        Some(id) => {
            let model = models.iter().find(|model| model.id == id).ok_or_else(|| {
                let hint = "; GET /v1/models lists what can be asked for".to_owned();
                Error::UnknownModel { model: id.to_owned(), hint }
            })?;
            write_one(cx.format, model)
        }
    };
    Ok(answer(StatusCode::OK, "application/json", body))
}

fn all(snapshot: &Snapshot) -> Vec<ModelEntry> {
    let named = |id: &str, owner: &str| ModelEntry {
        id: id.to_owned(),
        owner: owner.to_owned(),
        context_tokens: None,
        max_output_tokens: None,
    };
    let combos = snapshot.groups.values().map(|group| named(&group.name, group.kind.name()));
    let aliases = snapshot.exact_aliases.keys().map(|name| named(name, "alias"));
    let mut names: Vec<ModelEntry> = combos.chain(aliases).collect();
    names.sort_by(|a, b| a.id.cmp(&b.id));

    let mut models = Vec::new();
    for (id, accounts) in &snapshot.accounts {
        let Some(provider) = snapshot.providers.get(id).filter(|_| !accounts.is_empty()) else {
            continue;
        };
        for (model, known) in &provider.models {
            if known.kind != ModelKind::Chat {
                continue;
            }
            models.push(ModelEntry {
                id: format!("{}/{model}", provider.prefix),
                owner: provider.id.to_string(),
                context_tokens: known.facts.context_tokens,
                max_output_tokens: known.facts.max_output_tokens,
            });
        }
    }
    models.sort_by(|a, b| a.id.cmp(&b.id));
    names.append(&mut models);
    names
}
