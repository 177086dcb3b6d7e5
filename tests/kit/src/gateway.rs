//! A gateway in the test's own runtime, on a port of the system's choice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use omniroute::app::{App, StartError, server_conf};
use omniroute::keeping::Keeps;
use omniroute::live::{ProcessEnv, Source, Text};
use omniroute::proxy::{Shared, Side};
use omniroute::store::Store;
use omniroute_core::clock::Clock;
use omniroute_core::snapshot::Overrides;
use pingora::apps::ServerApp;
use pingora_core::protocols::l4::listener::Listener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::spawn;

/// A running gateway; dropping it ends it.
pub struct TestGateway {
    address: SocketAddr,
    /// Where the administration is, if it has a listener of its own.
    admin: Option<SocketAddr>,
    shared: Arc<Shared>,
    store: Store,
    clock: Clock,
    accepting: Vec<JoinHandle<()>>,
    _shutdown: watch::Sender<bool>,
}

impl TestGateway {
    /// Starts a gateway with this configuration. A test can put its clock forward.
    ///
    /// # Panics
    ///
    /// If the configuration has problems; the message holds them.
    pub async fn start(yaml: &str) -> Self {
        let started = Self::try_start(Text::BuiltIn("test.yaml", yaml.to_owned())).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a gateway from a text or a file.
    ///
    /// # Errors
    ///
    /// The configuration's problems.
    pub async fn try_start(text: Text) -> Result<Self, StartError> {
        Self::started(text, HashMap::new()).await
    }

    /// Starts a gateway with this configuration in this environment, and no other.
    ///
    /// # Panics
    ///
    /// If the configuration has problems; the message holds them.
    pub async fn start_in(environment: &[(&str, &str)], yaml: &str) -> Self {
        let variables = environment.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let text = Text::BuiltIn("test.yaml", yaml.to_owned());
        let started = Self::started(text, variables.collect()).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a gateway that keeps what it must remember in a folder.
    ///
    /// # Errors
    ///
    /// The configuration's problems, or that the folder cannot be used.
    pub async fn start_at(
        folder: &Path,
        environment: &[(&str, &str)],
        text: Text,
    ) -> Result<Self, StartError> {
        let variables = environment.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::built(text, variables.collect(), folder, Keeps::InDataDir).await
    }

    async fn started(text: Text, variables: HashMap<String, String>) -> Result<Self, StartError> {
        // Nothing of this machine's own gateway, if it has one.
        Self::built(text, variables, Path::new("/nonexistent"), Keeps::InMemory).await
    }

    async fn built(
        text: Text,
        variables: HashMap<String, String>,
        folder: &Path,
        keeps: Keeps,
    ) -> Result<Self, StartError> {
        let clock = Clock::shifted();
        let source = Source {
            text,
            overrides: Overrides { data_dir: Some(folder.to_owned()), ..Overrides::default() },
            env_files: variables,
            process_env: ProcessEnv::Ignored,
            clock: clock.clone(),
            pepper: [7; 32],
            keeps,
            envelope_key: Some(Arc::from([9; 32])),
        };
        let app = App::build(source, None)?;
        app.read_certificate()?;
        let settings = app.shared().live.load().server.clone();
        let conf = Arc::new(server_conf(&settings));
        let shared = Arc::clone(app.shared());
        let store = app.store().expect("memory can be had").clone();

        let (shutdown, watch) = watch::channel(false);
        let has_admin = settings.admin_listen.is_some();
        let side = if has_admin { Side::Calls } else { Side::Both };
        let (address, calls) = serve(app.door(&conf, side), &watch)?;
        let (mut admin, mut accepting) = (None, vec![calls]);
        if has_admin {
            let (address, administration) = serve(app.door(&conf, Side::Administration), &watch)?;
            admin = Some(address);
            accepting.push(administration);
        }
        Ok(Self { address, admin, shared, store, clock, accepting, _shutdown: shutdown })
    }

    /// Returns where the administration listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.unwrap_or(self.address)
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its parts.
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns its store, which ends with it.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Returns its clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the value of a metric line that begins with this text, 0 if there is none.
    pub fn metric(&self, line: &str) -> f64 {
        let text = String::from_utf8(self.shared.metrics_text()).unwrap_or_default();
        let found = text.lines().find_map(|candidate| candidate.strip_prefix(line));
        found.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        for accepting in &self.accepting {
            accepting.abort();
        }
    }
}

/// Serves connections at a port of the system's choice.
fn serve(
    app: impl ServerApp + Send + Sync + 'static,
    watch: &watch::Receiver<bool>,
) -> Result<(SocketAddr, JoinHandle<()>), StartError> {
    let refused = |error: std::io::Error| StartError::Refused(error.to_string());
    let listener = omniroute_sim::listen(([127, 0, 0, 1], 0).into()).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let (listener, app, watch) = (Listener::from(listener), Arc::new(app), watch.clone());
    let accepting = spawn(async move {
        while let Ok(stream) = listener.accept().await {
            let (app, watch) = (Arc::clone(&app), watch.clone());
            spawn(async move {
                app.process_new(Box::new(stream), &watch).await;
            });
        }
    });
    Ok((address, accepting))
}
