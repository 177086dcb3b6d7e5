//! `omniroute audit`: what administrators did.

use std::process::ExitCode;

use clap::Subcommand;
use http::Method;

use super::reach::{Reach, Which};
use super::{EXIT_GIVEN, complain, say};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Check that no entry of the log was changed or taken away.
    Verify(Which),
}

/// Does what the command says.
pub(super) fn audit(command: AuditCommand) -> ExitCode {
    let AuditCommand::Verify(which) = command;
    verify(which).unwrap_or_else(|code| code)
}

fn verify(which: Which) -> Result<ExitCode, ExitCode> {
    let verified = Reach::open(&which)?.ask(Method::GET, "/api/audit/verify", None)?;
    let entries = &verified["entries"];
    if let Some(fault) = verified["fault"].as_str() {
        complain(&format!("omniroute: the audit log was tampered with: {fault}"));
        return Err(ExitCode::from(EXIT_GIVEN));
    }
    say(&format!("the audit log is whole: {entries} entries"));
    Ok(ExitCode::SUCCESS)
}
