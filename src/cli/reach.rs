//! The administration as the command line uses it: that of the gateway that serves from the data
//! directory, or, if none does, one made for the command alone.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use omniroute_core::hex;
use omniroute_core::reach::Reach as MayReach;
use omniroute_core::secret::Secret;
use omniroute_core::snapshot::{BaseUrl, Overrides};
use serde_json::Value;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::download::Download;
use super::{ConfigArgs, EXIT_GIVEN, EXIT_SYSTEM, complain, ended, environment};
use crate::app::{self, App, StartError};
use crate::live::Source;
use crate::login::Entrance;
use crate::proxy::ClientAddress;
use crate::upstream::{Collected, Destination, Endpoints, Fetch, FetchError, Sink};

/// Time for one request. Backups may take a while.
const LIMIT: Duration = Duration::from_secs(120);

/// Time to connect to a gateway at this machine.
const CONNECT: Duration = Duration::from_secs(2);

/// What opens or seals a file, by the header it is sent in.
pub(super) type Secrets<'a> = [(&'static str, &'a Zeroizing<String>)];

/// Which gateway is meant.
#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the gateway keeps what it must remember.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

impl Which {
    /// Returns where its configuration comes from.
    pub(super) fn source(&self) -> Source {
        let overrides = Overrides { data_dir: self.data_dir.clone(), ..Overrides::default() };
        environment::source(self.config.config.clone(), overrides)
    }

    /// Returns its data directory.
    ///
    /// # Errors
    ///
    /// The exit code; what is wrong with the configuration is said already.
    pub(super) fn folder(&self) -> Result<PathBuf, ExitCode> {
        let settings = self.source().server_settings();
        Ok(settings.map_err(|problems| ended(Err(StartError::Config(problems))))?.data_dir)
    }
}

/// A way to the administration.
pub(super) struct Reach {
    runtime: Runtime,
    token: Secret,
    way: Way,
}

enum Way {
    Running { fetch: Box<Fetch>, destination: Box<Destination> },
    Here(Box<App>),
}

impl Reach {
    /// Finds the gateway that serves, or makes its administration here.
    ///
    /// # Errors
    ///
    /// The exit code; why is said already.
    pub(super) fn open(which: &Which) -> Result<Self, ExitCode> {
        let runtime = runtime()?;
        let (source, folder) = (which.source(), which.folder()?);
        let within = runtime.enter();
        if let Some((token, way)) = runtime.block_on(Way::to_running(&folder)) {
            drop(within);
            return Ok(Self { runtime, token, way });
        }
        let app = App::build(source, None).map_err(|error| ended(Err(error)))?;
        drop(within);
        let token = app.administration().login.console.token().clone();
        Ok(Self { runtime, token, way: Way::Here(Box::new(app)) })
    }

    /// Finds the gateway that serves from a data directory; `None` if none does.
    ///
    /// # Errors
    ///
    /// The exit code; why is said already.
    pub(super) fn to_running(folder: &Path) -> Result<Option<Self>, ExitCode> {
        let runtime = runtime()?;
        let found = runtime.block_on(Way::to_running(folder));
        Ok(found.map(|(token, way)| Self { runtime, token, way }))
    }

    /// Asks for something and returns what was answered.
    ///
    /// # Errors
    ///
    /// The exit code; why is said already.
    pub(super) fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, ExitCode> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let kind = "application/json";
        self.answered(request(&self.token, method, target, (kind, body.into())))
    }

    /// Asks for something and returns what was answered, or what is wrong with the question.
    ///
    /// # Errors
    ///
    /// The exit code, if there is no answer; why is said already.
    pub(super) fn consult(
        &self,
        target: &str,
        body: &Value,
    ) -> Result<Result<Value, String>, ExitCode> {
        let kind = "application/json";
        let request = request(&self.token, Method::POST, target, (kind, body.to_string().into()));
        let mut answer = Collected::default();
        request.and_then(|request| self.exchange(request, &mut answer)).map_err(silent)?;
        let answer = answer.into_response();
        if answer.status().is_client_error() {
            let refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
            return Ok(Err(message(&refusal).to_owned()));
        }
        value(answer.status(), answer.body()).map(Ok)
    }

    /// Sends a file, and with it what opens it, and returns what was answered.
    ///
    /// # Errors
    ///
    /// The exit code; why is said already.
    pub(super) fn upload(
        &self,
        target: &str,
        secrets: &Secrets<'_>,
        file: Bytes,
    ) -> Result<Value, ExitCode> {
        let kind = "application/octet-stream";
        let request = request(&self.token, Method::POST, target, (kind, file));
        self.answered(request.and_then(|request| with(request, secrets)))
    }

    /// Asks for a file and writes it as it comes, whatever its size.
    ///
    /// # Errors
    ///
    /// The exit code; why is said already.
    pub(super) fn download(
        &self,
        target: &str,
        secrets: &Secrets<'_>,
        file: &mut File,
    ) -> Result<(), ExitCode> {
        let request = request(&self.token, Method::GET, target, ("application/json", Bytes::new()));
        let mut download = Download::to(file);
        let done = request
            .and_then(|request| with(request, secrets))
            .and_then(|request| self.exchange(request, &mut download));
        if let Some(error) = download.fault {
            complain(&format!("omniroute: the file cannot be written: {error}"));
            return Err(ExitCode::from(EXIT_SYSTEM));
        }
        done.map_err(silent)?;
        value(download.status, &download.refusal).map(drop)
    }

    fn answered(&self, request: Result<Request<Bytes>, FetchError>) -> Result<Value, ExitCode> {
        let mut answer = Collected::default();
        request.and_then(|request| self.exchange(request, &mut answer)).map_err(silent)?;
        let answer = answer.into_response();
        value(answer.status(), answer.body())
    }

    fn exchange(&self, mut request: Request<Bytes>, sink: &mut dyn Sink) -> Result<(), FetchError> {
        request.extensions_mut().insert(ClientAddress(None));
        self.runtime.block_on(async {
            match &self.way {
                Way::Running { fetch, destination } => {
                    fetch.send_into(destination, request, LIMIT, sink).await
                }
                Way::Here(app) => {
                    let answer = (app.shared().administration.answer)(request).await;
                    let (head, body) = answer.into_parts();
                    sink.head(&Response::from_parts(head, ()));
                    let mut pieces = body.into_pieces();
                    while let Some(piece) = pieces.next().await {
                        sink.piece(piece.map_err(|_| FetchError::Broken)?)?;
                    }
                    Ok(())
                }
            }
        })
    }
}

