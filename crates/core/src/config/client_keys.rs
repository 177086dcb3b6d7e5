//! Client keys as written. No message repeats a key or its digest.

use std::time::SystemTime;

use super::budgets;
use super::limits;
use super::node::{Content, Node};
use super::report::{Place, Report, Spot};
use super::scalars;
use super::secret_text::{SecretText, secret};
use super::section::{Field, Section, each};
use super::tunnel::tunnel;
use crate::budget::Budget;
use crate::hex;
use crate::resilience::Limits;
use crate::snapshot::Way;

/// Characters of a SHA-256 in hexadecimal.
const SHA256_HEX_CHARS: usize = 64;

/// One client key as written.
#[derive(Debug)]
pub(crate) struct ClientKeyText {
    /// Where the key begins.
    pub(crate) place: Place,
    pub(crate) name: Option<Spot<String>>,
    pub(crate) key: Field<SecretText>,
    pub(crate) sha256: Field<[u8; 32]>,
    /// The keyed hash, for keys that were made here.
    pub(crate) hash: Field<[u8; 32]>,
    /// The secret that the hash depends on, if another gateway made the key.
    pub(crate) pepper: Field<[u8; 32]>,
    /// How a key that was made here begins.
    pub(crate) prefix: Option<String>,
    pub(crate) models: Vec<String>,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) strict_translation: bool,
    pub(crate) system_prompt: Option<Spot<String>>,
    pub(crate) tunnel: Option<Way>,
    pub(crate) limits: Option<Spot<Limits>>,
    pub(crate) budgets: Option<Spot<Vec<Budget>>>,
    /// Whether everything but the name and the key itself was good.
    pub(crate) is_sound: bool,
}

/// What a client key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Call models.
    Inference,
    /// Administrate.
    Admin,
}

/// Reads one client key.
pub(crate) fn read(node: &Node, report: &Report) -> Option<ClientKeyText> {
    let known = [
        "name",
        "key",
        "key_sha256",
        "key_hash",
        "key_pepper",
        "key_prefix",
        "models",
        "expires",
        "limits",
        "budget",
        "tunnel",
        "scopes",
        "strict_translation",
        "system_prompt",
    ];
    let section = Section::open(node, &known, report)?;
    let models = section.field("models", |node, report| some(node, report, scalars::text));
    let expires = section.field("expires", scalars::time);
    let scopes = section.field("scopes", |node, report| some(node, report, scope));
    let is_sound = !matches!(models, Field::Faulty)
        && !matches!(expires, Field::Faulty)
        && !matches!(scopes, Field::Faulty);
    Some(ClientKeyText {
        place: node.place.clone(),
        name: section.require_spot("name", scalars::name),
        key: section.field("key", secret),
        sha256: section.field("key_sha256", sha256),
        hash: section.field("key_hash", sha256),
        pepper: section.field("key_pepper", pepper),
        prefix: section.read("key_prefix", scalars::text),
        models: models.value().cloned().unwrap_or_else(|| vec!["*".to_owned()]),
        expires: expires.value().copied(),
        scopes: scopes.value().cloned().unwrap_or_else(|| vec![Scope::Inference]),
        strict_translation: section.read("strict_translation", scalars::flag).unwrap_or_default(),
        system_prompt: section.spot("system_prompt", prompt),
        tunnel: section.read("tunnel", tunnel),
        limits: section.spot("limits", limits::client_key),
        budgets: section.spot("budget", budgets::read),
        is_sound,
    })
}

/// Reads a list in which every item must be good, and one must be there.
fn some<T>(
    node: &Node,
    report: &Report,
    reader: impl Fn(&Node, &Report) -> Option<T>,
) -> Option<Vec<T>> {
    let found = each(node, report, reader)?;
    match &node.content {
        Content::List(items) if items.is_empty() => {
            report.add(&node.place, "the list is empty, so the key could do nothing");
            None
        }
        Content::List(items) if items.len() == found.len() => Some(found),
        _ => None,
    }
}

/// Reads a system prompt; an empty one stands for none.
fn prompt(node: &Node, report: &Report) -> Option<String> {
    match &node.content {
        Content::Scalar(scalar) if scalar.text.is_empty() => Some(String::new()),
        _ => scalars::text(node, report),
    }
}

fn scope(node: &Node, report: &Report) -> Option<Scope> {
    let table = [("inference", Scope::Inference), ("admin", Scope::Admin)];
    scalars::word(node, report, &table)
}

fn sha256(node: &Node, report: &Report) -> Option<[u8; 32]> {
    let found = match &node.content {
        Content::Scalar(scalar) => hex::decode(&scalar.text),
        _ => None,
    };
    if found.is_none() {
        let what = format!("a SHA-256 has {SHA256_HEX_CHARS} hexadecimal digits");
        report.add_with(&node.place, what, "make one with `printf %s KEY | sha256sum`");
    }
    found
}

fn pepper(node: &Node, report: &Report) -> Option<[u8; 32]> {
    let found = match &node.content {
        Content::Scalar(scalar) => hex::decode(&scalar.text),
        _ => None,
    };
    if found.is_none() {
        report.add(&node.place, "32 bytes in hexadecimal digits are expected here");
    }
    found
}
