//! What `cargo metadata` says of the packages that are built.

use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The package that is the program.
pub(crate) const PROGRAM: &str = "omniroute";

/// Resolves the workspace for these targets, as Cargo.lock has it.
///
/// # Errors
///
/// That cargo cannot, or says something else than expected.
pub(crate) fn metadata(root: &Path, targets: &[&str]) -> io::Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--locked", "--format-version", "1"]).current_dir(root);
    for target in targets {
        command.args(["--filter-platform", target]);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Returns the items of a list; none if it is no list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
