//! The process whose place this one takes.
//!
//! It lends its database and passes its sockets on at once, and serves until this process does. What it
//! still finishes after that it records in files beside the database, which are taken in as they come, and
//! what it spends of budgets it tells.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use omniroute_core::budget::Given;

use super::line::{Heard, Line, PROTOCOL, Word, gone, unexpected};
use super::offer;
use crate::app::StartError;
use crate::proxy::Shared;
use crate::store::StoreError;

/// How often files beside the database are looked for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Between two tries to open a database that another process is about to close, and how many there are.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
const TRIES: usize = 750;

/// The process whose place this one takes.
pub struct Predecessor {
    line: Line,
    sockets: Vec<TcpListener>,
}

impl Predecessor {
    /// Finds the process that serves from a data directory, and has it begin to hand over; `None` if there
    /// is none, or it is about to end.
    ///
    /// # Errors
    ///
    /// Why it does not hand over.
    pub fn find(folder: &Path, invocation: Option<String>) -> Result<Option<Self>, StartError> {
        let stream = match UnixStream::connect(folder.join(offer::FILE)) {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => return Ok(None),
            Err(error) => return Err(refused(&error)),
        };
        let mut line = Line::over(stream);
        let hello = Word::Hello { protocol: PROTOCOL, pid: std::process::id(), invocation };
        let sockets = match line.say(&hello).and_then(|()| line.take()) {
            Err(error)
                if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
            {
                None
            }
            taken => taken.map_err(|error| refused(&error))?,
        };
        if sockets.is_none() {
            tracing::info!(
                "the running gateway is ending, or does not hand over; waiting for its end"
            );
        }
        Ok(sockets.map(|sockets| Self { line, sockets }))
    }

    /// Returns the sockets it listened on.
    pub fn sockets(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.sockets)
    }

    /// Takes over what may be spent of budgets. Whoever does that serves right afterwards: the old process
    /// has little of them left.
    ///
    /// # Errors
    ///
    /// That it has gone. Then nothing of it is to be waited for.
    pub fn cut(&mut self) -> io::Result<BTreeMap<String, Given>> {
        self.line.say(&Word::Cut)?;
        match self.line.hear(None)? {
            Heard::Word(Word::Ledger { purses }) => Ok(purses),
            Heard::Word(other) => Err(unexpected(&other)),
            Heard::Nothing | Heard::Gone => Err(gone()),
        }
    }

    /// Has it stop to take connections. Returns when it has, or has gone.
    pub fn relieve(&mut self) {
        let relieved = self.line.say(&Word::Serving);
        match relieved.and_then(|()| self.line.expect(&Word::Closed, None)) {
            Ok(()) => tracing::info!("the place of the running gateway is taken"),
            Err(error) => tracing::warn!(%error, "the gateway before this one ended early"),
        }
    }

    /// Follows what it finishes, on a thread of its own, until it has gone.
    ///
    /// # Errors
    ///
    /// The system's, if there can be no thread.
    pub fn follow(mut self, shared: Arc<Shared>) -> io::Result<()> {
        let follow = move || {
            let ledger = &shared.state.ledger;
            let mut looked = shared.clock.now();
            loop {
                // Words come more often than that as long as calls end there.
                let since = shared.clock.now().saturating_duration_since(looked);
                if since >= BETWEEN_LOOKS {
                    take_in(&shared);
                    looked = shared.clock.now();
                }
                match self.line.hear(Some(BETWEEN_LOOKS)) {
                    Ok(Heard::Word(Word::Told { purses })) => {
                        ledger.hear(&purses, shared.clock.timestamp());
                    }
                    Ok(Heard::Nothing) => {}
                    Ok(Heard::Word(_) | Heard::Gone) | Err(_) => break,
                }
            }
            take_in(&shared);
            ledger.write_off(shared.clock.timestamp());
            shared.leaving.follows(false);
            tracing::info!("the gateway before this one has ended");
        };
        thread::Builder::new().name("predecessor".to_owned()).spawn(follow).map(drop)
    }
}

/// Opens a database that another process may be about to close.
///
/// # Errors
///
/// As opening does; [`StoreError::InUse`] only after a while.
pub fn patiently<T>(mut open: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..TRIES {
        match open() {
            Err(StoreError::InUse { .. }) => thread::park_timeout(BETWEEN_TRIES),
            opened => return opened,
        }
    }
    open()
}

fn take_in(shared: &Shared) {
    if let Some(store) = &shared.store {
        store.take_in();
    }
}

/// Tells whether nobody waits for a successor there: no file, or one that was left behind.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn refused(error: &io::Error) -> StartError {
    StartError::Refused(format!(
        "the running gateway does not hand over: {error}; stop it and start this one without --upgrade"
    ))
}
