//! Secrets as they are written: in place, by variable or by file. Messages never repeat them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::expand::is_variable_name;
use super::node::{Content, Node};
use super::report::Report;
use super::scalars;
use super::section::Section;
use crate::secret::Secret;

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub(crate) enum SecretText {
    /// It stands in the file, or came there from the environment.
    Given(Secret),
    /// It is in this variable of the environment.
    Env(String),
    /// It is in this file.
    File(PathBuf),
}

impl SecretText {
    /// Returns the file that it stands in, if that is one of its own.
    pub(crate) fn file(&self) -> Option<Arc<Path>> {
        match self {
            Self::File(path) => Some(path.as_path().into()),
            Self::Given(_) | Self::Env(_) => None,
        }
    }
}

/// Reads `key: …`, `key: { env: NAME }` or `key: { file: PATH }`.
pub(crate) fn secret(node: &Node, report: &Report) -> Option<SecretText> {
    match &node.content {
        Content::Scalar(scalar) if scalar.text.trim().is_empty() => {
            report.add(&node.place, "the key is empty");
            None
        }
        Content::Scalar(scalar) => Some(SecretText::Given(Secret::new(scalar.text.as_str()))),
        Content::Map(entries) if entries.len() == 1 => by_reference(node, report),
        Content::Broken => None,
        Content::Null | Content::List(_) | Content::Map(_) => {
            report.add_with(
                &node.place,
                "this is no key",
                "write `${NAME}`, `{ env: NAME }` or `{ file: PATH }`",
            );
            None
        }
    }
}

fn by_reference(node: &Node, report: &Report) -> Option<SecretText> {
    // A key written as `{ sk-… }` by mistake must not be repeated as an unknown key.
    if node.entry("env").or_else(|| node.entry("file")).is_none() {
        report.add(&node.place, "a key is given as text, `{ env: NAME }` or `{ file: PATH }`");
        return None;
    }
    let section = Section::open(node, &["env", "file"], report)?;
    if section.get("file").is_some() {
        return section.read("file", scalars::text).map(|path| SecretText::File(path.into()));
    }
    let name = section.require("env", scalars::text)?;
    if !is_variable_name(&name) {
        report.add(section.place("env"), "this cannot be the name of an environment variable");
        return None;
    }
    Some(SecretText::Env(name))
}
