//! Where the configuration comes from: the file, the environment, the command line.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use omniroute_core::clock::Clock;
use omniroute_core::config::Server;
use omniroute_core::snapshot::{
    ConfigFile, Inputs, Overrides, Problem, Problems, Snapshot, compile_written, server_settings,
};
use omniroute_core::state::SharedState;
use omniroute_core::written::{StoredObject, Written};

use super::{HeldFile, Remembered};
use crate::keeping::Keeps;

/// Everything a compilation reads.
pub struct Source {
    /// The file, if there is one; or a text compiled into the program (`demo`).
    pub text: Text,
    /// What the command line says.
    pub overrides: Overrides,
    /// Variables of `.env` files; the real environment goes before them.
    pub env_files: HashMap<String, String>,
    /// Whether the real environment is read.
    pub process_env: ProcessEnv,
    /// The time.
    pub clock: Clock,
    /// A secret of this gateway; hashes of client keys depend on it.
    pub pepper: [u8; 32],
    /// Where things are kept.
    pub keeps: Keeps,
    /// The key of envelopes, if none is to be kept in the data directory (demo, tests).
    pub envelope_key: Option<Arc<[u8]>>,
}

/// Whether the environment of the process counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessEnv {
    /// It does.
    Read,
    /// It does not: tests must not depend on the machine they run on.
    Ignored,
}

/// The YAML.
pub enum Text {
    /// None: built-in defaults.
    None,
    /// A file, read at every compilation.
    File(PathBuf),
    /// A text of the program's own, under a name for messages.
    BuiltIn(&'static str, String),
}

/// What a compilation gives.
pub(super) struct Compiled {
    pub(super) snapshot: Snapshot,
    pub(super) written: Written,
    /// The file that counted.
    pub(super) file: Option<ConfigFile>,
    /// Whether that was the held one.
    pub(super) is_held: bool,
}

impl Source {
    /// Reads and compiles. `bound` are the addresses that are listened on already.
    ///
    /// # Errors
    ///
    /// Every problem, also a file that cannot be read.
    pub(super) fn compile(
        &self,
        objects: &[StoredObject],
        held: Option<&HeldFile>,
        bound: &[SocketAddr],
        state: &SharedState,
    ) -> Result<Compiled, Problems> {
        let on_disk = self.text_on_disk()?;
        let held = held.filter(|held| held.counts(on_disk.as_ref()));
        let file = held.map_or(on_disk, |held| Some(held.file.clone()));
        let compiled = self.with_inputs(file.clone(), (objects, bound, state), compile_written);
        let (snapshot, written) = compiled?;
        Ok(Compiled { snapshot, written, file, is_held: held.is_some() })
    }

    /// Compiles the file alone, for commands that look at it.
    ///
    /// # Errors
    ///
    /// Every problem, also a file that cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, Problems> {
        self.snapshot_with(&Remembered::default())
    }

    /// Compiles the file together with what is kept, as a gateway that starts does.
    ///
    /// # Errors
    ///
    /// Every problem, also a file that cannot be read.
    pub fn snapshot_with(&self, kept: &Remembered) -> Result<Snapshot, Problems> {
        let (objects, held) = (&kept.objects, kept.held.as_ref());
        let compiled = self.compile(objects, held, &[], &SharedState::default())?;
        Ok(Snapshot { revision: 1, ..compiled.snapshot })
    }

    /// Reads only the server's settings, among them the folder where the dashboard's objects are.
    ///
    /// # Errors
    ///
    /// Every fault of these settings, also a file that cannot be read.
    pub fn server_settings(&self) -> Result<Server, Problems> {
        let state = SharedState::default();
        self.with_inputs(self.text_on_disk()?, (&[], &[], &state), server_settings)
    }

    /// Reads the operator's file, if there is one.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    pub fn text_on_disk(&self) -> Result<Option<ConfigFile>, Problems> {
        match &self.text {
            Text::None => Ok(None),
            Text::BuiltIn(name, text) => {
                Ok(Some(ConfigFile { name: (*name).to_owned(), text: text.clone() }))
            }
            Text::File(path) => read(path).map(Some),
        }
    }

    fn with_inputs<T>(
        &self,
        file: Option<ConfigFile>,
        (objects, bound, state): (&[StoredObject], &[SocketAddr], &SharedState),
        compile: impl FnOnce(&Inputs<'_>) -> Result<T, Problems>,
    ) -> Result<T, Problems> {
        compile(&Inputs {
            file,
            objects,
            overrides: self.overrides.clone(),
            bound,
            env: &|name| self.variable(name),
            read_file: &|path| fs::read_to_string(path),
            state,
            register: &omniroute_filters::register(),
            clock: &self.clock,
            pepper: self.pepper,
            // The number is given at the publication.
            revision: 0,
        })
    }

    /// Returns the file that is watched, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.text {
            Text::File(path) => Some(path),
            Text::None | Text::BuiltIn(..) => None,
        }
    }

    /// Looks up a variable of the environment and the `.env` files.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn variable(&self, name: &str) -> Option<String> {
        let real = match self.process_env {
            ProcessEnv::Read => std::env::var(name).ok(),
            ProcessEnv::Ignored => None,
        };
        real.or_else(|| self.env_files.get(name).cloned())
    }
}

fn read(path: &Path) -> Result<ConfigFile, Problems> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok(ConfigFile { name, text }),
        Err(error) => Err(Problems::new(vec![Problem::of_whole(name, unreadable(&error), None)])),
    }
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the file does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "the file may not be read by this user".to_owned(),
        io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    }
}

/// Finds the configuration file: the given one, `$OMNIROUTE_CONFIG`, `./config/omniroute.yaml`,
/// `~/.omniroute/omniroute.yaml`, none.
pub fn locate(given: Option<PathBuf>, home: Option<&Path>) -> Text {
    if let Some(path) = given {
        return Text::File(path);
    }
    let local = PathBuf::from("config/omniroute.yaml");
    let at_home = home.map(|home| home.join(".omniroute/omniroute.yaml"));
    [Some(local), at_home]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
        .map_or(Text::None, Text::File)
}
