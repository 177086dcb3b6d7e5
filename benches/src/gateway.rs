//! The gateway under test: its configuration, its start, its access log.

use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::Failure;
use crate::process::{Process, Ready, free_address};
use crate::request::CLIENT_KEY;

/// Longest wait for the last lines of the access log, in steps of [`LOG_POLL`].
const LOG_POLLS: usize = 200;
const LOG_POLL: Duration = Duration::from_millis(5);

/// How the gateway is started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The gateway's program.
    pub(crate) program: PathBuf,
    /// A folder of our own, for configuration, data and log.
    pub(crate) folder: PathBuf,
    /// The provider of every account.
    pub(crate) upstream: SocketAddr,
    /// Worker threads.
    pub(crate) threads: usize,
    /// Whether there is an access log.
    pub(crate) access_log: AccessLog,
}

/// Whether the gateway writes its access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessLog {
    /// As it comes: one line of JSON per request, into a file.
    On,
    /// Only warnings are logged; tells what the log costs.
    Off,
}

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) process: Process,
    log: PathBuf,
    access_log: AccessLog,
}

impl Gateway {
    /// Starts the gateway on a free port and waits until `/readyz` answers 200. Returns the time that
    /// took.
    ///
    /// # Errors
    ///
    /// If it does not start; the message holds the end of its log.
    pub(crate) async fn start(setup: &Setup, name: &str) -> Result<(Self, Duration), Failure> {
        let folder = setup.folder.join(name);
        fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
        let address = free_address()?;
        let config = folder.join("omniroute.yaml");
        fs::write(&config, yaml(setup, address, &folder))
            .map_err(Failure::file("write", &config))?;
        let log = folder.join("log.jsonl");
        let mut command = command(setup, &folder, &config, open_log(&log)?);
        let ready = Ready::Answers("/readyz");
        match Process::start("omniroute", &mut command, address, ready).await {
            Ok((process, time)) => Ok((Self { process, log, access_log: setup.access_log }, time)),
            Err(failure) => {
                let said = fs::read_to_string(&log).unwrap_or_default();
                Err(Failure::Process(format!("{failure}\n{}", last_lines(&said, 10))))
            }
        }
    }

    /// Checks that the access log has got a line for every request, and empties it.
    ///
    /// # Errors
    ///
    /// If lines are missing: then the gateway did less than it is measured for.
    pub(crate) async fn settle_log(&self, requests: usize) -> Result<(), Failure> {
        if self.access_log == AccessLog::Off {
            return Ok(());
        }
        let mut lines = 0;
        for _ in 0..LOG_POLLS {
            let log = fs::read(&self.log).map_err(Failure::file("read", &self.log))?;
            lines = memchr::memchr_iter(b'\n', &log).count();
            if lines >= requests {
                // The gateway appends, so it goes on at the new end.
                let file = open_log(&self.log)?;
                return file.set_len(0).map_err(Failure::file("empty", &self.log));
            }
            tokio::time::sleep(LOG_POLL).await;
        }
        let what = format!("{requests} requests, but {lines} lines in the access log");
        Err(Failure::Answer { from: "omniroute".to_owned(), what })
    }
}

fn open_log(log: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.map_err(Failure::file("open", log))
}

fn command(setup: &Setup, folder: &Path, config: &Path, log: File) -> Command {
    let mut command = Command::new(&setup.program);
    // Nothing of the user's environment or home may change what is measured.
    command.env_clear().env("HOME", folder).current_dir(folder);
    if setup.access_log == AccessLog::Off {
        command.env("RUST_LOG", "warn");
    }
    command.args(["run", "--no-open", "--log-format", "json", "--config"]).arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command
}

fn yaml(setup: &Setup, listen: SocketAddr, folder: &Path) -> String {
    let Setup { upstream, threads, .. } = setup;
    let data = folder.join("data");
    let data = data.display();
    format!(
        "server:
  listen: {listen}
  threads: {threads}
  data_dir: {data}
tunnel: direct
providers:
  same:
    wire: openai_chat
    base_url: http://{upstream}
    auth: {{ kind: static_key }}
  anth:
    wire: anthropic
    base_url: http://{upstream}
    auth: {{ kind: static_key }}
accounts:
  - {{ id: same-1, provider: same, key: sk-bench-same }}
  - {{ id: anth-1, provider: anth, key: sk-bench-anth }}
client_keys:
  - {{ name: bench, key: {CLIENT_KEY} }}
filters:
  - api_key: {{ required: true }}
"
    )
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
