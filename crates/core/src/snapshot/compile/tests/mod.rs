//! Tests of whole configurations; one file by idea. The helpers stand here.

mod access;
mod broken;
mod budgets;
mod files;
mod listen;
mod meaning;
mod prices;
mod reachable;
mod sources;
mod telemetry;
mod tunnels;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::filters::DEFAULT_LIST;
use super::*;
use crate::filter::{BuildContext, Filter, FilterFault};
use crate::written::Kind;

/// A configuration under test: a text, an environment, files and arguments.
#[derive(Default)]
pub(super) struct Setup {
    text: Option<String>,
    env: Vec<(&'static str, &'static str)>,
    files: Vec<(&'static str, &'static str)>,
    overrides: Overrides,
    bound: Vec<SocketAddr>,
    objects: Vec<StoredObject>,
}

/// Begins a configuration from the text of a file named `test.yaml`.
pub(super) fn file(text: &str) -> Setup {
    Setup { text: Some(text.to_owned()), ..Setup::default() }
}

/// Begins a configuration without a file.
pub(super) fn no_file() -> Setup {
    Setup::default()
}

impl Setup {
    /// Says what the process listens on already.
    pub(super) fn bound(mut self, address: &str) -> Self {
        self.bound.push(address.parse().unwrap());
        self
    }

    pub(super) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    pub(super) fn on_disk(mut self, path: &'static str, content: &'static str) -> Self {
        self.files.push((path, content));
        self
    }

    pub(super) fn port(mut self, port: u16) -> Self {
        self.overrides.port = Some(port);
        self
    }

    pub(super) fn host(mut self, host: &str) -> Self {
        self.overrides.host = Some(host.to_owned());
        self
    }

    pub(super) fn data_dir(mut self, path: &str) -> Self {
        self.overrides.data_dir = Some(path.into());
        self
    }

    /// Says what the dashboard keeps.
    pub(super) fn stored(mut self, kind: Kind, name: &str, value: Value) -> Self {
        self.objects.push(StoredObject { kind, name: name.into(), value, since: 1 });
        self
    }

    pub(super) fn compile(&self) -> Result<Snapshot, Problems> {
        let find = |pairs: &[(&str, &str)], name: &str| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let env = |name: &str| find(&self.env, name);
        let read_file = |path: &Path| {
            let path = path.to_string_lossy();
            find(&self.files, &path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        let file = |text: &String| ConfigFile { name: "test.yaml".to_owned(), text: text.clone() };
        compile(&Inputs {
            file: self.text.as_ref().map(file),
            objects: &self.objects,
            overrides: self.overrides.clone(),
            bound: &self.bound,
            env: &env,
            read_file: &read_file,
            state: &SharedState::default(),
            register: &register(),
            clock: &Clock::manual(1_800_000_000),
            pepper: [7; 32],
            revision: 3,
        })
    }

    /// Compiles what must be good.
    #[track_caller]
    pub(super) fn snapshot(&self) -> Snapshot {
        self.compile().unwrap_or_else(|problems| panic!("unexpected problems:\n{problems}"))
    }

    /// Compiles what must be faulty, and returns the lines that an operator would read.
    #[track_caller]
    pub(super) fn problems(&self) -> Vec<String> {
        let problems = self.compile().expect_err("the configuration should be refused");
        problems.to_string().lines().map(str::to_owned).collect()
    }
}

/// A filter that only remembers its settings, to be seen in `Debug` output.
#[derive(Debug)]
struct Remembers {
    #[expect(dead_code, reason = "seen through Debug")]
    settings: Value,
}

impl Filter for Remembers {}

/// Builds any filter; faults a setting `bad` at its first item.
fn build(settings: Value, _: &BuildContext) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    if settings.get("bad").is_some() {
        let fault = FilterFault { path: "bad[0]".to_owned(), what: "no such thing".to_owned() };
        return Err(vec![fault]);
    }
    Ok(Arc::new(Remembers { settings }))
}

fn register() -> FilterRegister {
    let mut register = FilterRegister::default();
    for name in DEFAULT_LIST {
        register.add(name, build);
    }
    register
}
