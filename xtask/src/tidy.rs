//! Who may import whom, how long a file may be, and what must not stand anywhere.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Most lines of a file, tests apart.
const MAX_LINES: usize = 500;

/// A word that may stand only in some places.
struct Border {
    word: &'static str,
    places: &'static [&'static str],
    why: &'static str,
}

const BORDERS: [Border; 5] = [
    Border {
        word: "axum",
        places: &["src/admin/"],
        why: "the proxy hands requests on as a function",
    },
    Border {
        word: "pingora",
        places: &[
            "src/listen/",
            "src/proxy/",
            "src/upstream/",
            "src/services/",
            "src/app.rs",
            "tests/",
            "benches/",
        ],
        why: "Pingora stays at the rim",
    },
    Border { word: "saphyr", places: &["crates/core/src/config/"], why: "YAML has one door" },
    Border { word: "serde_yaml", places: &["crates/core/src/config/"], why: "YAML has one door" },
    Border { word: "redb", places: &["src/store/"], why: "the database has one owner" },
];

/// Pieces of text that must not stand in any file of the repository, written backwards so that this
/// file does not hold them.
const NOWHERE: [&str; 7] = [
    "oi.setarc.xedni",
    "oi.setarc.citats",
    "gro.sjmpn.yrtsiger",
    "gro.ipyp",
    "gro.detsohnohtyp",
    "gro.naibed.bed",
    "niam/krow/",
];

/// Folders that are not ours or not source.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "dist"];

/// Returns every broken rule, one line each.
///
/// # Errors
///
/// The system's, if a file cannot be read.
pub(crate) fn faults(root: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut faults = Vec::new();
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        // The lock file names the registry's index; it is cargo's, not ours.
        if name != "Cargo.lock" {
            forbidden(&name, &text, &mut faults);
        }
        if name.ends_with(".rs") {
            code(&name, &text, &mut faults);
        }
    }
    Ok(faults)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn forbidden(name: &str, text: &str, faults: &mut Vec<String>) {
    for backwards in NOWHERE {
        let word: String = backwards.chars().rev().collect();
        if text.contains(&word) {
            faults.push(format!("{name}: `{word}` must not stand in the repository"));
        }
    }
}

fn code(name: &str, text: &str, faults: &mut Vec<String>) {
    let is_tidy_itself = name.starts_with("xtask/");
    for border in BORDERS.iter().filter(|_| !is_tidy_itself) {
        if border.places.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let is_use = line.starts_with("use ") || line.starts_with("pub use ");
            if is_use && line.contains(border.word) || line.contains(&format!("{}::", border.word))
            {
                if line.starts_with("//") {
                    continue;
                }
                let at = index + 1;
                faults.push(format!("{name}:{at}: `{}` here: {}", border.word, border.why));
            }
        }
    }
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = own.lines().count();
    let is_test =
        name.contains("/tests/") || name.starts_with("tests/") || name.ends_with("tests.rs");
    if !is_test && lines > MAX_LINES {
        faults.push(format!("{name}: {lines} lines; split it by idea (at most {MAX_LINES})"));
    }
    if !is_tidy_itself && text.contains("#[allow(") {
        faults.push(format!("{name}: write #[expect(…, reason = \"…\")] instead of #[allow(…)]"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(name: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        code(name, text, &mut faults);
        forbidden(name, text, &mut faults);
        faults
    }

    #[test]
    fn borders_are_kept() {
        let uses = "use pingora_core::Error;\n";
        assert_eq!(faults_of("src/proxy/mod.rs", uses), Vec::<String>::new());
        assert_eq!(faults_of("crates/core/src/lib.rs", uses).len(), 1);
        assert_eq!(faults_of("crates/core/src/lib.rs", "// pingora is mentioned\n").len(), 0);
    }

    #[test]
    fn long_files_and_silenced_lints_are_found() {
        assert_eq!(faults_of("src/a.rs", &"x\n".repeat(501)).len(), 1);
        assert_eq!(faults_of("src/a.rs", "#[allow(dead_code)]\n").len(), 1);
        let path = format!("see /{}\n", "work/main");
        assert_eq!(faults_of("README.md", &path).len(), 1);
    }
}
