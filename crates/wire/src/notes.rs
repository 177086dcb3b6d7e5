//! What a translation could not carry as it was.

use std::borrow::Cow;

/// What happened to a field on its way to another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Carried with a change of meaning or precision.
    Approximated,
    /// Not carried. Listed in `x-omniroute-translation: translated;dropped=…`.
    Dropped,
}

/// One field that was not carried as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What happened.
    pub mark: Mark,
    /// The field by the client's name for it.
    pub field: Cow<'static, str>,
    /// Why, or what was done instead; for logs and the playground.
    pub detail: Cow<'static, str>,
}

/// All that one translation could not carry, each field once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    entries: Vec<Note>,
}

impl Notes {
    /// Records that `field` was carried with a change.
    pub fn approximate(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.add(Mark::Approximated, field.into(), detail.into());
    }

    /// Records that `field` was left out.
    pub fn drop(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.add(Mark::Dropped, field.into(), detail.into());
    }

    /// Returns the notes in the order they were made.
    pub fn entries(&self) -> &[Note] {
        &self.entries
    }

    /// Iterates over the names of dropped fields.
    pub fn dropped(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|note| note.mark == Mark::Dropped).map(|note| &*note.field)
    }

    fn add(&mut self, mark: Mark, field: Cow<'static, str>, detail: Cow<'static, str>) {
        let known = self.entries.iter().any(|note| note.mark == mark && note.field == field);
        if !known {
            self.entries.push(Note { mark, field, detail });
        }
    }
}
