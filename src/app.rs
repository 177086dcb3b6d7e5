//! The composition root: builds every long-lived part once, in order, and runs them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use omniroute_core::affinity::Affinity;
use omniroute_core::clock::Clock;
use omniroute_core::config::Server as Settings;
use omniroute_core::seeds::Seeds;
use omniroute_core::snapshot::{Problem, Problems, Snapshot};
use omniroute_core::state::SharedState;
use omniroute_sim::Running;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora_core::apps::http_app::HttpServer;
use pingora_core::services::background::background_service;
use pingora_core::services::listening::Service;
use pingora_proxy::{HttpProxy, http_proxy};
use thiserror::Error;
use tokio::sync::{Mutex, watch};

use crate::access_log::AccessLog;
use crate::explained::Explained;
use crate::handover::{Offer, Parting, Predecessor, Sockets, activated, patiently};
use crate::keeping::Keeps;
use crate::leaving::Leaving;
use crate::listen::{
    Addresses, Caps, Certificates, Door, TlsFault, clients_allowed, endpoint, h2_options,
    http_options,
};
use crate::live::{LiveConfig, Source, Watch};
use crate::login::{Login, Session, SessionHash};
use crate::metrics::Metrics;
use crate::otel::{Exporter, Otel};
use crate::proxy::{Gateway, Shared, Side};
use crate::services::{
    Announce, Bodies, Breakers, Certify, Drain, Exposition, Hearing, Openings, Reload, Retention,
    Simulated, Telemetry, Watchdog, Webhooks, keep_breakers, restore_breakers, restore_budgets,
};
use crate::store::{Store, StoreError};
use crate::telemetry::LogFormat;
use crate::upstream::{Endpoints, Fetch};
use crate::{admin, keeping};

/// Most attempts Pingora allows for one request. The plan ends earlier by itself; what comes on top
/// are repetitions on dead kept-alive connections.
const MAX_TRIES: usize = 64;

/// Kept-alive connections to providers, all together.
const UPSTREAM_POOL: usize = 1024;

/// The variable in which systemd says which run of which unit a process belongs to.
const INVOCATION: &str = "INVOCATION_ID";

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
    predecessor: Option<Predecessor>,
    keeps: Keeps,
}

impl App {
    /// Compiles the configuration and builds the parts. Without a log format there is no access log.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration.
    pub fn build(source: Source, log: Option<LogFormat>) -> Result<Self, StartError> {
        Self::build_after(None, source, log)
    }

    /// The same for a process that takes the place of the one that serves from the same data directory, if
    /// there is one.
    ///
    /// # Errors
    ///
    /// Also why that one does not hand over.
    pub fn take_over(source: Source, log: Option<LogFormat>) -> Result<Self, StartError> {
        let folder = source.server_settings()?.data_dir;
        let predecessor = Predecessor::find(&folder, source.variable(INVOCATION))?;
        Self::build_after(Some(predecessor), source, log)
    }

