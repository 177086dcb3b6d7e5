//! `cargo xtask changelog VERSION DATE`: the fragments of changelog.d become a version's part of CHANGELOG.md.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The heading above what is not released yet.
const UNRELEASED: &str = "## Unreleased\n";

/// Widest line that is written.
const WIDTH: usize = 118;

/// Moves everything that is unreleased under the version's heading, and takes the fragments away.
///
/// # Errors
///
/// The system's, and [`io::ErrorKind::InvalidData`] if the changelog has no heading `## Unreleased`, has the
/// version already, or a fragment is empty, a heading or a list.
pub(crate) fn release(root: &Path, version: &str, date: &str) -> io::Result<usize> {
    let file = root.join("CHANGELOG.md");
    let fragments = fragments(&root.join("changelog.d"))?;
    let texts: Vec<&str> = fragments.iter().map(|(_, text)| text.as_str()).collect();
    let changed = assembled(&fs::read_to_string(&file)?, &texts, version, date)?;
    fs::write(file, changed)?;
    for (path, _) in &fragments {
        fs::remove_file(path)?;
    }
    Ok(fragments.len())
}

/// Returns the fragments by name.
fn fragments(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_fragment = path.extension().is_some_and(|ending| ending == "md");
        if !is_fragment || path.ends_with("README.md") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        if text.trim().is_empty() || text.starts_with(['#', '-', '*']) {
            let what =
                format!("{}: write one or two sentences, no heading, no list", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        found.push((path, text));
    }
    found.sort();
    Ok(found)
}

fn assembled(changelog: &str, fragments: &[&str], version: &str, date: &str) -> io::Result<String> {
    let refused = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    if changelog.contains(&format!("\n## {version},")) {
        return Err(refused(format!("CHANGELOG.md: {version} is there already")));
    }
    let Some((before, after)) = changelog.split_once(UNRELEASED) else {
        return Err(refused("CHANGELOG.md: there is no heading `## Unreleased`".to_owned()));
    };
    let points: String = fragments.iter().map(|text| point(text)).collect();
    let kept = after.trim_start_matches('\n');
    Ok(format!("{before}{UNRELEASED}\n## {version}, {date}\n\n{points}{kept}"))
}

/// Makes a fragment a point of a list.
fn point(text: &str) -> String {
    let mut lines = vec!["-".to_owned()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str =
        "# Changelog\n\n## Unreleased\n\n- Old.\n\n## 0.1.0, 2026-01-01\n\n- First.\n";

    #[test]
    fn fragments_come_first_under_the_versions_heading() {
        let seen = assembled(BEFORE, &["New\nthing.\n"], "0.2.0", "2026-12-01").unwrap();
        assert_eq!(
            seen,
            "# Changelog\n\n## Unreleased\n\n## 0.2.0, 2026-12-01\n\n- New thing.\n- Old.\n\n\
             ## 0.1.0, 2026-01-01\n\n- First.\n"
        );
    }

    #[test]
    fn a_version_is_released_once() {
        assert!(assembled(BEFORE, &[], "0.1.0", "2026-12-01").is_err());
        assert!(assembled("# Changelog\n", &[], "0.2.0", "2026-12-01").is_err());
    }

    #[test]
    fn long_points_are_folded() {
        let folded = point(&"word ".repeat(40));
        assert!(folded.lines().all(|line| line.len() <= WIDTH), "{folded}");
        assert_eq!(folded.lines().count(), 2);
        assert!(folded.lines().skip(1).all(|line| line.starts_with("  word")), "{folded}");
    }
}
