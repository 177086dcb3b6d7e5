//! Clients that do not read while the process ends: they are left, so that what they had is recorded in time.

use std::time::Duration;

use super::fault;
use crate::leaving::{Cut, Leaving};

/// How long a client may take to read what is on its way to it, and then what it is told last, once all that
/// runs is ended. The process waits for a second ([`Drain`](crate::services::Drain)).
pub const LAST_WORDS: Duration = Duration::from_millis(300);

/// Writes to a client; leaves it if it does not read although all that runs is ended.
///
/// # Errors
///
/// The write's own; or that the client is gone. Half a piece may be on its way then, so that nothing can be said
/// behind it.
pub async fn in_time<T>(
    write: impl Future<Output = pingora::Result<T>>,
    (leaving, cut): (&Leaving, &mut Cut),
) -> pingora::Result<T> {
    tokio::select! {
        biased;
        written = write => written,
        () = cut.wait_past(leaving, LAST_WORDS) => Err(fault::client_left()),
    }
}
