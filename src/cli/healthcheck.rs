//! `omniroute healthcheck`: asks the gateway at this machine how it is, for containers, which hold neither
//! a shell nor curl.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode};

use super::{EXIT_GIVEN, PlaceArgs, complain, reach, say};
use crate::app;
use crate::live::Source;
use crate::login::Entrance;
use crate::services::reachable;
use crate::upstream::{Destination, Endpoints, Fetch, FetchError};

/// Time for the whole question; less than the 3 s after which the Dockerfile gives up.
const LIMIT: Duration = Duration::from_secs(2);

/// Whom to ask, and what.
#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Ask only whether the process answers, not whether it could serve a model call.
    #[arg(long)]
    live: bool,
}

/// Asks, and prints what was answered. Exit code 0: it is well; 1: it is not, or does not answer.
pub(super) fn healthcheck(args: HealthArgs) -> ExitCode {
    let path = if args.live { "/livez" } else { "/readyz" };
    match whom(&args.place.source())
        .and_then(|(fetch, destination)| ask(&fetch, &destination, path))
    {
        Ok((status, body)) if status.is_success() => {
            say(&body);
            ExitCode::SUCCESS
        }
        Ok((status, body)) => unwell(&format!("{path} answers {}: {body}", status.as_u16())),
        Err(why) => unwell(&why),
    }
}

fn unwell(why: &str) -> ExitCode {
    complain(&format!("omniroute: not well: {why}"));
    ExitCode::from(EXIT_GIVEN)
}

/// Returns where this machine reaches the gateway. One that serves says it in its data directory, also the
/// port that the system chose.
fn whom(source: &Source) -> Result<(Fetch, Destination), String> {
    let settings = source.server_settings().map_err(|problems| problems.to_string())?;
    let address = settings.listen.first().copied().filter(|address| address.port() != 0);
    let is_meant = |entrance: &Entrance| {
        address.is_none_or(|address| address.port() == entrance.address.port())
    };
    match (Entrance::find(&settings.data_dir).filter(is_meant), address) {
        (Some(entrance), _) => Ok((reach::client_of(&entrance), reach::destination(&entrance))),
        (None, Some(_)) if settings.tls.is_some() => {
            let folder = settings.data_dir.display();
            Err(format!(
                "server.tls is on, and no gateway serves from {folder}, so its certificate is not known"
            ))
        }
        (None, Some(address)) => {
            Ok((Fetch::new(Endpoints::new(app::clock())), reach::at(reachable(address), false)))
        }
        (None, None) => {
            let folder = settings.data_dir.display();
            Err(format!("the port is 0, and no gateway serves from {folder}; name it with --port"))
        }
    }
}

fn ask(
    fetch: &Fetch,
    destination: &Destination,
    path: &str,
) -> Result<(StatusCode, String), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the question cannot be asked: {error}"))?;
    let request = Request::get(path).body(Bytes::new()).map_err(|error| error.to_string())?;
    let answer = runtime.block_on(fetch.send(destination, request, LIMIT));
    let at = destination.endpoint.authority();
    let answer = answer.map_err(|error| match error {
        FetchError::Broken if !destination.endpoint.tls => {
            format!(
                "{at}: {error}; if TLS is spoken there, name the file that says so with --config"
            )
        }
        _ => format!("{at}: {error}"),
    })?;
    Ok((answer.status(), String::from_utf8_lossy(answer.body()).into_owned()))
}
