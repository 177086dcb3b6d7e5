//! Where the configuration comes from: the file, the environment, the command line.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use omniroute_core::clock::Clock;
use omniroute_core::snapshot::{
    ConfigFile, Inputs, Overrides, Problem, Problems, Snapshot, compile,
};
use omniroute_core::state::SharedState;

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
    /// Random per process; hashes of client keys depend on it.
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

impl Source {
    /// Reads and compiles. `bound` are the addresses that are listened on already.
    ///
    /// # Errors
    ///
    /// Every problem, also a file that cannot be read.
    pub fn compile(
        &self,
        revision: u64,
        bound: &[SocketAddr],
        state: &SharedState,
    ) -> Result<Snapshot, Problems> {
        let file = match &self.text {
            Text::None => None,
            Text::BuiltIn(name, text) => {
                Some(ConfigFile { name: (*name).to_owned(), text: text.clone() })
            }
            Text::File(path) => Some(read(path)?),
        };
        compile(&Inputs {
            file,
            overrides: self.overrides.clone(),
            bound,
            env: &|name| self.variable(name),
            read_file: &|path| fs::read_to_string(path),
            state,
            register: &omniroute_filters::register(),
            clock: &self.clock,
            pepper: self.pepper,
            revision,
        })
    }

    /// Returns the file that is watched, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.text {
            Text::File(path) => Some(path),
            Text::None | Text::BuiltIn(..) => None,
        }
    }

    /// Reads the environment: the real one, then `.env` files.
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
