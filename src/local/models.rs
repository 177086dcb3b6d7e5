//! The list of models a client may ask for: combos, chains and aliases that lead to an account, and every
//! chat model of a provider that has one. Blocked providers offer nothing.

use http::StatusCode;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::Reply;
use omniroute_core::ids::ProviderId;
use omniroute_core::routing::resolve;
use omniroute_core::snapshot::{Member, ModelKind, Node, Snapshot};
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
    let blocked = snapshot.filters.blocked_providers();
    let serves = |provider: &ProviderId| {
        !blocked.contains(provider) && !snapshot.accounts_of(provider).is_empty()
    };
    let named = |id: &str, owner: &str| ModelEntry {
        id: id.to_owned(),
        owner: owner.to_owned(),
        context_tokens: None,
        max_output_tokens: None,
    };
    let groups = snapshot.groups.values().filter(|group| leads_to(&group.members, &serves));
    let combos = groups.map(|group| named(&group.name, group.kind.name()));
    let aliases = snapshot.exact_aliases.keys().filter(|name| {
        resolve(snapshot, name).is_ok_and(|route| serves_node(&route.root, &serves))
    });
    let aliases = aliases.map(|name| named(name, "alias"));
    let mut names: Vec<ModelEntry> = combos.chain(aliases).collect();
    names.sort_by(|a, b| a.id.cmp(&b.id));

    let mut models = Vec::new();
    for id in snapshot.accounts.keys() {
        let Some(provider) = snapshot.providers.get(id).filter(|_| serves(id)) else {
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

fn leads_to(members: &[Member], serves: &impl Fn(&ProviderId) -> bool) -> bool {
    members.iter().any(|member| serves_node(&member.node, serves))
}

fn serves_node(node: &Node, serves: &impl Fn(&ProviderId) -> bool) -> bool {
    match node {
        Node::Target(target) => serves(&target.provider.id),
        Node::Group(group) => leads_to(&group.members, serves),
    }
}
