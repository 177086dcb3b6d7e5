//! Where it was measured: numbers mean little without it.

use std::fs;

use serde::Serialize;

/// The machine, and what else it was doing.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Processes that wanted to run in the last minute before the measurement; above a fraction of the
    /// cores, something else was going on.
    pub(crate) load_before: String,
    /// The same at its end; the measurement itself is about three of them.
    pub(crate) load_after: String,
}

impl Machine {
    /// Looks at the machine; what cannot be read is `unknown`.
    pub(crate) fn look() -> Self {
        Self {
            processor: known(model(&read("/proc/cpuinfo")).unwrap_or_default()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: known(&read("/proc/sys/kernel/osrelease")),
            load_before: load(),
            load_after: load(),
        }
    }

    /// Looks at the load again, when all is measured.
    pub(crate) fn look_again(&mut self) {
        self.load_after = load();
    }
}

fn load() -> String {
    known(read("/proc/loadavg").split(' ').next().unwrap_or_default())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn known(text: &str) -> String {
    match text.trim() {
        "" => "unknown".to_owned(),
        text => text.to_owned(),
    }
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name)
}
