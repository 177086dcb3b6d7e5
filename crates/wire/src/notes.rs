//! What a translation could not carry as it was.

use std::borrow::Cow;

use crate::codec::WireError;

/// How many dropped fields the header names; the rest are only counted.
const NAMED_FIELDS: usize = 20;

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
    estimated: Vec<&'static str>,
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

    /// Records that `what` in the answer is our own count, because the provider has none.
    pub fn estimate(&mut self, what: &'static str) {
        if !self.estimated.contains(&what) {
            self.estimated.push(what);
        }
    }

    /// Returns the notes in the order they were made.
    pub fn entries(&self) -> &[Note] {
        &self.entries
    }

    /// Refuses a translation that drops something.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`] with every dropped field.
    pub fn refuse_losses(&self) -> Result<(), WireError> {
        let dropped = self.entries.iter().filter(|note| note.mark == Mark::Dropped);
        let fields: Vec<(String, String)> =
            dropped.map(|note| (note.field.to_string(), note.detail.to_string())).collect();
        if fields.is_empty() { Ok(()) } else { Err(WireError::Unsupported { fields }) }
    }

    /// Iterates over the names of dropped fields.
    pub fn dropped(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|note| note.mark == Mark::Dropped).map(|note| &*note.field)
    }

    /// Writes the value of `x-omniroute-translation`: `translated;dropped=a,b;estimated=tokens`.
    ///
    /// Field names may come from the client, so only visible ASCII that cannot end a name is kept.
    pub fn header_value(&self) -> String {
        let mut value = String::from("translated");
        let mut names = self.dropped().map(plain_name).filter(|name| !name.is_empty());
        let named: Vec<String> = names.by_ref().take(NAMED_FIELDS).collect();
        if !named.is_empty() {
            value.push_str(";dropped=");
            value.push_str(&named.join(","));
        }
        let more = names.count();
        if more > 0 {
            value.push_str(",+");
            value.push_str(&more.to_string());
        }
        if !self.estimated.is_empty() {
            value.push_str(";estimated=");
            value.push_str(&self.estimated.join(","));
        }
        value
    }

    fn add(&mut self, mark: Mark, field: Cow<'static, str>, detail: Cow<'static, str>) {
        let known = self.entries.iter().any(|note| note.mark == mark && note.field == field);
        if !known {
            self.entries.push(Note { mark, field, detail });
        }
    }
}

fn plain_name(field: &str) -> String {
    field.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, ',' | ';' | '"')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dropped: &[&str], expected: &str) {
        let mut notes = Notes::default();
        for field in dropped {
            notes.drop((*field).to_owned(), "");
        }
        assert_eq!(notes.header_value(), expected);
    }

    #[test]
    fn header_names_dropped_fields_in_order() {
        check(&[], "translated");
        check(&["seed", "top_k", "seed"], "translated;dropped=seed,top_k");
    }

    #[test]
    fn header_keeps_no_character_that_could_break_it() {
        check(&["a,b;c\"d\r\ne é", "\n"], "translated;dropped=abcde");
    }

    #[test]
    fn header_counts_fields_beyond_its_limit() {
        let names: Vec<String> = (0..23).map(|n| format!("f{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let shown = names.get(..20).map(|names| names.join(",")).unwrap_or_default();
        check(&names, &format!("translated;dropped={shown},+3"));
    }

    #[test]
    fn header_says_what_was_estimated_but_not_what_was_approximated() {
        let mut notes = Notes::default();
        notes.approximate("temperature", "clamped");
        notes.estimate("tokens");
        notes.estimate("tokens");
        assert_eq!(notes.header_value(), "translated;estimated=tokens");
    }
}