    /// `predecessor` is `None` unless one was looked for.
    fn build_after(
        predecessor: Option<Option<Predecessor>>,
        mut source: Source,
        log: Option<LogFormat>,
    ) -> Result<Self, StartError> {
        let clock = source.clock.clone();
        let (keeps, kept_key) = (source.keeps, source.envelope_key.clone());
        let (metrics, state) = (metrics()?, Arc::new(SharedState::default()));
        let watch = source.file().and_then(watch);
        let data_dir = source.server_settings()?.data_dir;
        let refused = |error: StoreError| StartError::Refused(error.to_string());
        let store = opened(&source, &data_dir, predecessor.is_some()).map_err(refused).map(Some)?;
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
            otel: otel(&metrics, &clock)?,
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
            leaving: Leaving::default(),
        });
        let predecessor = predecessor.flatten();
        let administration = parts;
        Ok(Self { shared, store, administration, retention_days, watch, predecessor, keeps })
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
        proxy.server_options = Some(http_options());
        proxy.h2_options = Some(h2_options());
        proxy
    }

    /// Adds the listeners to a server, on sockets that are open.
    fn listen(&self, server: &mut Server, addresses: &Addresses, opened: &Openings) {
        let conf = Arc::clone(&server.configuration);
        let side = if addresses.admin.is_some() { Side::Calls } else { Side::Both };
        let mut gateway = Service::new("gateway".to_owned(), self.door(&conf, side));
        let has_tls = self.shared.live.load().server.tls.is_some();
        for address in &addresses.listen {
            gateway.add_listener(endpoint(*address, has_tls));
        }
        gateway.threads = Some(conf.threads);
        server.add_service(opened.of(gateway));
        if let Some(address) = addresses.admin {
            let door = self.door(&conf, Side::Administration);
            let mut service = Service::new("administration".to_owned(), door);
            service.add_listener(endpoint(address, has_tls));
            server.add_service(opened.of(service));
        }
        if let Some(address) = addresses.exposed {
            let exposition = Exposition { shared: Arc::clone(&self.shared) };
            let app = self.before(HttpServer::new_app(exposition), None);
            let mut service = Service::new("metrics".to_owned(), app);
            service.add_listener(endpoint(address, false));
            server.add_service(opened.of(service));
        }
    }

    /// Runs until a signal ends it, or until another process has taken its place.
    ///
    /// # Errors
    ///
    /// [`StartError::Refused`] if an address cannot be listened on.
    pub fn run(mut self, extras: Extras) -> Result<(), StartError> {
        let settings = self.shared.live.load().server.clone();
        self.read_certificate()?;
        self.warn_of_files();
        let mut brought = activated();
        brought.extend(self.predecessor.iter_mut().flat_map(Predecessor::sockets));
        let sockets = Arc::new(Sockets::open(&Addresses::asked(&settings), brought)?);
        let (closing, closed) = watch::channel(false);
        let addresses = Addresses::of(&settings, sockets.addresses());

        let mut server = Server::new_with_opt_and_conf(None, server_conf(&settings));
        server.bootstrap();
        self.listen(&mut server, &addresses, &Openings { sockets: Arc::clone(&sockets), closed });
        let hearing = Arc::<Hearing>::default();
        self.beside(&mut server, &settings, (addresses.listen.first().copied(), &hearing));
        if let Some(running) = extras.sim {
            let simulated = Simulated { running: Mutex::new(Some(running)) };
            server.add_service(background_service("simulator", simulated));
        }
        let parting = Arc::new(Parting::default());
        let shared = Arc::clone(&self.shared);
        let patience = settings.drain;
        let drain =
            Drain { shared, patience, sockets, closing, parting, hearing: Arc::clone(&hearing) };
        let places = Mutex::new((self.inherit(), self.offer(&settings, &drain)));
        let login = Arc::clone(&self.administration.login);
        let (shared, words) = (Arc::clone(&self.shared), extras.words);
        let certificates = Arc::clone(&self.shared.certificates);
        let Addresses { listen, admin, .. } = addresses;
        let announce =
            Announce { listen, admin, certificates, login, places, shared, hearing, words };
        server.add_service(background_service("announce", announce));
        server.run(RunArgs { shutdown_signal: Box::new(drain) });
        self.tidy(&settings);
        Ok(())
    }

    /// Adds what runs beside the requests.
    fn beside(
        &mut self,
        server: &mut Server,
        settings: &Settings,
        (listen, hearing): (Option<SocketAddr>, &Arc<Hearing>),
    ) {
        let shared = || Arc::clone(&self.shared);
        let (watch, hearing) = (Mutex::new(self.watch.take()), Arc::clone(hearing));
        let reload = Reload { shared: shared(), watch, hearing };
        server.add_service(background_service("reload", reload));
        let breakers = Breakers { shared: shared(), folder: settings.data_dir.clone() };
        server.add_service(background_service("breakers", breakers));
        if let Some(store) = &self.store {
            let (store, clock) = (store.clone(), self.shared.clock.clone());
            let live = Arc::clone(&self.shared.live);
            let bodies = Bodies { store: store.clone(), live, clock: clock.clone() };
            server.add_service(background_service("bodies", bodies));
            let retention = Retention { store, days: self.retention_days, clock };
            server.add_service(background_service("retention", retention));
        }
        let watchdog = Watchdog { shared: shared(), listen };
        server.add_service(background_service("watchdog", watchdog));
        let notices = Arc::clone(&self.shared.state.notices);
        let fetch = Arc::clone(&self.administration.fetch);
        let exporter = Exporter::new(Arc::clone(&fetch));
        let telemetry = Telemetry { shared: shared(), exporter };
        server.add_service(background_service("telemetry", telemetry));
        server.add_service(background_service("webhooks", Webhooks { notices, fetch }));
        if settings.tls.is_some() {
            let live = Arc::clone(&self.shared.live);
            let login = Arc::clone(&self.administration.login);
            let certificates = Arc::clone(&self.shared.certificates);
            let certify = Certify { live, certificates, login };
            server.add_service(background_service("certificate", certify));
        }
    }

    /// Takes over from the process before this one what may be spent of budgets.
    fn inherit(&mut self) -> Option<Predecessor> {
        let mut predecessor = self.predecessor.take()?;
        match predecessor.cut() {
            Ok(purses) => {
                self.shared.state.ledger.take(&purses, self.shared.clock.timestamp());
                self.shared.leaving.follows(true);
                Some(predecessor)
            }
            // What it had recorded is known; what it had not is lost, as when any gateway dies.
            Err(error) => {
                tracing::warn!(%error, "the gateway before this one ended early");
                self.store.iter().for_each(Store::take_in);
                None
            }
        }
    }

    /// Makes the offer to take the place of this process; none if it keeps nothing.
    fn offer(&self, settings: &Settings, drain: &Drain) -> Option<Offer> {
        (self.keeps == Keeps::InDataDir).then(|| Offer {
            shared: Arc::clone(&self.shared),
            sockets: Arc::clone(&drain.sockets),
            closing: drain.closing.clone(),
            folder: settings.data_dir.clone(),
            invocation: self.shared.live.source().variable(INVOCATION),
            parting: Arc::clone(&drain.parting),
        })
    }

    /// Writes down what is to be known after the end.
    fn tidy(&self, settings: &Settings) {
        self.administration.login.console.close();
        self.shared.access_log.flush();
        if !self.shared.leaving.has_moved() {
            keep_breakers(&settings.data_dir, &self.shared);
        }
        if let Some(store) = &self.store {
            store.close();
        }
    }
}

fn metrics() -> Result<Arc<Metrics>, StartError> {
    let made = Metrics::new().map(Arc::new);
    made.map_err(|error| StartError::Refused(format!("metrics cannot be made: {error}")))
}

fn otel(metrics: &Metrics, clock: &Clock) -> Result<Otel, StartError> {
    let made = Otel::new(metrics.otel_dropped(), clock);
    made.map_err(|error| StartError::Refused(format!("metrics cannot be made: {error}")))
}

/// Opens what is kept; `waits`: until the process that has it lends it.
fn opened(source: &Source, folder: &Path, waits: bool) -> Result<Store, StoreError> {
    let open = || keeping::store(source.keeps, folder, &|name| source.variable(name));
    if waits { patiently(open) } else { open() }
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

/// Makes the machine's clock; here so that nothing else needs to know there is another.
pub fn clock() -> Clock {
    Clock::system()
}
