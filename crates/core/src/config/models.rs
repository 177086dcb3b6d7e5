//! Models of a provider as written.

use omniroute_wire::ModelFacts;
use omniroute_wire::chat::Effort;
use omniroute_wire::model_facts::{SamplingSupport, ThinkingControl};

use super::node::{Content, Node};
use super::report::Report;
use super::scalars;
use super::section::{Section, each, items};
use crate::snapshot::{Model, ModelKind};

/// Most tokens a limit may say; beyond it is a slip of the keyboard.
const MAX_TOKENS: u64 = 1_000_000_000;

/// One model with its id.
#[derive(Clone, Debug)]
pub(crate) struct ModelText {
    /// Its id, as clients write it after the slash.
    pub(crate) id: Box<str>,
    /// What is known of it.
    pub(crate) model: Model,
}

/// Reads `models`: a list of ids or of maps.
pub(crate) fn read(node: &Node, report: &Report) -> Option<Vec<ModelText>> {
    let mut models: Vec<ModelText> = Vec::new();
    for item in items(node, report)? {
        let Some(model) = one(item, report) else { continue };
        if models.iter().any(|other| other.id == model.id) {
            report.add(&item.place, format!("model `{}` is in the list twice", model.id));
            continue;
        }
        models.push(model);
    }
    Some(models)
}

fn one(node: &Node, report: &Report) -> Option<ModelText> {
    if matches!(node.content, Content::Scalar(_)) {
        return Some(ModelText { id: model_id(node, report)?, model: Model::default() });
    }
    let known = [
        "id",
        "name",
        "upstream",
        "kind",
        "context_tokens",
        "max_output_tokens",
        "thinking",
        "sampling",
        "max_completion_tokens",
        "developer_role",
        "system_inside",
        "prefill",
        "json_schema",
        "structured_output",
        "no_stream_usage",
        "reasoning_echo",
        "short_call_ids",
        "no_reasoning_with_tools",
        "no_forced_calls",
        "custom_tools",
        "web_search_options",
        "image_output",
        "top_k",
        "cache_breakpoints",
        "web_media",
        "labels",
        "thinking_budget",
        "thinking_levels",
        "always_thinks",
    ];
    let section = Section::open(node, &known, report)?;
    let id = section.require("id", model_id);
    let upstream = section.read("upstream", model_id);
    let name = section.read("name", scalars::text).map(Into::into);
    let kind = section.read("kind", kind).unwrap_or_default();
    let facts = facts(&section);
    Some(ModelText { id: id?, model: Model { name, kind, upstream, facts } })
}

fn facts(section: &Section<'_>) -> ModelFacts {
    let tokens = |node: &Node, report: &Report| scalars::whole(node, report, 1..=MAX_TOKENS);
    let flag = |name: &str| section.read(name, scalars::flag).unwrap_or_default();
    ModelFacts {
        context_tokens: section.read("context_tokens", tokens),
        max_output_tokens: section.read("max_output_tokens", tokens),
        thinking: section.read("thinking", thinking).unwrap_or_default(),
        sampling: section.read("sampling", sampling).unwrap_or_default(),
        max_completion_tokens: flag("max_completion_tokens"),
        developer_role: flag("developer_role"),
        system_inside: flag("system_inside"),
        prefill: flag("prefill"),
        json_schema: flag("json_schema"),
        structured_output: flag("structured_output"),
        no_stream_usage: flag("no_stream_usage"),
        reasoning_echo: flag("reasoning_echo"),
        short_call_ids: flag("short_call_ids"),
        no_reasoning_with_tools: flag("no_reasoning_with_tools"),
        no_forced_calls: flag("no_forced_calls"),
        custom_tools: flag("custom_tools"),
        web_search_options: flag("web_search_options"),
        image_output: flag("image_output"),
        top_k: flag("top_k"),
        cache_breakpoints: flag("cache_breakpoints"),
        web_media: flag("web_media"),
        labels: flag("labels"),
        thinking_budget: section.read("thinking_budget", budget),
        thinking_levels: section.read("thinking_levels", levels).unwrap_or_default(),
        always_thinks: flag("always_thinks"),
    }
}

/// Reads the id of a model: any text without spaces, slashes included.
fn model_id(node: &Node, report: &Report) -> Option<Box<str>> {
    let id = scalars::text(node, report)?;
    if id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        report.add(&node.place, format!("{} cannot be the id of a model", node.quoted()));
        return None;
    }
    Some(id.into())
}

fn kind(node: &Node, report: &Report) -> Option<ModelKind> {
    let table = [
        ("chat", ModelKind::Chat),
        ("embeddings", ModelKind::Embeddings),
        ("images", ModelKind::Images),
        ("transcription", ModelKind::Transcription),
        ("speech", ModelKind::Speech),
        ("moderation", ModelKind::Moderation),
        ("rerank", ModelKind::Rerank),
    ];
    scalars::word(node, report, &table)
}

fn thinking(node: &Node, report: &Report) -> Option<ThinkingControl> {
    let table = [
        ("unknown", ThinkingControl::Unknown),
        ("none", ThinkingControl::None),
        ("budget", ThinkingControl::Budget),
        ("adaptive", ThinkingControl::Adaptive),
        ("level", ThinkingControl::Level),
    ];
    scalars::word(node, report, &table)
}

/// Reads the least and the most tokens to think with.
fn budget(node: &Node, report: &Report) -> Option<(u64, u64)> {
    let tokens = each(node, report, |node, report| scalars::whole(node, report, 0..=MAX_TOKENS))?;
    match tokens.as_slice() {
        [least, most] if least <= most => Some((*least, *most)),
        _ => {
            report.add(&node.place, "a range of two numbers is expected, such as `[128, 32768]`");
            None
        }
    }
}

/// Reads the levels of thinking that a model has.
fn levels(node: &Node, report: &Report) -> Option<Vec<Effort>> {
    let table = Effort::ALL.map(|effort| (effort.word(), effort));
    each(node, report, |node, report| scalars::word(node, report, &table))
}

fn sampling(node: &Node, report: &Report) -> Option<SamplingSupport> {
    let table = [
        ("all", SamplingSupport::All),
        ("not_both", SamplingSupport::NotBoth),
        ("none", SamplingSupport::None),
    ];
    scalars::word(node, report, &table)
}
