//! What the environment gives a command: the home folder, `.env` files, the configuration's place.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use omniroute_core::snapshot::Overrides;
use rand::RngExt;

use crate::app;
use crate::keeping::Keeps;
use crate::live::{ProcessEnv, Source, Text, locate};

/// Makes the source of a command's configuration.
pub(super) fn source(config: Option<PathBuf>, overrides: Overrides) -> Source {
    let home = home();
    let text = locate(config, home.as_deref());
    with_text(text, overrides)
}

/// Makes a source of the given text.
pub(super) fn with_text(text: Text, overrides: Overrides) -> Source {
    Source {
        text,
        overrides,
        env_files: env_files(home().as_deref()),
        process_env: ProcessEnv::Read,
        clock: app::clock(),
        pepper: rand::rng().random(),
        keeps: Keeps::InDataDir,
        envelope_key: None,
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| !home.as_os_str().is_empty())
}

/// Reads `~/.omniroute/.env`, then `./.env`; the later goes before the earlier.
fn env_files(home: Option<&Path>) -> HashMap<String, String> {
    let at_home = home.map(|home| home.join(".omniroute/.env"));
    let mut variables = HashMap::new();
    for path in at_home.into_iter().chain([PathBuf::from(".env")]) {
        if let Ok(text) = std::fs::read_to_string(path) {
            variables.extend(assignments(&text));
        }
    }
    variables
}

/// Reads `NAME=value` lines; `#` begins a comment line, `export` and quotes are taken off.
fn assignments(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        if line.starts_with('#') {
            return None;
        }
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
            .unwrap_or(value);
        Some((name.trim().to_owned(), unquoted.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_line_by_line() {
        let text = "# comment\nA=1\nexport B = 'two words' \nC=\"x=y\"\nnonsense\n";
        let seen: Vec<_> = assignments(text).collect();
        let expected = [("A", "1"), ("B", "two words"), ("C", "x=y")];
        assert_eq!(seen, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
