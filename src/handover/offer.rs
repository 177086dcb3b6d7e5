//! The offer to another process to take this one's place.
//!
//! It stands while the process serves: a socket in the data directory, for the same user. Whoever connects
//! gets the database and the listening sockets; as long as it has not said that it serves, its end changes
//! nothing here. The store is lent at the beginning and the budgets just before the end, because requests
//! are served here meanwhile.

use std::collections::BTreeMap;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io, thread};

use omniroute_core::budget::Told;
use omniroute_core::ids::ClientKeyName;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::sync::{Notify, watch};

use super::line::{Heard, Line, PROTOCOL, Word, unexpected};
use super::{Sockets, manager};
use crate::proxy::Shared;
use crate::services::keep_breakers;

/// The socket in the data directory.
pub const FILE: &str = "handover.sock";

/// How long whoever connects may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end may take when nothing runs any more.
const TIDYING: Duration = Duration::from_secs(15);

/// How long nothing is done after a fault of the system's.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// How often the new process hears what this one spends.
const BETWEEN_WORDS: Duration = Duration::from_millis(50);

/// The offer.
pub struct Offer {
    /// What is given away.
    pub shared: Arc<Shared>,
    /// What is listened on.
    pub sockets: Arc<Sockets>,
    /// Has the listeners closed.
    pub closing: watch::Sender<bool>,
    /// The data directory.
    pub folder: PathBuf,
    /// Which run of which unit this process belongs to.
    pub invocation: Option<String>,
    /// How the rest of the process hears of it.
    pub parting: Arc<Parting>,
}

/// How a process parts from the one that took its place.
#[derive(Default)]
pub struct Parting {
    taken: Notify,
    is_over: AtomicBool,
    is_told: AtomicBool,
}

impl Parting {
    /// Returns when another process has taken the place of this one.
    pub async fn taken(&self) {
        self.taken.notified().await;
    }

    /// Says that nothing runs any more.
    pub fn over(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Tells whether the other process knows that.
    pub fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Acquire)
    }
}

impl Offer {
    /// Makes the offer, on a thread of its own.
    ///
    /// # Errors
    ///
    /// The system's, if the data directory cannot hold a socket. Then nobody can take over.
    pub fn begin(self) -> io::Result<()> {
        let path = self.folder.join(FILE);
        // What an earlier process left. It has gone, or has just handed over to this one.
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let listener = UnixListener::bind(path)?;
        let wait = move || self.wait(listener);
        thread::Builder::new().name("handover".to_owned()).spawn(wait).map(drop)
    }

    fn wait(self, listener: UnixListener) {
        let mut line = loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "whoever wants to take over is not heard");
                    thread::park_timeout(AFTER_FAULT);
                    continue;
                }
            };
            match self.hand_over(stream) {
                Ok(line) => break line,
                Err(error) => {
                    tracing::warn!(%error, "another gateway wanted to take over and did not; this one stays");
                    self.take_back();
                }
            }
        };
        // The next one has to ask the process that took over.
        drop(listener);
        self.tell(&mut line);
        // The line stays open until the process has ended, its last records written.
        loop {
            thread::park();
        }
    }

    /// Gives everything away, step by step.
    fn hand_over(&self, stream: UnixStream) -> io::Result<Line> {
        let them = socket_peercred(&stream)?;
        if them.uid != geteuid() && !them.uid.is_root() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is another user's"));
        }
        let mut line = Line::over(stream);
        let (pid, invocation) = match line.hear(Some(PATIENCE))? {
            Heard::Word(Word::Hello { protocol: PROTOCOL, pid, invocation }) => (pid, invocation),
            Heard::Word(other) => return Err(unexpected(&other)),
            Heard::Nothing | Heard::Gone => return Err(io::ErrorKind::TimedOut.into()),
        };
        if self.shared.leaving.is_leaving() {
            return Err(io::Error::other("this gateway is stopping"));
        }
        tracing::info!(pid, "another gateway takes over");
        keep_breakers(&self.folder, &self.shared);
        if let Some(store) = &self.shared.store {
            store.lend().map_err(io::Error::other)?;
        }
        line.pass(&self.sockets.handles()?)?;
        line.expect(&Word::Cut, None)?;
        let snapshot = self.shared.live.load();
        let budgets = |name: &ClientKeyName| {
            let key = snapshot.client_keys.iter().find(|key| key.name == *name);
            key.map_or_else(Default::default, |key| Arc::clone(&key.budgets))
        };
        let purses = self.shared.state.ledger.give(&budgets, self.shared.clock.timestamp());
        line.say(&Word::Ledger { purses })?;
        line.expect(&Word::Serving, None)?;

        self.shared.leaving.moved();
        self.closing.send_replace(true);
        self.sockets.close();
        // It may have ended by now; then this process is all there is to finish what runs.
        drop(line.say(&Word::Closed));
        if self.invocation.is_some() && self.invocation == invocation {
            manager::main_process(pid);
        } else {
            let within = self.shared.live.load().server.drain + TIDYING;
            manager::stopping("another process has taken over; finishing what runs", within);
        }
        self.parting.taken.notify_one();
        Ok(line)
    }

    /// Keeps what nobody wanted after all.
    fn take_back(&self) {
        self.shared.state.ledger.take_back();
        if let Some(store) = &self.shared.store {
            store.take_back();
        }
    }

    /// Tells the new process what this one spends, until nothing runs any more.
    fn tell(&self, line: &mut Line) {
        let mut known: BTreeMap<String, Told> = BTreeMap::new();
        loop {
            let is_last = self.parting.is_over.load(Ordering::Acquire);
            let mut purses = self.shared.state.ledger.told(is_last);
            purses.retain(|key, told| known.get(key) != Some(told));
            known.extend(purses.iter().map(|(key, told)| (key.clone(), *told)));
            if !purses.is_empty() && line.say(&Word::Told { purses }).is_err() {
                break;
            }
            if is_last || !matches!(line.hear(Some(BETWEEN_WORDS)), Ok(Heard::Nothing)) {
                break;
            }
        }
        self.parting.is_told.store(true, Ordering::Release);
    }
}
