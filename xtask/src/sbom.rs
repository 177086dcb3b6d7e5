//! `cargo xtask sbom`: what the program is made of, as a CycloneDX 1.5 document.
//!
//! It is what `cargo metadata` resolves for the program on Linux, what is linked in alone: crates that build
//! others, and those of tests, are not in the program. Checksums are those of Cargo.lock. No time and no
//! random number is in it, so that the same source gives the same document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::packages::{PROGRAM, list, metadata};

/// What it is built for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Returns the document.
///
/// # Errors
///
/// That cargo cannot resolve the workspace, or says something else than expected.
pub(crate) fn sbom(root: &Path) -> io::Result<String> {
    let metadata = metadata(root, &[TARGET])?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    let document = document(&metadata, &checksums(&lock)).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "cargo metadata has no program of this name")
    })?;
    Ok(serde_json::to_string_pretty(&document)?)
}

/// Returns the checksums of Cargo.lock by name and version.
fn checksums(lock: &str) -> HashMap<(&str, &str), &str> {
    lock.split("[[package]]")
        .filter_map(|package| {
            let of = |name: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(name))?;
                line.strip_prefix(" = \"")?.strip_suffix('"')
            };
            Some(((of("name")?, of("version")?), of("checksum")?))
        })
        .collect()
}

fn document(metadata: &Value, checksums: &HashMap<(&str, &str), &str>) -> Option<Value> {
    let packages: HashMap<&str, &Value> = list(&metadata["packages"])
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let program = packages.values().find(|package| package["name"] == PROGRAM)?;
    let linked = linked(metadata, program["id"].as_str()?);
    let component = |id: &str| component(packages.get(id).copied()?, checksums);
    let name = |id: &str| reference(packages.get(id).copied()?);
    let program = program["id"].as_str()?;
    let components: Vec<Value> =
        linked.keys().filter(|id| **id != program).filter_map(|id| component(id)).collect();
    let dependencies: Vec<Value> = linked
        .iter()
        .filter_map(|(id, uses)| {
            let uses: BTreeSet<String> = uses.iter().filter_map(|id| name(id)).collect();
            Some(json!({ "ref": name(id)?, "dependsOn": uses }))
        })
        .collect();
    Some(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(program)? },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// Returns what is linked into a package, with what each of it uses.
fn linked<'a>(metadata: &'a Value, root: &'a str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let uses: HashMap<&str, Vec<&str>> = list(&metadata["resolve"]["nodes"])
        .filter_map(|node| {
            let is_linked =
                |used: &&Value| list(&used["dep_kinds"]).any(|kind| kind["kind"].is_null());
            let used = list(&node["deps"]).filter(is_linked);
            Some((node["id"].as_str()?, used.filter_map(|used| used["pkg"].as_str()).collect()))
        })
        .collect();
    let mut found = BTreeMap::new();
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        if found.contains_key(id) {
            continue;
        }
        let used = uses.get(id).cloned().unwrap_or_default();
        waiting.extend(&used);
        found.insert(id, used);
    }
    found
}

fn component(package: &Value, checksums: &HashMap<(&str, &str), &str>) -> Option<Value> {
    let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
    let mut component = json!({
        "type": if name == PROGRAM { "application" } else { "library" },
        "bom-ref": reference(package)?,
        "name": name,
        "version": version,
        "purl": format!("pkg:cargo/{name}@{version}"),
    });
    if let Some(licence) = package["license"].as_str() {
        // Old crates write `MIT/Apache-2.0` for what is a choice.
        let choices: Vec<&str> = licence.split('/').map(str::trim).collect();
        component["licenses"] = json!([{ "expression": choices.join(" OR ") }]);
    }
    if let Some(checksum) = checksums.get(&(name, version)) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    Some(component)
}

fn reference(package: &Value) -> Option<String> {
    Some(format!("{}@{}", package["name"].as_str()?, package["version"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_in_it_and_what_only_builds_is_not() {
        let package = |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0" });
        let uses = |pkg: &str, kind: Value| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] });
        let names = ["omniroute", "used", "deep", "builds", "tests", "stranger"];
        let packages: Vec<Value> = names.into_iter().map(package).collect();
        let metadata = json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "omniroute", "deps": [uses("used", Value::Null), uses("builds", json!("build")), uses("tests", json!("dev"))] },
                { "id": "used", "deps": [uses("deep", Value::Null)] },
                { "id": "stranger", "deps": [] },
            ] },
        });
        let lock = "[[package]]\nname = \"deep\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";

        let document = document(&metadata, &checksums(lock)).unwrap();

        let names: Vec<&str> =
            list(&document["components"]).map(|part| part["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["deep", "used"]);
        assert_eq!(document["components"][0]["hashes"][0]["content"], "abc");
        assert_eq!(document["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(document["metadata"]["component"]["name"], "omniroute");
        let of_program =
            list(&document["dependencies"]).find(|part| part["ref"] == "omniroute@1.0.0");
        assert_eq!(of_program.unwrap()["dependsOn"], json!(["used@1.0.0"]));
    }
}
