//! Sums in the existing product's words.

use std::collections::BTreeMap;

use omniroute_core::money::Nanodollars;
use serde::Serialize;

use crate::admin::usd::Usd;
use crate::store::usage::{Answer, Group, Sums};

/// What stands for a part that calls do not have: no name can have brackets.
const NONE: &str = "(none)";

/// Where the parts stand in the names of a group that tells everything apart.
pub(super) const PROVIDER: usize = 0;
pub(super) const ACCOUNT: usize = 1;
pub(super) const MODEL: usize = 2;
pub(super) const KEY: usize = 3;

/// Calls, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sums)]
pub(super) struct Leaf {
    requests: u64,
    failed_requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    cost: Usd,
}

/// The calls of one model at one provider.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ModelSums)]
pub(super) struct OfModel {
    raw_model: String,
    provider: String,
    #[serde(flatten)]
    sums: Leaf,
}

impl From<&Sums> for Leaf {
    fn from(sums: &Sums) -> Self {
        let (prompt, completion) = (sums.tokens.input_total(), sums.tokens.output);
        Self {
            requests: sums.calls,
            failed_requests: sums.failed,
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt.saturating_add(completion),
            cost: Usd(Nanodollars::new(sums.cost_nanodollars)),
        }
    }
}

impl Leaf {
    pub(super) const fn total_tokens(&self) -> u64 {
        self.total_tokens
    }
}

/// Adds groups up by a name that is made of each.
pub(super) fn by<K: Ord>(answer: &Answer, name: impl Fn(&Group) -> K) -> BTreeMap<K, Sums> {
    let mut by = BTreeMap::<K, Sums>::new();
    for group in &answer.groups {
        by.entry(name(group)).or_default().add(&group.sums);
    }
    by
}

/// Adds groups up by one part.
pub(super) fn by_part(answer: &Answer, part: usize) -> BTreeMap<String, Leaf> {
    let by = by(answer, |group| part_of(group, part).to_owned());
    by.iter().map(|(name, sums)| (name.clone(), Leaf::from(sums))).collect()
}

/// Adds groups up by model and provider, under names such as `glm-4.7 (glm)`.
pub(super) fn by_model(answer: &Answer) -> BTreeMap<String, OfModel> {
    let by =
        by(answer, |group| (part_of(group, MODEL).to_owned(), part_of(group, PROVIDER).to_owned()));
    let named = by.into_iter().map(|((raw_model, provider), sums)| {
        let name = format!("{raw_model} ({provider})");
        (name, OfModel { raw_model, provider, sums: Leaf::from(&sums) })
    });
    named.collect()
}

/// Returns how many names a part has, without the one that stands for none.
pub(super) fn different(answer: &Answer, part: usize) -> usize {
    by(answer, |group| part_of(group, part).to_owned()).keys().filter(|name| *name != NONE).count()
}

fn part_of(group: &Group, part: usize) -> &str {
    let name = group.names.get(part).filter(|name| !name.is_empty());
    name.map_or(NONE, |name| &**name)
}
