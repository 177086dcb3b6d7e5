//! The composition root: builds every long-lived part once, in order, and runs them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use omniroute_core::affinity::Affinity;
use omniroute_core::clock::Clock;
use omniroute_core::config::Server as Settings;
use omniroute_core::seeds::Seeds;
use omniroute_core::snapshot::{Problem, Problems, Snapshot};
use omniroute_core::state::SharedState;
use omniroute_sim::Running;
use pingora::apps::HttpServerOptions;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora_core::apps::http_app::HttpServer;
use pingora_core::services::background::background_service;
use pingora_core::services::listening::Service;
use pingora_proxy::{HttpProxy, http_proxy};
use thiserror::Error;
use tokio::sync::Mutex;

use crate::access_log::AccessLog;
use crate::explained::Explained;
use crate::listen::{Caps, Certificates, Door, TlsFault, clients_allowed};
use crate::live::{LiveConfig, Source, Watch};
use crate::login::{Login, Session, SessionHash};
use crate::metrics::Metrics;
use crate::proxy::{Gateway, Shared, Side};
use crate::services::{
    Announce, Bodies, Breakers, Certify, Drain, Exposition, Reload, Retention, Simulated, Webhooks,
    keep_breakers, restore_breakers, restore_budgets,
};
use crate::store::{Store, StoreError};
use crate::telemetry::LogFormat;
use crate::upstream::{Endpoints, Fetch};
use crate::{admin, keeping};

/// Most attempts Pingora allows for one request. The plan ends earlier by itself; what comes on top
/// are repetitions on dead kept-alive connections.
const MAX_TRIES: usize = 64;

/// Requests on one client connection before it is closed (design/reliability.md, section 3).
const REQUESTS_PER_CONNECTION: u32 = 10_000;

/// How long an idle HTTP/2 connection of a client is kept.
const H2_IDLE: Duration = Duration::from_secs(75);

/// Kept-alive connections to providers, all together.
const UPSTREAM_POOL: usize = 1024;

/// Why the gateway did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration has problems.
    #[error("{0}")]
    Config(#[from] Problems),
    /// The system refused something.
    #[error("{0}")]
    Refused(String),
}

impl From<TlsFault> for StartError {
    fn from(fault: TlsFault) -> Self {
        match fault {
            TlsFault::Given(what) => {
                Self::Config(Problems::new(vec![Problem::of_whole("certificate", what, None)]))
            }
            TlsFault::System(what) => Self::Refused(what),
        }
    }
}

/// All long-lived parts.
pub struct App {
    shared: Arc<Shared>,
    store: Option<Store>,
    administration: admin::Parts,
    retention_days: u32,
    watch: Option<Watch>,
}

impl App {
    /// Compiles the configuration and builds the parts. Without a log format there is no access log.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration.
    pub fn build(mut source: Source, log: Option<LogFormat>) -> Result<Self, StartError> {
        let clock = source.clock.clone();
        let (keeps, kept_key) = (source.keeps, source.envelope_key.clone());
        let metrics = Metrics::new()
            .map_err(|error| StartError::Refused(format!("metrics cannot be made: {error}")))?;
        let (metrics, state) = (Arc::new(metrics), Arc::new(SharedState::default()));
        let watch = source.file().and_then(watch);
        let data_dir = source.server_settings()?.data_dir;
        let refused = |error: StoreError| StartError::Refused(error.to_string());
        let store =
            keeping::store(keeps, &data_dir, &|name| source.variable(name)).map_err(refused)?;
        let kept = keeping::kept(store.as_ref()).map_err(refused)?;
        if let Some(pepper) = kept.pepper {
            source.pepper = *pepper;
        }
        let login = Arc::new(login(&source, &data_dir, kept.sessions)?);
        let parts = (Arc::clone(&state), Arc::clone(&metrics));
        let archive = keeping::archive(store.as_ref());
        let live = LiveConfig::start(source, kept.remembered, archive, parts)?;
        let retention_days = keeping::retention_days(&|name| live.source().variable(name))
            .map_err(StartError::Refused)?;
        let envelope_key =
            kept_key.unwrap_or_else(|| keeping::envelope_key(store.as_ref(), &data_dir));
        let endpoints = Endpoints::new(clock.clone());
        let kept = (&*data_dir, store.as_ref());
        restore(&live.load(), kept, (&state, &clock)).map_err(refused)?;
        let live = Arc::new(live);
        let log = access_log(log, &clock)?;
        let explained = Arc::new(Explained::default());
        let certificates = Arc::new(Certificates::default());
        let parts = admin::Parts {
            certificates: Arc::clone(&certificates),
            live: Arc::clone(&live),
            state: Arc::clone(&state),
            store: store.clone(),
            login,
            fetch: Arc::new(Fetch::new(Arc::clone(&endpoints))),
            explained: Arc::clone(&explained),
            started: clock.now(),
            clock: clock.clone(),
        };
        let shared = Arc::new(Shared {
            live,
            state,
            endpoints,
            metrics,
            access_log: log,
            recorder: keeping::recorder(store.as_ref()),
            store: store.clone(),
            envelope_key,
            affinity: Affinity::default(),
            explained,
            load: Arc::default(),
            caps: Caps::new(clients_allowed()),
            certificates,
            administration: admin::administration(parts.clone()),
            seeds: Seeds::new(rand::random()),
            clock,
            draining: AtomicBool::default(),
        });
        Ok(Self { shared, store, administration: parts, retention_days, watch })
    }

