//! `omniroute password set`: the administrator's password.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use clap::Subcommand;
use http::Method;
use serde_json::json;

use super::reach::{Reach, Which};
use super::{EXIT_GIVEN, EXIT_SYSTEM, complain, say};

#[derive(Debug, Subcommand)]
pub(super) enum PasswordCommand {
    /// Set the password of the dashboard. It is asked for, or read as a line of standard input; who is
    /// logged in has to log in again.
    Set(Which),
}

/// Does what the command says.
pub(super) fn password(command: PasswordCommand) -> ExitCode {
    let PasswordCommand::Set(which) = command;
    set(which).unwrap_or_else(|code| code)
}

fn set(which: Which) -> Result<ExitCode, ExitCode> {
    let password = read()?;
    let body = json!({ "new": password });
    Reach::open(&which)?.ask(Method::POST, "/api/auth/password", Some(&body))?;
    say("the password is set");
    Ok(ExitCode::SUCCESS)
}

/// Reads the password. An argument would stand in the shell's history and in the list of processes.
fn read() -> Result<String, ExitCode> {
    let unread = |error: std::io::Error| {
        complain(&format!("omniroute: the password cannot be read: {error}"));
        ExitCode::from(EXIT_SYSTEM)
    };
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.lock().read_line(&mut line).map_err(unread)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("new password: ").map_err(unread)?;
    let again = rpassword::prompt_password("once more: ").map_err(unread)?;
    if password != again {
        complain("omniroute: these are two different passwords; nothing was changed");
        return Err(ExitCode::from(EXIT_GIVEN));
    }
    Ok(password)
}
