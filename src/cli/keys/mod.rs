//! `omniroute keys`: the keys that the gateway keeps.

mod client;
mod rotate;

use std::process::ExitCode;

use clap::Subcommand;

use super::reach::Which;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a client key. It is printed now and never again.
    Create(client::CreateArgs),
    /// Print the client keys, one per line; of each as much as may be shown.
    List(Which),
    /// Take a client key away: it opens nothing any more.
    Revoke(client::RevokeArgs),
    /// Seal everything that is kept with a new master key. The gateway must not be running.
    RotateMaster(rotate::RotateArgs),
}

/// Does what the command says.
pub(super) fn keys(command: KeysCommand) -> ExitCode {
    match command {
        KeysCommand::Create(args) => client::create(args),
        KeysCommand::List(which) => client::list(which),
        KeysCommand::Revoke(args) => client::revoke(args),
        KeysCommand::RotateMaster(args) => return rotate::rotate(args),
    }
    .unwrap_or_else(|code| code)
}
