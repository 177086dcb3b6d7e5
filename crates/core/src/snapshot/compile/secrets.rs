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
                    report.add(place, unreadable(path, &error));
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

/// Says why a file cannot be read. A key may stand where its file should: what looks like no path is not repeated.
fn unreadable(path: &Path, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        other => other.to_string(),
    };
    let text = path.to_string_lossy();
    if text.contains(['/', '.']) {
        return format!("cannot read `{text}`: {why}");
    }
    format!(
        "cannot read the file that `file` names: {why}; it takes a path, such as `./key.txt`, not the key itself"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_place_of_its_file_is_not_repeated() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let said = |path: &str| unreadable(Path::new(path), &missing);
        assert_eq!(said("/run/key"), "cannot read `/run/key`: it does not exist");
        assert!(said("key.txt").contains("`key.txt`"));
        let key = said("sk-proj-canary123");
        assert!(!key.contains("canary") && key.contains("takes a path"), "{key}");
    }
}
