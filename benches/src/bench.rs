//! `omniroute-bench`: what a request costs in the gateway, compared with Pingora alone. See `README.md`.

mod bare_proxy;
mod bed;
mod clock;
mod cpu;
mod events;
mod failure;
mod gateway;
mod http1;
mod load;
mod machine;
mod nginx;
mod process;
mod report;
mod request;
mod scenario;
mod table;
mod upstream;
mod words;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::bed::{Bed, Options};
use crate::failure::Failure;
use crate::machine::Machine;
use crate::report::Report;
use crate::scenario::{Effort, measure};

/// The gateway's allocator, so that the reference has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what a request costs in the gateway, compared with Pingora alone.
#[derive(Debug, Parser)]
#[command(name = "omniroute-bench", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

/// The processes a measurement starts besides the gateway.
#[derive(Debug, Subcommand)]
enum Command {
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
    /// The simulated provider.
    #[command(hide = true)]
    Upstream {
        #[arg(long)]
        listen: SocketAddr,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// Length of one measured window.
    #[arg(long, default_value_t = 1)]
    seconds: u64,
    /// How often every subject has its turn.
    #[arg(long, default_value_t = 13, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Worker threads of the gateway and of the bare proxy.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// The gateway [default: `omniroute` beside this program].
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Where the numbers go as JSON [default: `bench/gateway.json` in the target folder].
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Some(Command::BareProxy { listen, upstream, threads }) => {
            end_with_standard_input();
            bare_proxy::serve(listen, upstream, threads)
        }
        Some(Command::Upstream { listen }) => {
            end_with_standard_input();
            upstream::serve(listen)
        }
        None => run(&cli.run),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            progress(&format!("omniroute-bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Ends this process when the one that started it is gone, however that ended.
fn end_with_standard_input() {
    std::thread::spawn(|| {
        let _nothing = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0)
    });
}

fn run(wanted: &Run) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::system("where is this program"))?;
    let gateway = wanted.gateway.clone().unwrap_or_else(|| program.with_file_name("omniroute"));
    // The gateway is started in a folder of its own, so its path must not be a relative one.
    let gateway = gateway.canonicalize().map_err(Failure::file("find", &gateway))?;
    let out = match &wanted.out {
        Some(out) => out.clone(),
        None => default_out(&program),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::system("cannot start"))?;
    let report = runtime.block_on(async {
        tokio::select! {
            report = report(wanted, gateway) => report,
            failure = interrupted() => Err(failure),
        }
    })?;
    print(&words::words(&report));
    save(&report, &out)?;
    progress(&format!("the numbers are in {}", out.display()));
    Ok(())
}

async fn report(wanted: &Run, gateway: PathBuf) -> Result<Report, Failure> {
    let machine = Machine::look();
    let threads = usize::from(wanted.threads);
    let effort = Effort {
        rounds: usize::from(wanted.rounds),
        window: Duration::from_secs(wanted.seconds.max(1)),
        connections: usize::from(wanted.connections),
    };
    let bed = Bed::set_up(&Options { gateway, threads }).await?;
    let told = |round| progress(&format!("round {round} of {}", effort.rounds));
    let all = Box::pin(measure(&bed, effort, told)).await?;
    Report::new(machine, &bed, effort, threads, &all)
}

/// Waits for Ctrl-C or a request to end; what was started then ends too, because its owners are dropped.
async fn interrupted() -> Failure {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Failure::Interrupted
}

/// Returns `target/bench/gateway.json`, given `target/release/omniroute-bench`.
fn default_out(program: &Path) -> PathBuf {
    let target = program.ancestors().nth(2).unwrap_or_else(|| Path::new("."));
    target.join("bench/gateway.json")
}

fn save(report: &Report, out: &Path) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(report).map_err(|error| Failure::System {
        what: "cannot write the numbers as JSON".to_owned(),
        source: error.into(),
    })?;
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(Failure::file("make", folder))?;
    }
    fs::write(out, json).map_err(Failure::file("write", out))
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn print(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "progress and problems, apart from the report")]
fn progress(text: &str) {
    eprintln!("{text}");
}
