//! What operators type. Exit codes: 0 fine; 1 a problem in what was given; 2 the system refused.

mod audit;
mod check;
mod demo;
mod download;
mod environment;
mod explain;
mod healthcheck;
mod keys;
mod password;
mod reach;
mod transfer;
mod translate;
mod tunnel;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use omniroute_core::snapshot::Overrides;

use crate::app::{App, Extras, StartError};
use crate::live::Source;
use crate::telemetry::{self, LogFormat};

/// A problem in what the operator gave.
const EXIT_GIVEN: u8 = 1;

/// The system refused.
const EXIT_SYSTEM: u8 = 2;

/// One address for every model provider: an LLM gateway.
#[derive(Debug, Parser)]
#[command(
    name = "omniroute",
    version,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
    /// How log lines look; they go to standard error.
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway (the default).
    Run(RunArgs),
    /// Run with simulated providers of every format: no file, no key.
    Demo {
        /// Port to listen on.
        #[arg(long, default_value_t = 20128)]
        port: u16,
    },
    /// Compile the configuration and print every problem.
    Check {
        #[command(flatten)]
        which: reach::Which,
        /// Print the built-in providers too.
        #[arg(long)]
        print: bool,
    },
    /// Print what would be tried for a model, in which order, and why.
    Explain {
        /// The model's name as a client would write it.
        #[arg(long)]
        model: String,
        #[command(flatten)]
        config: ConfigArgs,
        /// `text` or `json`.
        #[arg(long, value_enum, default_value = "text")]
        format: explain::Format,
    },
    /// Translate a request, reply or stream on standard input from one format to another.
    Translate(translate::TranslateArgs),
    /// Try network tunnels.
    #[command(subcommand)]
    Tunnel(tunnel::TunnelCommand),
    /// The keys that the gateway keeps.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The password of the dashboard.
    #[command(subcommand)]
    Password(password::PasswordCommand),
    /// What administrators did.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Make a file of what is kept.
    Export(transfer::ExportArgs),
    /// Take over an export, or an OmniRoute database.
    Import(transfer::ImportArgs),
    /// Ask the gateway at this machine how it is: exit code 0 if it is well, else 1.
    Healthcheck(healthcheck::HealthArgs),
    /// Print the version.
    Version,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration file.
    #[arg(long, env = "OMNIROUTE_CONFIG")]
    config: Option<PathBuf>,
}

/// Where a gateway is: its configuration, and what counts in the place of the file's settings.
#[derive(Debug, Args)]
struct PlaceArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Port to listen on, instead of the file's and that of `PORT`.
    #[arg(long)]
    port: Option<u16>,
    /// Address to listen on, instead of the file's and that of `HOSTNAME`.
    #[arg(long)]
    host: Option<String>,
    /// Where the gateway keeps what it must remember.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

impl PlaceArgs {
    /// Returns where its configuration comes from.
    fn source(self) -> Source {
        let overrides = Overrides { port: self.port, host: self.host, data_dir: self.data_dir };
        environment::source(self.config.config, overrides)
    }
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Take the place of the gateway that serves from the same data directory: no connection is refused, no
    /// stream is cut, and it ends when it has finished. Where there is none, start as usual.
    #[arg(long)]
    upgrade: bool,
    /// Do not open the dashboard in a browser. There is none yet; accepted so that scripts keep working.
    #[arg(long)]
    no_open: bool,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_problem = error.use_stderr();
            let _unprintable = error.print();
            return ExitCode::from(if is_problem { EXIT_GIVEN } else { 0 });
        }
    };
    telemetry::start(cli.log_format);
    let command = cli.command.unwrap_or(Command::Run(cli.run));
    match command {
        Command::Run(args) => run(args, cli.log_format),
        Command::Demo { port } => demo::demo(port, cli.log_format),
        Command::Check { which, print } => check::check(&which, print),
        Command::Explain { model, config, format } => {
            explain::explain(&model, config.config, format)
        }
        Command::Translate(args) => translate::translate(args),
        Command::Tunnel(command) => tunnel::tunnel(&command),
        Command::Keys(command) => keys::keys(command),
        Command::Password(command) => password::password(command),
        Command::Audit(command) => audit::audit(command),
        Command::Export(args) => transfer::export(args),
        Command::Import(args) => transfer::import(args),
        Command::Healthcheck(args) => healthcheck::healthcheck(args),
        Command::Version => {
            say(concat!("omniroute ", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
    }
}

fn run(args: RunArgs, log: LogFormat) -> ExitCode {
    let source = args.place.source();
    let app = if args.upgrade { App::take_over } else { App::build };
    let started = app(source, Some(log)).and_then(|app| {
        advise(&app);
        app.run(Extras::default())
    });
    ended(started)
}

/// Tells a first-time user what to do next.
fn advise(app: &App) {
    let snapshot = app.shared().live.load();
    if snapshot.accounts.is_empty() {
        tracing::warn!(
            "no account is configured, so every model call will be refused; write accounts: into \
             config/omniroute.yaml (see config/examples), or try `omniroute demo`"
        );
    }
}

/// Turns how a run ended into an exit code, and says why on standard error.
fn ended(result: Result<(), StartError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Config(problems)) => {
            complain(&problems.to_string());
            ExitCode::from(EXIT_GIVEN)
        }
        Err(error @ StartError::Refused(_)) => {
            complain(&format!("omniroute: {error}"));
            ExitCode::from(EXIT_SYSTEM)
        }
    }
}

/// Prints what a command is asked for. Whoever closed standard output does not want it.
fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{}", text.trim_end()));
}

/// Explains a problem on standard error.
fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", text.trim_end()));
}
