//! Everything that was written, by hand or at the dashboard, as one tree before it means anything.
//!
//! The operator's file and the objects that the dashboard keeps are laid into one tree; an object has one
//! owner, so the same name on both sides is a fault that names both. The tree is what the configuration is
//! compiled from, what the administration shows, and what two generations are compared by.

mod difference;
mod lay;
mod object;
mod view;

#[cfg(test)]
mod tests;

pub use self::object::{Kind, StoredObject};
pub use self::view::{Origin, View};

use crate::config::node::{Content, Node};
use crate::config::report::{Place, Report};
use crate::config::yaml::{self, Env};
use crate::snapshot::{ConfigFile, Problems};

/// The file and the stored objects as one tree. Holds secrets: what leaves it is made by
/// [`Written::views`] and [`Written::differences`], which show none.
#[derive(Clone)]
pub struct Written {
    root: Node,
}

impl Written {
    /// Reads the file, if there is one, and lays the stored objects over it.
    ///
    /// # Errors
    ///
    /// What is no YAML, names that stand on both sides, and objects that no dashboard may have.
    pub fn read(
        file: Option<&ConfigFile>,
        env: Env<'_>,
        objects: &[StoredObject],
    ) -> Result<Self, Problems> {
        let report = Report::default();
        match Self::read_into(file, env, objects, &report) {
            Some(written) if report.is_empty() => Ok(written),
            _ => Err(report.into_problems()),
        }
    }

    /// The same, with the faults in a report that goes on.
    pub(crate) fn read_into(
        file: Option<&ConfigFile>,
        env: Env<'_>,
        objects: &[StoredObject],
        report: &Report,
    ) -> Option<Self> {
        let mut root = match file {
            Some(file) => yaml::parse(&file.name, &file.text, env, report)?,
            None => Node { place: Place::outside("no file"), content: Content::Map(Vec::new()) },
        };
        for object in objects {
            lay::over(&mut root, object, report);
        }
        Some(Self { root })
    }

    /// The tree.
    pub(crate) const fn root(&self) -> &Node {
        &self.root
    }
}
