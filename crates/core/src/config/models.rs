//! Models of a provider as written.

use omniroute_wire::ModelFacts;
use omniroute_wire::model_facts::{SamplingSupport, ThinkingControl};

use super::node::{Content, Node};
use super::report::Report;
use super::scalars;
use super::section::{Section, items};
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
        "upstream",
        "kind",
        "context_tokens",
        "max_output_tokens",
        "thinking",
        "sampling",
        "max_completion_tokens",
        "developer_role",
        "system_inside",
        "json_schema",
        "structured_output",
        "no_stream_usage",
        "reasoning_echo",
    ];
    let section = Section::open(node, &known, report)?;
    let id = section.require("id", model_id);
    let upstream = section.read("upstream", model_id);
    let kind = section.read("kind", kind).unwrap_or_default();
    let facts = facts(&section);
    Some(ModelText { id: id?, model: Model { kind, upstream, facts } })
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
        json_schema: flag("json_schema"),
        structured_output: flag("structured_output"),
        no_stream_usage: flag("no_stream_usage"),
        reasoning_echo: flag("reasoning_echo"),
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

fn sampling(node: &Node, report: &Report) -> Option<SamplingSupport> {
    let table = [
        ("all", SamplingSupport::All),
        ("not_both", SamplingSupport::NotBoth),
        ("none", SamplingSupport::None),
    ];
    scalars::word(node, report, &table)
}