    /// Returns what is kept; `None` if nothing can be.
    pub const fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Returns what the administration works on.
    pub const fn administration(&self) -> &admin::Parts {
        &self.administration
    }

    /// Returns the parts requests use.
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Makes what serves the connections of a listener. Tests feed it connections themselves.
    pub fn door(&self, conf: &Arc<ServerConf>, side: Side) -> Door<HttpProxy<Gateway>> {
        let has_tls = self.shared.live.load().server.tls.is_some();
        let certificates = has_tls.then(|| Arc::clone(&self.shared.certificates));
        self.before(self.proxy(conf, side), certificates)
    }

    /// Reads the certificate, if the listeners have one.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub fn read_certificate(&self) -> Result<(), StartError> {
        if let Some(files) = &self.shared.live.load().server.tls {
            self.shared.certificates.load(files)?;
        }
        Ok(())
    }

    /// Says that the system allows fewer connections than the configuration.
    fn warn_of_files(&self) {
        let (wanted, allowed) = (self.shared.live.load().limits.connections, clients_allowed());
        if allowed < wanted {
            tracing::warn!(
                wanted,
                allowed,
                "limits.connections is more than the limit of open files allows; raise that (LimitNOFILE, ulimit -n)"
            );
        }
    }

    fn before<A>(&self, app: A, certificates: Option<Arc<Certificates>>) -> Door<A> {
        Door {
            app: Arc::new(app),
            live: Arc::clone(&self.shared.live),
            caps: Arc::clone(&self.shared.caps),
            metrics: Arc::clone(&self.shared.metrics),
            certificates,
        }
    }

    fn proxy(&self, conf: &Arc<ServerConf>, side: Side) -> HttpProxy<Gateway> {
        let mut proxy = http_proxy(conf, Gateway::new(Arc::clone(&self.shared), side));
        let mut options = HttpServerOptions::default();
        options.h2c = true;
        options.keepalive_request_limit = Some(REQUESTS_PER_CONNECTION);
        options.h2_idle_timeout = Some(H2_IDLE);
        proxy.server_options = Some(options);
        proxy
    }

    /// Adds the listeners to a server.
    fn listen(&self, server: &mut Server, addresses: &Addresses) {
        let conf = Arc::clone(&server.configuration);
        let side = if addresses.admin.is_some() { Side::Calls } else { Side::Both };
        let mut gateway = Service::new("gateway".to_owned(), self.door(&conf, side));
        for address in &addresses.listen {
            gateway.add_tcp(&address.to_string());
        }
        gateway.threads = Some(conf.threads);
        server.add_service(gateway);
        if let Some(address) = addresses.admin {
            let door = self.door(&conf, Side::Administration);
            let mut service = Service::new("administration".to_owned(), door);
            service.add_tcp(&address.to_string());
            server.add_service(service);
        }
        if let Some(address) = addresses.exposed {
            let exposition = Exposition { shared: Arc::clone(&self.shared) };
            let app = self.before(HttpServer::new_app(exposition), None);
            let mut service = Service::new("metrics".to_owned(), app);
            service.add_tcp(&address.to_string());
            server.add_service(service);
        }
    }

    /// Runs until a signal ends it.
    ///
    /// # Errors
    ///
    /// [`StartError::Refused`] if an address cannot be listened on.
    pub fn run(self, extras: Extras) -> Result<(), StartError> {
        let settings = self.shared.live.load().server.clone();
        self.read_certificate()?;
        self.warn_of_files();
        let addresses = free_addresses(&settings)?;

        let mut server = Server::new_with_opt_and_conf(None, server_conf(&settings));
        server.bootstrap();
        self.listen(&mut server, &addresses);
        let reload = Reload { live: Arc::clone(&self.shared.live), watch: Mutex::new(self.watch) };
        server.add_service(background_service("reload", reload));
        let breakers =
            Breakers { shared: Arc::clone(&self.shared), folder: settings.data_dir.clone() };
        server.add_service(background_service("breakers", breakers));
        if let Some(store) = &self.store {
            let (store, clock) = (store.clone(), self.shared.clock.clone());
            let live = Arc::clone(&self.shared.live);
            let bodies = Bodies { store: store.clone(), live, clock: clock.clone() };
            server.add_service(background_service("bodies", bodies));
            let retention = Retention { store, days: self.retention_days, clock };
            server.add_service(background_service("retention", retention));
        }
        let login = Arc::clone(&self.administration.login);
        let notices = Arc::clone(&self.shared.state.notices);
        let fetch = Arc::clone(&self.administration.fetch);
        server.add_service(background_service("webhooks", Webhooks { notices, fetch }));
        let Addresses { listen, admin, .. } = addresses;
        let certificates = Arc::clone(&self.shared.certificates);
        if settings.tls.is_some() {
            let (live, login) = (Arc::clone(&self.shared.live), Arc::clone(&login));
            let certify = Certify { live, certificates: Arc::clone(&certificates), login };
            server.add_service(background_service("certificate", certify));
        }
        let announce = Announce { listen, admin, certificates, login, words: extras.words };
        server.add_service(background_service("announce", announce));
        if let Some(running) = extras.sim {
            let simulated = Simulated { running: Mutex::new(Some(running)) };
            server.add_service(background_service("simulator", simulated));
        }
        let shared = Arc::clone(&self.shared);
        let drain = Drain { shared: self.shared, patience: settings.drain };
        server.run(RunArgs { shutdown_signal: Box::new(drain) });
        self.administration.login.console.close();
        shared.access_log.flush();
        keep_breakers(&settings.data_dir, &shared);
        if let Some(store) = &self.store {
            store.close();
        }
        Ok(())
    }
}

