//! `cargo xtask tidy`: the rules of docs/ARCHITECTURE.md that a script can see.

mod tidy;

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "what the command is for")]
fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    if command.as_deref() != Some("tidy") {
        eprintln!("usage: cargo xtask tidy");
        return ExitCode::FAILURE;
    }
    match tidy::faults(std::path::Path::new(".")) {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("tidy: {} faults", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: {error}");
            ExitCode::FAILURE
        }
    }
}
