//! The test bed: every process of a measurement, on free ports of loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;

use crate::failure::Failure;
use crate::gateway::{AccessLog, Duties, Gateway, Setup};
use crate::nginx;
use crate::process::{Process, own};

/// How often the gateway's start is measured.
const STARTS: usize = 10;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// The provider, asked directly.
    Provider,
    /// Pingora that passes everything through: what the others are compared with.
    BarePingora,
    /// nginx with `proxy_pass`.
    Nginx,
    /// The gateway with everything on, provider in the client's format.
    SameFormat,
    /// The gateway, OpenAI client and Anthropic provider.
    Translated,
    /// As `SameFormat`, without the access log.
    NoAccessLog,
    /// As `SameFormat`, but of the filters only the check of the client's key: no limits, no budget.
    KeyOnly,
}

impl Subject {
    /// Returns what tables call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Provider => "nothing, asked directly",
            Self::BarePingora => "bare Pingora",
            Self::Nginx => "nginx",
            Self::SameFormat => "omniroute, same format",
            Self::Translated => "omniroute, translated",
            Self::NoAccessLog => "omniroute, same, no log",
            Self::KeyOnly => "omniroute, same, key and log",
        }
    }

    /// Returns what comes before the model's name: it chooses the gateway's provider, and the simulator
    /// ignores it.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Translated => "anth",
            Self::Provider
            | Self::BarePingora
            | Self::Nginx
            | Self::SameFormat
            | Self::NoAccessLog
            | Self::KeyOnly => "same",
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
    /// Bare Pingora before the provider whose events are stamped.
    bare_ticking: Process,
    nginx: Option<Process>,
    gateway: Gateway,
    quiet: Gateway,
    plain: Gateway,
    /// How further gateways are started.
    setup: Setup,
    /// Time from start to ready of several starts, in order.
    pub(crate) starts: Vec<Duration>,
    /// Resident memory of the gateway before its first request, in bytes.
    pub(crate) idle_bytes: u64,
    // Fields are dropped in order: the providers and the folder last.
    upstream: Process,
    ticker: Process,
    folder: TempDir,
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
        let ticker = own("ticker", &[]).await?;
        let bare = bare_proxy(upstream.address(), options.threads).await?;
        let bare_ticking = bare_proxy(ticker.address(), options.threads).await?;
        let nginx = nginx::start(folder.path(), upstream.address()).await?;
        let setup = Setup {
            program: options.gateway.clone(),
            folder: folder.path().to_owned(),
            upstream: upstream.address(),
            ticker: ticker.address(),
            threads: options.threads,
            access_log: AccessLog::On,
            duties: Duties::All,
        };
        let mut starts = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            starts.push(Gateway::start(&setup, "starts").await?.1);
        }
        starts.sort_unstable();
        let (gateway, _) = Gateway::start(&setup, "gateway").await?;
        let idle_bytes = gateway.process.resident_bytes()?;
        let without_log = Setup { access_log: AccessLog::Off, ..setup.clone() };
        let (quiet, _) = Gateway::start(&without_log, "quiet").await?;
        let only_key = Setup { duties: Duties::ClientKey, ..setup.clone() };
        let (plain, _) = Gateway::start(&only_key, "plain").await?;
        Ok(Self {
            bare,
            bare_ticking,
            nginx,
            gateway,
            quiet,
            plain,
            setup,
            starts,
            idle_bytes,
            upstream,
            ticker,
            folder,
        })
    }

    /// Returns the process of a subject; `None` only for nginx.
    pub(crate) const fn process(&self, subject: Subject) -> Option<&Process> {
        match subject {
            Subject::Provider => Some(&self.upstream),
            Subject::BarePingora => Some(&self.bare),
            Subject::Nginx => self.nginx.as_ref(),
            Subject::SameFormat | Subject::Translated => Some(&self.gateway.process),
            Subject::NoAccessLog => Some(&self.quiet.process),
            Subject::KeyOnly => Some(&self.plain.process),
        }
    }

    /// Returns the folder of everything that is written.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the provider's process.
    pub(crate) const fn upstream(&self) -> &Process {
        &self.upstream
    }

    /// Returns where a subject serves the streams whose events are stamped.
    pub(crate) const fn ticking(&self, subject: Subject) -> SocketAddr {
        match subject {
            Subject::Provider | Subject::Nginx => self.ticker.address(),
            Subject::BarePingora => self.bare_ticking.address(),
            Subject::SameFormat | Subject::Translated => self.gateway.process.address(),
            Subject::NoAccessLog => self.quiet.process.address(),
            Subject::KeyOnly => self.plain.process.address(),
        }
    }

    /// Starts another bare Pingora.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub(crate) async fn fresh_bare(&self) -> Result<Process, Failure> {
        bare_proxy(self.upstream.address(), self.setup.threads).await
    }

    /// Starts another gateway, in a folder of this name.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub(crate) async fn fresh_gateway(&self, name: &str) -> Result<Gateway, Failure> {
        Ok(Gateway::start(&self.setup, &format!("fresh-{name}")).await?.0)
    }

    /// Checks that a subject did what it is measured for besides answering.
    ///
    /// # Errors
    ///
    /// If lines are missing in the access log.
    pub(crate) async fn settle(&self, subject: Subject, requests: usize) -> Result<(), Failure> {
        match subject {
            Subject::SameFormat | Subject::Translated => self.gateway.settle_log(requests).await,
            Subject::KeyOnly => self.plain.settle_log(requests).await,
            Subject::Provider | Subject::BarePingora | Subject::Nginx | Subject::NoAccessLog => {
                Ok(())
            }
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

async fn bare_proxy(upstream: SocketAddr, threads: usize) -> Result<Process, Failure> {
    let (upstream, threads) = (upstream.to_string(), threads.to_string());
    own("bare-proxy", &["--upstream", &upstream, "--threads", &threads]).await
}
