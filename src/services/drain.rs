//! How a stopping process ends: what it began is finished, nothing new is begun.
//!
//! Where another process has taken the place of this one, it serves what comes over the connections it
//! still has, and leaves once nothing has come for a moment.
//!
//! After SIGTERM the listeners are closed, new requests over open connections get a 503 that says to try
//! again, and the process leaves as soon as the last answer is complete. When `server.drain` is over, or at
//! once after SIGINT or a second SIGTERM, what still runs is ended with its format's error.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::Hearing;
use crate::handover::{Parting, Sockets, manager};
use crate::proxy::Shared;

/// How often it is looked whether the last answer is complete.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// After another process has taken over: how long nothing may have run before the process leaves. Clients
/// that use a connection more often than that have been told to make a new one.
const QUIET: Duration = Duration::from_secs(1);

/// How long what is ended may take to say so to its client.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What comes after all that: records are committed, files closed.
const TIDYING: Duration = Duration::from_secs(10);

/// Longest wait for the spans of the last requests to be sent: a collector that hangs must not hold up an
/// end that the operator waits for. One that lives takes them in milliseconds.
const LAST_SPANS: Duration = Duration::from_secs(1);

/// Ends the process in an orderly way.
pub struct Drain {
    /// Knows what is running.
    pub shared: Arc<Shared>,
    /// How long to wait for it.
    pub patience: Duration,
    /// What is listened on.
    pub sockets: Arc<Sockets>,
    /// Has the listeners closed.
    pub closing: watch::Sender<bool>,
    /// Says that another process has taken the place of this one, and hears that nothing runs any more.
    pub parting: Arc<Parting>,
    /// Learns that signals are heard.
    pub hearing: Arc<Hearing>,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
}

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let Some(mut signals) = Signals::listen() else { return ShutdownSignal::FastShutdown };
        self.hearing.begins();
        let signal = tokio::select! {
            may_finish = signals.first() => Some(may_finish),
            () = self.parting.taken() => self.run_dry(&mut signals).await,
        };
        if let Some(may_finish) = signal {
            self.stop(may_finish, &mut signals).await;
        }
        self.cut().await;
        if self.shared.leaving.has_moved() {
            self.part().await;
        }
        let lost = self.shared.otel.flush(self.patience.min(LAST_SPANS)).await;
        if lost > 0 {
            tracing::warn!(
                lost,
                "spans of the last requests are lost: the collector did not take them"
            );
        }
        ShutdownSignal::FastShutdown
    }
}

impl Drain {
    /// Takes nothing new, and waits for what is running if it may finish.
    async fn stop(&self, may_finish: bool, signals: &mut Signals) {
        self.close();
        let running = self.shared.metrics.in_flight();
        let patience = if may_finish { self.patience } else { Duration::ZERO };
        // Where another process has taken over, the manager watches that one.
        if !self.shared.leaving.has_moved() {
            let status = format!("stopping: {running} requests are running");
            manager::stopping(&status, patience + LAST_WORDS + TIDYING);
        }
        if may_finish {
            tracing::info!(running, "stopping: finishing what is running");
            self.finish(signals).await;
        }
    }

    /// Serves old connections until they are used no more; `None` if that came about, else what a signal
    /// said meanwhile.
    async fn run_dry(&self, signals: &mut Signals) -> Option<bool> {
        tracing::info!(
            running = self.shared.metrics.in_flight(),
            "another process has taken over: finishing what is running"
        );
        tokio::select! {
            may_finish = signals.first() => return Some(may_finish),
            () = self.quiet() => {}
            () = tokio::time::sleep(self.patience) => {
                let cut = self.shared.metrics.in_flight();
                tracing::warn!(cut, "server.drain is over; ending what is still running");
            }
        }
        None
    }

    /// Waits for a moment until the process that took over knows that nothing runs here any more. What it
    /// does not hear of it counts as spent.
    async fn part(&self) {
        self.parting.over();
        let told = async {
            while !self.parting.is_told() {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        let _in_time = tokio::time::timeout(LAST_WORDS, told).await;
    }

    /// Returns once nothing has run for a while, here or in the process before this one.
    async fn quiet(&self) {
        let (looks, mut still) = (QUIET.as_millis() / BETWEEN_LOOKS.as_millis(), 0);
        while still < looks || self.shared.leaving.has_predecessor() {
            still = if self.shared.metrics.in_flight() > 0 { 0 } else { still + 1 };
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Takes nothing new.
    fn close(&self) {
        self.shared.leaving.drain();
        self.shared.metrics.draining();
        self.closing.send_replace(true);
        self.sockets.close();
    }

    /// Waits for what is running, until somebody or the time says that it is enough.
    async fn finish(&self, signals: &mut Signals) {
        tokio::select! {
            _ = signals.first() => {}
            () = self.idle() => {}
            () = tokio::time::sleep(self.patience) => {
                let cut = self.shared.metrics.in_flight();
                tracing::warn!(cut, "server.drain is over; ending what is still running");
            }
        }
    }

    /// Ends what is still running, and waits for a moment until it has told its clients.
    async fn cut(&self) {
        self.shared.leaving.cut();
        // Who does not read by then does not hear it.
        let _all_told = tokio::time::timeout(LAST_WORDS, self.idle()).await;
    }

    async fn idle(&self) {
        while self.shared.metrics.in_flight() > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

impl Signals {
    fn listen() -> Option<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Some(Self {
            terminate: listen(terminate)?,
            interrupt: listen(interrupt)?,
            quit: listen(SignalKind::quit())?,
        })
    }

    /// Waits for a signal; tells whether it lets what runs finish.
    async fn first(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => false,
            _ = self.quit.recv() => false,
        }
    }
}

fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::error!(%error, "a signal cannot be received")).ok()
}
