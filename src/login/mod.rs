//! Who may administrate by hand: one password, and sessions for whoever has given it.

mod console;
mod password;
mod session;
mod setup;

use std::path::Path;
use std::time::SystemTime;

pub use console::{Console, Entrance};
pub use password::{Fingerprint, Password, PasswordError};
pub use session::{LIFE, Session, SessionHash, Sessions, Used};
pub use setup::SetupToken;

/// The login of one data directory.
pub struct Login {
    /// The password.
    pub password: Password,
    /// Who is logged in.
    pub sessions: Sessions,
    /// What sets the first password.
    pub setup: SetupToken,
    /// The way in for the command line.
    pub console: Console,
    /// Whether cookies are for HTTPS only (`AUTH_COOKIE_SECURE`).
    pub secure_cookie: bool,
}

impl Login {
    /// Opens the login of a data directory. `initial` is the password of a first start
    /// (`INITIAL_PASSWORD`); without one a token is made with which it can be set.
    ///
    /// # Errors
    ///
    /// That the initial password is too easy to guess. Where nothing can be kept there is no login, and a
    /// warning says so.
    pub fn open(
        folder: &Path,
        kept: Vec<(SessionHash, Session)>,
        initial: Option<&str>,
        secure_cookie: bool,
    ) -> Result<Self, PasswordError> {
        let password = Password::in_folder(folder);
        let is_new = password.fingerprint().is_none();
        if let Some(initial) = initial.filter(|_| is_new) {
            match password.set(initial) {
                Err(error @ PasswordError::Weak(_)) => return Err(error),
                Err(error) => tracing::warn!(%error, "there is no login"),
                Ok(()) => tracing::info!("the password of INITIAL_PASSWORD is set"),
            }
        }
        let setup = SetupToken::of(folder, password.fingerprint().is_none());
        let (sessions, console) = (Sessions::of(kept), Console::of(folder));
        Ok(Self { password, sessions, setup, console, secure_cookie })
    }

    /// Finds the session of a cookie, as [`Sessions::find`].
    pub fn session(&self, id: &str, now: SystemTime) -> Option<(SessionHash, Used)> {
        self.sessions.find(id, self.password.fingerprint(), now)
    }
}
