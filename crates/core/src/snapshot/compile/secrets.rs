//! Fetches secrets from where the file says they are.

use std::io;
use std::path::Path;

use crate::config::report::{Place, Report};
use crate::config::secret_text::SecretText;
use crate::secret::Secret;

/// Where secrets may come from besides the file.
pub(super) struct Secrets<'a> {
    /// The environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file.
    pub(super) read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl Secrets<'_> {
    /// Returns the secret itself; `None`, reported, if it is missing, empty or no line of text.
    pub(super) fn fetch(
        &self,
        text: &SecretText,
        place: &Place,
        report: &Report,
    ) -> Option<Secret> {
        let secret = match text {
            SecretText::Given(secret) => secret.clone(),
            SecretText::Env(name) => match (self.env)(name) {
                Some(value) => Secret::new(value),
                None => {
                    report.add(place, format!("the environment variable `{name}` is not set"));
                    return None;
                }
            },
            SecretText::File(path) => match (self.read_file)(path) {
                Ok(value) => Secret::new(value.trim_end()),
                Err(error) => {
                    let what = format!("cannot read `{}`: {}", path.display(), error.kind());
                    report.add(place, what);
                    return None;
                }
            },
        };
        if secret.expose().trim().is_empty() {
            report.add(place, "the key is empty");
            return None;
        }
        // A header cannot carry anything else, and a key with a line break is a wrong file.
        if !secret.expose().chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            report.add(place, "the key has characters that a header cannot carry");
            return None;
        }
        Some(secret)
    }
}
