//! Reads a map field by field: unknown keys are named, every bad field is reported, reading goes on.

use super::nearest::did_you_mean_or_list;
use super::node::{Content, Entry, Node, shortened};
use super::report::{Place, Report, Spot};

/// An open map of the document.
pub(crate) struct Section<'n> {
    /// The map itself.
    pub(crate) node: &'n Node,
    report: &'n Report,
}

/// What is known of a field after reading.
#[derive(Clone, Debug, Default)]
pub(crate) enum Field<T> {
    /// It is not there.
    #[default]
    Absent,
    /// It is there, but faulty; that has been reported.
    Faulty,
    /// It is there.
    Value(Spot<T>),
}

impl<T> Field<T> {
    /// Takes the other value unless it is absent.
    pub(crate) fn overlay(&mut self, over: Self) {
        if !matches!(over, Self::Absent) {
            *self = over;
        }
    }

    /// Returns the value, if there is a good one.
    pub(crate) fn value(&self) -> Option<&T> {
        self.spot().map(|spot| &spot.value)
    }

    /// Returns the value and where it stands, if there is a good one.
    pub(crate) const fn spot(&self) -> Option<&Spot<T>> {
        match self {
            Self::Value(spot) => Some(spot),
            Self::Absent | Self::Faulty => None,
        }
    }
}

impl<'n> Section<'n> {
    /// Opens a map, and reports keys that are not `known`.
    ///
    /// `None`, reported, if the node is no map.
    pub(crate) fn open(node: &'n Node, known: &[&str], report: &'n Report) -> Option<Self> {
        for entry in entries(node, report)? {
            if !known.contains(&entry.name.as_str()) {
                let what = format!("unknown key `{}`", shortened(&entry.name));
                report.add_with(&entry.place, what, did_you_mean_or_list(&entry.name, known));
            }
        }
        Some(Self { node, report })
    }

    /// Returns the value of a key; null counts as not written.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.node.entry(name).filter(|node| !node.is_null())
    }

    /// Reads a key. `None` if it is not there or, reported, faulty.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        reader: impl FnOnce(&'n Node, &'n Report) -> Option<T>,
    ) -> Option<T> {
        self.get(name).filter(|node| !node.is_broken()).and_then(|node| reader(node, self.report))
    }

    /// Reads a key and tells a missing one from a faulty one.
    pub(crate) fn field<T>(
        &self,
        name: &str,
        reader: impl FnOnce(&'n Node, &'n Report) -> Option<T>,
    ) -> Field<T> {
        let Some(node) = self.get(name) else { return Field::Absent };
        match self.read(name, reader) {
            Some(value) => Field::Value(Spot::new(value, &node.place)),
            None => Field::Faulty,
        }
    }

    /// Reads a key and keeps the place of its value.
    pub(crate) fn spot<T>(
        &self,
        name: &str,
        reader: impl FnOnce(&'n Node, &'n Report) -> Option<T>,
    ) -> Option<Spot<T>> {
        self.read(name, reader).map(|value| Spot::new(value, self.place(name)))
    }

    /// Reads a key that must be there, and keeps the place of its value.
    pub(crate) fn require_spot<T>(
        &self,
        name: &str,
        reader: impl FnOnce(&'n Node, &'n Report) -> Option<T>,
    ) -> Option<Spot<T>> {
        self.require(name, reader).map(|value| Spot::new(value, self.place(name)))
    }

    /// Reads a key that must be there.
    pub(crate) fn require<T>(
        &self,
        name: &str,
        reader: impl FnOnce(&'n Node, &'n Report) -> Option<T>,
    ) -> Option<T> {
        if self.get(name).is_none() {
            self.report.add(&self.node.place, format!("`{name}` is missing"));
        }
        self.read(name, reader)
    }

    /// Returns the place of a key's value, or of the map if the key is not there.
    pub(crate) fn place(&self, name: &str) -> &'n Place {
        self.node.entry(name).map_or(&self.node.place, |node| &node.place)
    }
}

/// Returns the entries of a map; reports anything else. Null is an empty map.
pub(crate) fn entries<'n>(node: &'n Node, report: &Report) -> Option<&'n [Entry]> {
    match &node.content {
        Content::Map(entries) => Some(entries),
        Content::Null => Some(&[]),
        Content::Broken => None,
        Content::List(_) | Content::Scalar(_) => {
            // What stands here instead may be a secret in the wrong place, so it is not repeated.
            report.add(&node.place, "a map (`key: value`) is expected here");
            None
        }
    }
}

/// Returns the items of a list; reports anything else. Null is an empty list.
pub(crate) fn items<'n>(node: &'n Node, report: &Report) -> Option<&'n [Node]> {
    match &node.content {
        Content::List(items) => Some(items),
        Content::Null => Some(&[]),
        Content::Broken => None,
        Content::Map(_) | Content::Scalar(_) => {
            report.add(&node.place, "a list (`- item` or `[item, item]`) is expected here");
            None
        }
    }
}

/// Reads every item of a list that can be read; the faulty ones are reported and left out.
pub(crate) fn each<T>(
    node: &Node,
    report: &Report,
    reader: impl Fn(&Node, &Report) -> Option<T>,
) -> Option<Vec<T>> {
    let items = items(node, report)?;
    Some(items.iter().filter_map(|item| reader(item, report)).collect())
}
