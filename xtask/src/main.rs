//! Chores of the repository: `cargo xtask tidy`, `supply`, `changelog` and `sbom`.

mod changelog;
mod packages;
mod sbom;
mod supply;
mod tidy;

use std::io;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str =
    "usage: cargo xtask tidy               the rules of docs/ARCHITECTURE.md that a script can see
       cargo xtask supply                    where packages come from, and under which licences
       cargo xtask changelog VERSION DATE    fragments of changelog.d into CHANGELOG.md
       cargo xtask sbom                      what the program is made of, as CycloneDX";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = Path::new(".");
    let done = match arguments[..] {
        ["tidy"] => tidy::faults(root).and_then(|faults| none("tidy", &faults)),
        ["supply"] => supply(root),
        ["changelog", version, date] => changelog::release(root, version, date)
            .map(|count| say(&format!("CHANGELOG.md: {version} with {count} fragments"))),
        ["sbom"] => sbom::sbom(root).map(|document| say(&document)),
        _ => Err(io::Error::other(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn supply(root: &Path) -> io::Result<()> {
    let found = supply::look(root)?;
    found.notes.iter().for_each(|note| complain(&format!("note: {note}")));
    none("supply", &found.faults)
}

/// Fails if there are faults, and names them.
fn none(what: &str, faults: &[String]) -> io::Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!("{}\n{what}: {} faults", faults.join("\n"), faults.len())))
}

#[expect(clippy::print_stdout, reason = "what a command is asked to print")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "why a command failed")]
fn complain(text: &str) {
    eprintln!("{text}");
}
