//! The test bed: every process of a measurement, on free ports of loopback.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;

use crate::failure::Failure;
use crate::gateway::{AccessLog, Gateway, Setup};
use crate::nginx;
use crate::process::{Process, Ready, free_address};

/// How often the gateway's start is measured.
const STARTS: usize = 10;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// Pingora that passes everything through: what the others are compared with.
    BarePingora,
    /// nginx with `proxy_pass`.
    Nginx,
    /// The gateway, provider in the client's format.
    SameFormat,
    /// The gateway, OpenAI client and Anthropic provider.
    Translated,
    /// As `SameFormat`, without the access log.
    NoAccessLog,
}

impl Subject {
    /// Returns what tables call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::BarePingora => "bare Pingora",
            Self::Nginx => "nginx",
            Self::SameFormat => "omniroute, same format",
            Self::Translated => "omniroute, translated",
            Self::NoAccessLog => "omniroute, same, no log",
        }
    }

    /// Returns what comes before the model's name: it chooses the gateway's provider, and the simulator
    /// ignores it.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Translated => "anth",
            Self::BarePingora | Self::Nginx | Self::SameFormat | Self::NoAccessLog => "same",
        }
    }
}

/// What a run may choose.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The gateway's program.
    pub(crate) gateway: PathBuf,
    /// Worker threads of the gateway and of the bare proxy.
    pub(crate) threads: usize,
}

/// All running processes. Dropping it ends them and removes their folder.
#[derive(Debug)]
pub(crate) struct Bed {
    bare: Process,
    nginx: Option<Process>,
    gateway: Gateway,
    quiet: Gateway,
    /// Time from start to ready of several starts, in order.
    pub(crate) starts: Vec<Duration>,
    /// Resident memory of the gateway before its first request, in bytes.
    pub(crate) idle_bytes: u64,
    // Fields are dropped in order: the provider and the folder last.
    _upstream: Process,
    _folder: TempDir,
}

impl Bed {
    /// Starts everything.
    ///
    /// # Errors
    ///
    /// If one of the processes does not start.
    pub(crate) async fn set_up(options: &Options) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::system("cannot make a folder"))?;
        let upstream = own("upstream", &[]).await?;
        let target = upstream.address().to_string();
        let threads = options.threads.to_string();
        let bare = own("bare-proxy", &["--upstream", &target, "--threads", &threads]).await?;
        let nginx = nginx::start(folder.path(), upstream.address()).await?;
        let setup = setup(options, folder.path(), &upstream, AccessLog::On);
        let mut starts = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            starts.push(Gateway::start(&setup, "starts").await?.1);
        }
        starts.sort_unstable();
        let (gateway, _) = Gateway::start(&setup, "gateway").await?;
        let idle_bytes = gateway.process.resident_bytes()?;
        let setup = Setup { access_log: AccessLog::Off, ..setup };
        let (quiet, _) = Gateway::start(&setup, "quiet").await?;
        let (_upstream, _folder) = (upstream, folder);
        Ok(Self { bare, nginx, gateway, quiet, starts, idle_bytes, _upstream, _folder })
    }

    /// Returns the process of a subject; `None` only for nginx.
    pub(crate) const fn process(&self, subject: Subject) -> Option<&Process> {
        match subject {
            Subject::BarePingora => Some(&self.bare),
            Subject::Nginx => self.nginx.as_ref(),
            Subject::SameFormat | Subject::Translated => Some(&self.gateway.process),
            Subject::NoAccessLog => Some(&self.quiet.process),
        }
    }

    /// Checks that a subject did what it is measured for besides answering.
    ///
    /// # Errors
    ///
    /// If lines are missing in the access log.
    pub(crate) async fn settle(&self, subject: Subject, requests: usize) -> Result<(), Failure> {
        match subject {
            Subject::SameFormat | Subject::Translated => self.gateway.settle_log(requests).await,
            Subject::BarePingora | Subject::Nginx | Subject::NoAccessLog => Ok(()),
        }
    }

    /// Reads the gateway's resident memory, in bytes.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Failure> {
        self.gateway.process.resident_bytes()
    }

    /// Tells whether nginx is measured too.
    pub(crate) const fn has_nginx(&self) -> bool {
        self.nginx.is_some()
    }
}

fn setup(options: &Options, folder: &Path, upstream: &Process, access_log: AccessLog) -> Setup {
    Setup {
        program: options.gateway.clone(),
        folder: folder.to_owned(),
        upstream: upstream.address(),
        threads: options.threads,
        access_log,
    }
}

/// Starts a hidden command of this program. It ends by itself when this process is gone, because then its
/// standard input ends.
async fn own(name: &'static str, arguments: &[&str]) -> Result<Process, Failure> {
    let program = std::env::current_exe().map_err(Failure::system("where is this program"))?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command.args([name, "--listen", &address.to_string()]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    Ok(Process::start(name, &mut command, address, Ready::Accepts).await?.0)
}
