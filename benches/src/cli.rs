//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::scenario::Effort;

/// Measures what a request costs in the gateway, compared with Pingora alone.
#[derive(Debug, Parser)]
#[command(name = "omniroute-bench", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// The processes a measurement starts besides the gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The reference: Pingora that passes everything through.
    #[command(hide = true)]
    BareProxy {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        upstream: SocketAddr,
        #[arg(long)]
        threads: usize,
    },
    /// The load.
    #[command(hide = true)]
    Load {
        #[arg(long)]
        listen: SocketAddr,
    },
    /// The provider whose events tell when they were written.
    #[command(hide = true)]
    Ticker {
        #[arg(long)]
        listen: SocketAddr,
    },
    /// The simulated provider.
    #[command(hide = true)]
    Upstream {
        #[arg(long)]
        listen: SocketAddr,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Length of one measured window.
    #[arg(long, default_value_t = 1)]
    pub(crate) seconds: u64,
    /// How often every subject has its turn.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Requests per second where the rate is fixed.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) rate: u32,
    /// Measure only this; may be given more than once, or with commas [default: everything].
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Section>,
    /// Measure LiteLLM and Portkey's gateway too, if they are in `peers` of the target folder.
    #[arg(long)]
    pub(crate) peers: bool,
    /// Requests per second for them, at which the slowest still keeps up.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) peer_rate: u32,
    /// Worker threads of the gateway and of the bare proxy.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: u16,
    /// The gateway [default: `omniroute` beside this program].
    #[arg(long)]
    pub(crate) gateway: Option<PathBuf>,
    /// Where the numbers go as JSON [default: `bench/gateway.json` in the target folder].
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Processor time per request of busy connections.
    Cost,
    /// Time added to a request at a fixed rate.
    Rate,
    /// The largest rate that busy connections reach.
    Peak,
    /// Time added to every event of a stream.
    Events,
    /// Memory of a thousand open streams.
    Memory,
}

impl Run {
    /// Tells whether a part is wanted.
    pub(crate) fn has(&self, section: Section) -> bool {
        self.only.is_empty() || self.only.contains(&section)
    }

    /// Returns how long and how hard.
    pub(crate) fn effort(&self) -> Effort {
        Effort {
            rounds: usize::from(self.rounds),
            window: Duration::from_secs(self.seconds.max(1)),
            connections: usize::from(self.connections),
        }
    }
}
