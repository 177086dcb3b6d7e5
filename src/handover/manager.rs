//! Words with the service manager: the protocol of sd_notify(3), as `Type=notify-reload` wants it.
//!
//! Without `NOTIFY_SOCKET` nothing is sent. What cannot be sent is no reason not to serve.

use std::time::Duration;

use sd_notify::NotifyState;

/// The gateway serves, and this is how.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again; [`ready`] says how that ended.
pub fn reloading() {
    // The time tells the manager which of its signals this answers.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// The gateway ends within this time.
pub fn stopping(status: &str, within: Duration) {
    let microseconds = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(microseconds),
        NotifyState::Status(status),
    ]);
}

/// Another process of the same unit is the one to watch from now on.
pub fn main_process(pid: u32) {
    tell(&[NotifyState::MainPid(pid)]);
}

/// The gateway lives.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Returns how often the manager wants to hear that; `None` if it does not.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
