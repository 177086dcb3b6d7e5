//! The provider behind every proxy: the simulator, in a process of its own.

use std::net::SocketAddr;

use omniroute_sim::Sim;

use crate::failure::Failure;

/// Serves until the process is ended.
///
/// # Errors
///
/// If the address cannot be listened on.
pub(crate) fn serve(listen: SocketAddr) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::system("cannot start"))?;
    let _running = runtime
        .block_on(Sim::new().bind(listen))
        .map_err(Failure::system(format!("cannot listen on {listen}")))?;
    runtime.block_on(std::future::pending())
}
