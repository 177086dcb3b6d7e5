//! `omniroute keys`: the keys that the gateway keeps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use omniroute_core::snapshot::Overrides;

use super::{EXIT_GIVEN, EXIT_SYSTEM, complain, environment, say};
use crate::store::{MasterKey, Origin, StoreError, rotate_master};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Seal everything that is kept with a new master key. The gateway must not be running.
    RotateMaster(RotateArgs),
}

#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    config: super::ConfigArgs,
    /// Where the gateway keeps what it must remember.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The file of the new key. Needed where the old one does not stand in the data directory.
    #[arg(long)]
    new_key_file: Option<PathBuf>,
}

/// Does what the command says.
pub(super) fn keys(command: KeysCommand) -> ExitCode {
    match command {
        KeysCommand::RotateMaster(args) => rotate(args),
    }
}

fn rotate(args: RotateArgs) -> ExitCode {
    let overrides = Overrides { data_dir: args.data_dir, ..Overrides::default() };
    let source = environment::source(args.config.config, overrides);
    let folder = match source.server_settings() {
        Ok(server) => server.data_dir,
        Err(problems) => {
            complain(&problems.to_string());
            return ExitCode::from(EXIT_GIVEN);
        }
    };
    let rotated = MasterKey::find(&folder, &|name| source.variable(name)).and_then(|old| {
        let new = args.new_key_file.as_deref().map(MasterKey::of_file).transpose()?;
        let rows = rotate_master(&folder, &old, new)?;
        Ok((rows, old))
    });
    match rotated {
        Ok((rows, old)) => {
            say(&words(rows, &old, args.new_key_file.as_deref()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("omniroute: {error}"));
            let is_given = matches!(error, StoreError::MasterKey(_) | StoreError::WrongKey { .. });
            ExitCode::from(if is_given { EXIT_GIVEN } else { EXIT_SYSTEM })
        }
    }
}

fn words(rows: usize, old: &MasterKey, given: Option<&Path>) -> String {
    let sealed = format!("{rows} rows are sealed with the new master key");
    match (given, old.origin()) {
        (Some(new), Origin::Kept(kept)) => format!(
            "{sealed}\nstart the gateway with OMNIROUTE_MASTER_KEY_FILE={}, or put that file in the place of {}",
            new.display(),
            kept.display()
        ),
        (Some(new), origin) => format!(
            "{sealed}\nbefore the next start, put the key of {} in the place of the old one: {origin}",
            new.display()
        ),
        (None, _) => sealed,
    }
}
