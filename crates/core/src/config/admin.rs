//! The `admin` section: who may administrate.

use super::node::Node;
use super::report::{Report, Spot};
use super::scalars;
use super::section::Section;

/// `admin` as written.
#[derive(Debug, Default)]
pub(crate) struct AdminText {
    /// Whether somebody at this machine has to log in.
    pub(crate) require_login: Option<Spot<bool>>,
}

/// Reads `admin`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<AdminText> {
    let section = Section::open(node, &["require_login"], report)?;
    Some(AdminText { require_login: section.spot("require_login", scalars::flag) })
}
