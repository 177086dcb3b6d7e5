//! Where something stands in a file, and the list of faults found while reading.

use std::cell::RefCell;
use std::sync::Arc;

use crate::reach::Reach;
use crate::snapshot::{Problem, Problems};

/// What stands for the file of an object that the dashboard keeps.
pub(crate) const DASHBOARD: &str = "dashboard";

/// A position: file, path of keys, line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file as the operator named it.
    pub(crate) file: Arc<str>,
    /// Keys and indices from the top, e.g. `combos.fast.targets[1]`.
    pub(crate) path: String,
    /// Line and column from 1, or `None` outside files.
    pub(crate) mark: Option<(usize, usize)>,
}

impl Place {
    /// Makes a place that is not in a file, e.g. in the environment.
    pub(crate) fn outside(name: &str) -> Self {
        Self { file: name.into(), path: String::new(), mark: None }
    }

    /// Tells whether this came through the API and not from the file.
    pub(crate) fn is_dashboards(&self) -> bool {
        &*self.file == DASHBOARD
    }

    /// Says which addresses a URL that stands here may lead to.
    pub(crate) fn reach(&self) -> Reach {
        if self.is_dashboards() { Reach::Public } else { Reach::Anywhere }
    }
}

/// A value with the place it was written at.
#[derive(Clone, Debug)]
pub(crate) struct Spot<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it stands.
    pub(crate) place: Place,
}

impl<T> Spot<T> {
    /// Joins a value and its place.
    pub(crate) fn new(value: T, place: &Place) -> Self {
        Self { value, place: place.clone() }
    }
}

/// Collects faults. Reading goes on after each, so that one run finds all.
#[derive(Debug, Default)]
pub(crate) struct Report(RefCell<Vec<Problem>>);

impl Report {
    /// Adds a fault.
    pub(crate) fn add(&self, place: &Place, what: impl Into<String>) {
        self.push(place, what.into(), None);
    }

    /// Adds a fault with a way to mend it.
    pub(crate) fn add_with(&self, place: &Place, what: impl Into<String>, hint: impl Into<String>) {
        self.push(place, what.into(), Some(hint.into()));
    }

    /// Adds a fault with a way to mend it, if one is known.
    pub(crate) fn add_maybe(&self, place: &Place, what: impl Into<String>, hint: Option<String>) {
        self.push(place, what.into(), hint);
    }

    /// Tells whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Returns all faults, sorted.
    pub(crate) fn into_problems(self) -> Problems {
        Problems::new(self.0.into_inner())
    }

    fn push(&self, place: &Place, what: String, hint: Option<String>) {
        self.0.borrow_mut().push(Problem {
            file: place.file.to_string(),
            path: place.path.clone(),
            line: place.mark.map(|(line, _)| line),
            column: place.mark.map(|(_, column)| column),
            what,
            hint,
        });
    }
}
