//! `omniroute keys rotate-master`: another master key.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::super::reach::Which;
use super::super::{EXIT_GIVEN, EXIT_SYSTEM, complain, say};
use crate::store::{MasterKey, Origin, StoreError, rotate_master};

#[derive(Debug, Args)]
pub(in crate::cli) struct RotateArgs {
    #[command(flatten)]
    which: Which,
    /// The file of the new key. Needed where the old one does not stand in the data directory.
    #[arg(long)]
    new_key_file: Option<PathBuf>,
}

/// Seals everything anew.
pub(super) fn rotate(args: RotateArgs) -> ExitCode {
    let source = args.which.source();
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
