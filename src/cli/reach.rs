//! The administration as the command line uses it: that of the gateway that serves from the data
//! directory, or, if none does, one made for the command alone.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, Response, StatusCode, header};
use omniroute_core::secret::Secret;
use omniroute_core::snapshot::{BaseUrl, Overrides};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{ConfigArgs, EXIT_GIVEN, EXIT_SYSTEM, complain, ended, environment};
use crate::app::{self, App, StartError};
use crate::live::Source;
use crate::login::Entrance;
use crate::proxy::ClientAddress;
use crate::upstream::{Destination, Endpoints, Fetch, FetchError, PeerTimeouts};

/// Time for one request. Backups may take a while.
const LIMIT: Duration = Duration::from_secs(120);

/// Time to connect to a gateway at this machine.
const CONNECT: Duration = Duration::from_secs(2);

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
    pub(super) fn source(self) -> Source {
        let overrides = Overrides { data_dir: self.data_dir, ..Overrides::default() };
        environment::source(self.config.config, overrides)
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
    pub(super) fn open(which: Which) -> Result<Self, ExitCode> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().map_err(|error| {
            complain(&format!("omniroute: the command cannot start: {error}"));
            ExitCode::from(EXIT_SYSTEM)
        })?;
        let source = which.source();
        let settings = source.server_settings();
        let folder =
            settings.map_err(|problems| ended(Err(StartError::Config(problems))))?.data_dir;
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
        let answer = self.send(method, target, body).map_err(|error| {
            complain(&format!("omniroute: the gateway that serves here does not answer: {error}"));
            ExitCode::from(EXIT_SYSTEM)
        })?;
        let (status, body) = (answer.status(), answer.into_body());
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let message = value["error"]["message"].as_str().unwrap_or("it does not say why");
        complain(&format!("omniroute: {message}"));
        Err(ExitCode::from(if status.is_client_error() { EXIT_GIVEN } else { EXIT_SYSTEM }))
    }

    fn send(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, FetchError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = request(&self.token, method, target, body.into())?;
        request.extensions_mut().insert(ClientAddress(None));
        self.runtime.block_on(async {
            match &self.way {
                Way::Running { fetch, destination } => {
                    fetch.send(destination, request, LIMIT).await
                }
                Way::Here(app) => {
                    let answer = (app.shared().administration.answer)(request).await;
                    let (head, body) = answer.into_parts();
                    let body = body.collect().await.map_err(|_| FetchError::Broken)?;
                    Ok(Response::from_parts(head, body))
                }
            }
        })
    }
}

impl Way {
    /// Finds the gateway that serves from a data directory, and what opens it.
    async fn to_running(folder: &Path) -> Option<(Secret, Self)> {
        let entrance = Entrance::find(folder)?;
        let destination = Box::new(destination(&entrance));
        let token = Secret::new(entrance.token);
        let fetch = Box::new(Fetch::new(Endpoints::new(app::clock())));
        let hello = request(&token, Method::GET, "/api/auth/status", Bytes::new()).ok()?;
        let answer = fetch.send(&destination, hello, LIMIT).await;
        // It may have ended without taking its entrance away.
        let is_there = !matches!(answer, Err(FetchError::Unreachable(_)));
        is_there.then_some((token, Self::Running { fetch, destination }))
    }
}

fn request(
    token: &Secret,
    method: Method,
    target: &str,
    body: Bytes,
) -> Result<Request<Bytes>, FetchError> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body);
    request.map_err(|_| FetchError::Broken)
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

fn destination(entrance: &Entrance) -> Destination {
    let (host, port) = (Arc::from(entrance.address.ip().to_string()), entrance.address.port());
    Destination {
        endpoint: BaseUrl { tls: false, host, port, path: "".into() },
        tunnel: None,
        is_fresh: false,
        timeouts: PeerTimeouts { connect: CONNECT, read: LIMIT },
    }
}
