//! `omniroute tunnel test`: goes through a tunnel step by step and says what fails where.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use omniroute_core::snapshot::Tunnel;

use super::{EXIT_GIVEN, EXIT_SYSTEM, complain, say};
use crate::app;
use crate::upstream::tunnel::{self, Target};

/// Time for each step.
const LIMIT: Duration = Duration::from_secs(5);

/// What is done with tunnels.
#[derive(Debug, Subcommand)]
pub(super) enum TunnelCommand {
    /// Go through a tunnel to a target and print each step with its time.
    Test {
        /// `http://host:port` or `socks5://user:password@host:port`.
        url: String,
        /// Where the tunnel is to connect to. Nothing is sent there.
        #[arg(long, value_name = "HOST:PORT", default_value = "example.com:443")]
        target: String,
    },
}

/// Does what the command says.
pub(super) fn tunnel(command: &TunnelCommand) -> ExitCode {
    let TunnelCommand::Test { url, target } = command;
    let given = match Tunnel::parse(url) {
        Ok(tunnel) => tunnel,
        Err(fault) => {
            complain(&format!("omniroute: {fault}; {}", Tunnel::FORM));
            return ExitCode::from(EXIT_GIVEN);
        }
    };
    let Some(target) = read_target(target) else {
        complain("omniroute: `--target` is written as in `api.example.com:443` or `[::1]:443`");
        return ExitCode::from(EXIT_GIVEN);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("omniroute: the test cannot start: {error}"));
            return ExitCode::from(EXIT_SYSTEM);
        }
    };
    let trial = runtime.block_on(tunnel::test(&given, target, LIMIT, &app::clock()));
    say(&trial.to_string());
    ExitCode::from(if trial.is_passed() { 0 } else { EXIT_GIVEN })
}

fn read_target(text: &str) -> Option<Target<'_>> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_good = |host: &&str| {
        let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '[' | ']');
        !host.is_empty() && host.chars().all(fits) && (bare.is_some() || !host.contains(':'))
    };
    let host = Some(bare.unwrap_or(host)).filter(is_good)?;
    Some(Target { host, port: port.parse().ok().filter(|port| *port != 0)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_host_and_a_port() {
        for (text, expected) in [
            ("api.example:443", Some(("api.example", 443))),
            ("10.0.0.1:80", Some(("10.0.0.1", 80))),
            ("[::1]:80", Some(("::1", 80))),
            ("::1:80", None),
            ("api.example", None),
            ("api.example:0", None),
            ("api.example:http", None),
            (":443", None),
            ("[]:443", None),
            ("https://api.example:443", None),
            ("a b:443", None),
            ("a\r\nb:443", None),
        ] {
            let seen = read_target(text).map(|target| (target.host, target.port));
            assert_eq!(seen, expected, "{text}");
        }
    }
}
