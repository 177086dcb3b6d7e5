//! Why a measurement did not come to its end.

use std::io;
use std::path::Path;

use thiserror::Error;

/// Why a measurement did not come to its end. A number that may be wrong is never printed instead.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A process under test ended, or was not ready in time.
    #[error("{0}")]
    Process(String),
    /// An answer was not what was asked for.
    #[error("wrong answer from {from}: {what}")]
    Answer {
        /// Who answered.
        from: String,
        /// What was wrong.
        what: String,
    },
    /// Somebody ended the run.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// Says whose failure it is.
    pub(crate) fn of(subject: &str, failure: Self) -> Self {
        match failure {
            Self::Interrupted => Self::Interrupted,
            other => Self::Process(format!("{subject}: {other}")),
        }
    }

    /// Makes a closure for `map_err` that says what was tried.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what: what.into(), source }
    }

    /// The same for a file.
    pub(crate) fn file(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::system(format!("cannot {verb} {}", path.display()))
    }
}