/// Takes over how breakers and budgets were when the last process ended.
fn restore(
    snapshot: &Snapshot,
    (data_dir, store): (&Path, Option<&Store>),
    (state, clock): (&SharedState, &Clock),
) -> Result<(), StoreError> {
    restore_breakers(data_dir, snapshot, clock);
    match store {
        Some(store) => restore_budgets(store, snapshot, state, clock, &|_| true),
        None => Ok(()),
    }
}

/// Starts the access log, if there is to be one.
fn access_log(format: Option<LogFormat>, clock: &Clock) -> Result<AccessLog, StartError> {
    let Some(format) = format else { return Ok(AccessLog::off(clock.clone())) };
    AccessLog::start(format, clock.clone())
        .map_err(|error| StartError::Refused(format!("the access log cannot be started: {error}")))
}

/// Opens the login of the administration.
fn login(
    source: &Source,
    data_dir: &Path,
    sessions: Vec<(SessionHash, Session)>,
) -> Result<Login, StartError> {
    let initial = source.variable("INITIAL_PASSWORD");
    let has_tls = source.server_settings().is_ok_and(|settings| settings.tls.is_some());
    let is_secure =
        has_tls || source.variable("AUTH_COOKIE_SECURE").is_some_and(|value| value == "true");
    let opened = Login::open(data_dir, sessions, initial.as_deref(), is_secure);
    opened.map_err(|error| {
        StartError::Refused(format!("INITIAL_PASSWORD: {error}; write a better one"))
    })
}

/// Begins to watch the configuration file; without that SIGHUP still reloads it.
fn watch(file: &Path) -> Option<Watch> {
    Watch::begin(file)
        .inspect_err(|error| {
            tracing::warn!(%error, "the configuration file cannot be watched; reload it with SIGHUP");
        })
        .ok()
}

/// What a command adds to the gateway.
#[derive(Default)]
pub struct Extras {
    /// Simulated providers to keep running.
    pub sim: Option<Running>,
    /// What is printed on standard output once the gateway serves, given its address.
    pub words: Option<fn(SocketAddr) -> String>,
}

/// Pingora's own settings.
pub fn server_conf(settings: &Settings) -> ServerConf {
    let threads = match settings.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        given => given,
    };
    ServerConf {
        threads,
        max_retries: MAX_TRIES,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        // The drain is our own and ends as soon as nothing is running; Pingora's would sleep it out.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

/// Checks that all addresses can be listened on together, and chooses a port where none is given.
///
/// Pingora panics where the system refuses; a sentence with what to do is better.
fn free_addresses(settings: &Settings) -> Result<Addresses, StartError> {
    // All are held until the last is bound, so that two that overlap are found.
    let held =
        settings.listen.iter().map(|address| bind(*address)).collect::<Result<Vec<_>, _>>()?;
    let admin = settings.admin_listen.map(bind).transpose()?;
    let metrics = settings.metrics_listen.map(bind).transpose()?;
    Ok(Addresses {
        listen: held.into_iter().map(|(address, _)| address).collect(),
        admin: admin.map(|(address, _)| address),
        exposed: metrics.map(|(address, _)| address),
    })
}

/// Addresses that can be listened on.
struct Addresses {
    listen: Vec<SocketAddr>,
    /// That of the administration, if it has one of its own.
    admin: Option<SocketAddr>,
    /// That of the metrics, if they have one of their own.
    exposed: Option<SocketAddr>,
}

fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; end it, or choose another port with --port"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not; choose a port above 1023 with --port"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; correct server.listen"
            }
            _ => "correct server.listen",
        };
        StartError::Refused(format!("cannot listen on {address}: {error}; {advice}"))
    })?;
    let bound = listener
        .local_addr()
        .map_err(|error| StartError::Refused(format!("cannot listen on {address}: {error}")))?;
    Ok((bound, listener))
}

/// Makes the machine's clock; here so that nothing else needs to know there is another.
pub fn clock() -> Clock {
    Clock::system()
}
