//! `cargo xtask supply`: what `deny.toml` allows, looked after on every machine.
//!
//! `cargo deny` reads the same file and sees more (advisories, yanked versions), but is a program of its own that few
//! machines have.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};

use crate::packages::{list, metadata};

/// The one place packages may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What is wrong, and what is worth a look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What `deny.toml` does not allow.
    pub(crate) faults: Vec<String>,
    /// Crates that came in two versions since it was written.
    pub(crate) notes: Vec<String>,
}

/// The parts of `deny.toml` that are looked after here.
#[derive(Debug, Deserialize)]
struct Deny {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    skip: Vec<Skipped>,
}

#[derive(Debug, Deserialize)]
struct Skipped {
    #[serde(rename = "crate")]
    name_and_version: String,
}

/// Looks at every package of the workspace's lock file.
///
/// # Errors
///
/// That `deny.toml` cannot be read, or cargo cannot resolve the workspace.
pub(crate) fn look(root: &Path) -> io::Result<Found> {
    let deny: Deny = toml::from_str(&std::fs::read_to_string(root.join("deny.toml"))?)
        .map_err(|error| io::Error::other(format!("deny.toml: {error}")))?;
    let targets: Vec<&str> = deny.graph.targets.iter().map(String::as_str).collect();
    found(&deny, &metadata(root, &targets)?)
}

fn found(deny: &Deny, metadata: &Value) -> io::Result<Found> {
    let licences = deny.licenses.allow.iter().map(|name| Licensee::parse(name));
    let allowed: Vec<Licensee> = licences
        .collect::<Result<_, _>>()
        .map_err(|error| io::Error::other(format!("deny.toml: {error}")))?;
    let mut found = Found::default();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        let text = |field: &str| package[field].as_str().unwrap_or_default();
        let (name, version, source) = (text("name"), text("version"), text("source"));
        let mut fault = |what: &str| found.faults.push(format!("{name} {version} {what}"));
        if source.is_empty() {
            for used in list(&package["dependencies"]) {
                if used["req"] == "*" && used["path"].is_null() {
                    fault(&format!("takes any version of {}: name one", used["name"]));
                }
            }
            continue;
        }
        if source != REGISTRY {
            fault(&format!("comes from {source}; only the registry is allowed"));
        }
        if let Err(why) = licence(text("license"), &allowed) {
            fault(&why);
        }
        if !deny.bans.skip.iter().any(|skipped| skipped.is(name, version)) {
            versions.entry(name).or_default().push(version);
        }
    }
    let twice = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    found.notes =
        twice.map(|(name, versions)| format!("{name} in {}", versions.join(", "))).collect();
    Ok(found)
}

/// Tells why a licence is not allowed.
fn licence(text: &str, allowed: &[Licensee]) -> Result<(), String> {
    // Old crates write `MIT/Apache-2.0` for what is a choice.
    let expression = Expression::parse_mode(text, ParseMode::LAX)
        .map_err(|_| format!("has the licence `{text}`, which is no SPDX expression"))?;
    if expression.evaluate(|asked| allowed.iter().any(|licence| licence.satisfies(asked))) {
        return Ok(());
    }
    Err(format!("has the licence `{text}`, which deny.toml does not allow"))
}

impl Skipped {
    /// Tells whether `name@0.22` means this package.
    fn is(&self, name: &str, version: &str) -> bool {
        let Some((skipped, prefix)) = self.name_and_version.split_once('@') else { return false };
        let rest = version.strip_prefix(prefix);
        skipped == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DENY: &str = r#"
        [graph]
        targets = ["x86_64-unknown-linux-gnu"]
        [licenses]
        allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
        [bans]
        skip = [{ crate = "old@0.2", reason = "of another" }]
    "#;

    fn found_in(packages: &[Value]) -> Found {
        found(&toml::from_str(DENY).unwrap(), &json!({ "packages": packages })).unwrap()
    }

    fn package(name: &str, version: &str, licence: &str) -> Value {
        json!({ "name": name, "version": version, "source": REGISTRY, "license": licence })
    }

    #[test]
    fn licences_are_those_of_the_list_by_choice_or_together() {
        let fine = ["MIT", "MIT/GPL-3.0", "GPL-3.0-only OR MIT", "Apache-2.0 WITH LLVM-exception"];
        for licence in fine {
            assert_eq!(found_in(&[package("a", "1.0.0", licence)]), Found::default(), "{licence}");
        }
        for licence in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "Apache-2.0", "free", ""] {
            let faults = found_in(&[package("a", "1.0.0", licence)]).faults;
            assert!(faults.len() == 1 && faults[0].starts_with("a 1.0.0 has the"), "{faults:?}");
        }
    }

    #[test]
    fn packages_come_from_the_registry_and_in_versions_that_are_named() {
        let mut foreign = package("a", "1.0.0", "MIT");
        foreign["source"] = json!("git+https://example.com/a");
        let own = json!({ "name": "own", "version": "0.1.0", "source": null, "dependencies": [
            { "name": "any", "req": "*" }, { "name": "near", "req": "*", "path": "/near" } ] });
        let faults = found_in(&[foreign, own]).faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("example.com") && faults[1].contains("any"), "{faults:?}");
    }

    #[test]
    fn what_came_in_two_versions_is_noted_unless_it_is_known() {
        let both = |name, old, new| [package(name, old, "MIT"), package(name, new, "MIT")];
        assert_eq!(found_in(&both("old", "0.2.9", "0.3.0")).notes, [""; 0]);
        assert_eq!(found_in(&both("old", "0.20.0", "0.3.0")).notes, ["old in 0.20.0, 0.3.0"]);
        assert_eq!(found_in(&both("new", "1.0.0", "2.0.0")).notes, ["new in 1.0.0, 2.0.0"]);
    }
}
