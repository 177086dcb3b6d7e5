//! Work that waits for a disk or compiles, away from the workers that serve.

use super::problem::Problem;

/// Runs what blocks where it may.
///
/// # Errors
///
/// What it returns.
pub(super) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Problem> + Send + 'static,
) -> Result<R, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())?
}
