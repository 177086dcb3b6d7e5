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

/// Limits of an account that no measurement reaches.
const LIMITS: &str = ", limits: { rpm: 100000000, tpm: 100000000000000, concurrent: 1000000 }";

/// Limits and budget of the client's key that no measurement reaches.
const KEY_LIMITS: &str = ", limits: { rpm: 100000000, tpm: 100000000000000, concurrent: 1000000 }, \
    budget: { limit: $1000000, period: monthly }";

/// How the gateway is started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The gateway's program.
    pub(crate) program: PathBuf,
    /// A folder of our own, for configuration, data and log.
    pub(crate) folder: PathBuf,
    /// The provider of every account.
    pub(crate) upstream: SocketAddr,
    /// The provider whose events are stamped.
    pub(crate) ticker: SocketAddr,
    /// Worker threads.
    pub(crate) threads: usize,
    /// Whether there is an access log.
    pub(crate) access_log: AccessLog,
    /// What is done for every request.
    pub(crate) duties: Duties,
}

/// What the gateway does for every request besides routing, usage and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duties {
    /// The default list of filters; limits of the key and of the accounts, and a budget that reserves what
    /// a request may cost, all so large that they refuse nothing.
    All,
    /// The client's key is checked, nothing else.
    ClientKey,
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
    let Setup { upstream, ticker, threads, duties, .. } = setup;
    let data = folder.join("data");
    let mut text = format!(
        "server:\n  listen: {listen}\n  threads: {threads}\n  data_dir: {}\ntunnel: direct\n",
        data.display()
    );
    let providers = [
        ("same", "openai_chat", upstream),
        ("anth", "anthropic", upstream),
        ("tick-same", "openai_chat", ticker),
        ("tick-anth", "anthropic", ticker),
    ];
    let (limits, key_limits, filters) = match duties {
        Duties::All => (LIMITS, KEY_LIMITS, "  api_key: { required: true }"),
        Duties::ClientKey => ("", "", "  - api_key: { required: true }"),
    };
    let mut section = |name: &str, line: &dyn Fn(&str, &str, &SocketAddr) -> String| {
        text.push_str(&format!("{name}:\n"));
        for (id, wire, address) in providers {
            text.push_str(&format!("  {}\n", line(id, wire, address)));
        }
    };
    section("providers", &|id, wire, address| {
        format!(
            "{id}: {{ wire: {wire}, base_url: \"http://{address}\", auth: {{ kind: static_key }} }}"
        )
    });
    section("accounts", &|id, _, _| {
        format!("- {{ id: {id}-1, provider: {id}, key: sk-bench-{id}{limits} }}")
    });
    section("pricing", &|id, _, _| format!("\"{id}/*\": {{ input: $1, output: $5 }}"));
    text.push_str(&format!(
        "client_keys:\n  - {{ name: bench, key: {CLIENT_KEY}{key_limits} }}\nfilters:\n{filters}\n"
    ));
    text
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
