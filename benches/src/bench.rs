//! `omniroute-bench`: what the gateway costs and adds, compared with Pingora alone. See `README.md`.

mod bare_proxy;
mod bed;
mod cli;
mod clock;
mod connection;
mod cpu;
mod events;
mod failure;
mod gateway;
mod http1;
mod listening;
mod load;
mod load_process;
mod loader;
mod machine;
mod metronome;
mod nginx;
mod numbers;
mod of_bare;
mod orders;
mod peers;
mod probe;
mod process;
mod report;
mod request;
mod scenario;
mod sections;
mod stamp;
mod streams;
mod table;
mod ticker;
mod turns;
mod upstream;
mod window;
mod words;

use std::alloc::System;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use mimalloc as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::bed::{Bed, Options};
use crate::cli::{Cli, Command, Run, Section};
use crate::failure::Failure;
use crate::loader::Loader;
use crate::machine::Machine;
use crate::report::{Found, Report};
use crate::sections::{delays, memory, peak, peers as others, rates};

/// The gateway's allocator, so that the reference has it too.
#[global_allocator]
static ALLOCATOR: System = System;

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
        Some(Command::Load { listen }) => {
            end_with_standard_input();
            load_process::serve(listen)
        }
        Some(Command::Ticker { listen }) => {
            end_with_standard_input();
            ticker::serve(listen, delays::PACE)
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
    // `target`, given `target/release/omniroute-bench`.
    let target = program.ancestors().nth(2).unwrap_or_else(|| Path::new("."));
    let out = wanted.out.clone().unwrap_or_else(|| target.join("bench/gateway.json"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::system("cannot start"))?;
    let report = runtime.block_on(async {
        tokio::select! {
            report = report(wanted, gateway, target) => report,
            failure = interrupted() => Err(failure),
        }
    })?;
    print(&words::words(&report));
    save(&report, &out)?;
    progress(&format!("the numbers are in {}", out.display()));
    Ok(())
}

async fn report(wanted: &Run, gateway: PathBuf, target: &Path) -> Result<Report, Failure> {
    let mut machine = Machine::look();
    let effort = wanted.effort();
    let options = Options { gateway, threads: usize::from(wanted.threads) };
    let bed = Bed::set_up(&options).await?;
    let mut load = Loader::start().await?;
    let told = |what: &'static str| {
        move |round| progress(&format!("{what}: round {round} of {}", effort.rounds))
    };
    let mut found = Found::new(effort);
    if wanted.has(Section::Cost) {
        found.costs = Box::pin(scenario::measure(&bed, &mut load, effort, told("cost"))).await?;
    }
    if wanted.has(Section::Rate) {
        let told = told("fixed rate");
        let rates = rates::measure(&bed, &mut load, effort, wanted.rate, told);
        found.rates = Some(Box::pin(rates).await?);
    }
    if wanted.has(Section::Peak) {
        found.peak = Some(Box::pin(peak::measure(&bed, &mut load, effort, told("peak"))).await?);
    }
    if wanted.has(Section::Events) {
        let told = told("events");
        found.delays = Some(Box::pin(delays::measure(&bed, &mut load, effort, told)).await?);
    }
    if wanted.has(Section::Memory) {
        progress("memory of open streams");
        found.memory = Some(Box::pin(memory::measure(&bed, &mut load)).await?);
    }
    if wanted.peers {
        progress("other gateways");
        let folder = target.join("peers");
        let peers = others::measure(&bed, &mut load, &folder, wanted.peer_rate);
        found.peers = Some(Box::pin(peers).await?);
    }
    machine.look_again();
    Report::new(machine, &bed, &options, found)
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