fn runtime() -> Result<Runtime, ExitCode> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().map_err(|error| {
        complain(&format!("omniroute: the command cannot start: {error}"));
        ExitCode::from(EXIT_SYSTEM)
    })
}

/// Says that there is no answer.
fn silent(error: FetchError) -> ExitCode {
    complain(&format!("omniroute: the gateway that serves here does not answer: {error}"));
    ExitCode::from(EXIT_SYSTEM)
}

/// Reads an answer, or says what it refuses.
fn value(status: StatusCode, body: &[u8]) -> Result<Value, ExitCode> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    if status.is_success() {
        return Ok(value);
    }
    complain(&format!("omniroute: {}", message(&value)));
    Err(ExitCode::from(if status.is_client_error() { EXIT_GIVEN } else { EXIT_SYSTEM }))
}

/// Returns why something is refused.
fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or("it does not say why")
}

impl Way {
    /// Finds the gateway that serves from a data directory, and what opens it.
    async fn to_running(folder: &Path) -> Option<(Secret, Self)> {
        let entrance = Entrance::find(folder)?;
        let destination = Box::new(destination(&entrance));
        let fetch = Box::new(client_of(&entrance));
        let token = Secret::new(entrance.token);
        let hello =
            request(&token, Method::GET, "/api/auth/status", ("application/json", Bytes::new()))
                .ok()?;
        let answer = fetch.send(&destination, hello, LIMIT).await;
        // It may have ended without taking its entrance away.
        let is_there = !matches!(answer, Err(FetchError::Unreachable(_)));
        is_there.then_some((token, Self::Running { fetch, destination }))
    }
}

/// Makes what asks the gateway of this entrance: it takes that one's certificate and no other.
pub(super) fn client_of(entrance: &Entrance) -> Fetch {
    let fetch = Fetch::new(Endpoints::new(app::clock()));
    match entrance.certificate.as_deref().and_then(hex::decode) {
        Some(certificate) => fetch.that_expects(certificate),
        None => fetch,
    }
}

fn request(
    token: &Secret,
    method: Method,
    target: &str,
    (kind, body): (&str, Bytes),
) -> Result<Request<Bytes>, FetchError> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()))
        .header(header::CONTENT_TYPE, kind)
        .body(body);
    request.map_err(|_| FetchError::Broken)
}

/// Adds secrets to a request.
fn with(mut request: Request<Bytes>, secrets: &Secrets<'_>) -> Result<Request<Bytes>, FetchError> {
    for (name, secret) in secrets {
        let mut value = HeaderValue::from_str(secret).map_err(|_| FetchError::Broken)?;
        value.set_sensitive(true);
        request.headers_mut().insert(*name, value);
    }
    Ok(request)
}

impl Drop for Reach {
    fn drop(&mut self) {
        if let Way::Here(app) = &self.way
            && let Some(store) = app.store()
        {
            store.close();
        }
    }
}

/// Makes the way to the gateway that an entrance leads to.
pub(super) fn destination(entrance: &Entrance) -> Destination {
    at(entrance.address, entrance.certificate.is_some())
}

/// Makes the way to a gateway that listens at this address, with or without TLS.
pub(super) fn at(address: SocketAddr, tls: bool) -> Destination {
    let (host, port) = (Arc::from(address.ip().to_string()), address.port());
    Destination {
        endpoint: BaseUrl { tls, host, port, path: "".into(), reach: MayReach::Anywhere },
        tunnel: None,
        is_fresh: false,
        connect: CONNECT,
    }
}
