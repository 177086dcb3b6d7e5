//! A process that listens and does one thing at a time.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::failure::Failure;

/// Listens, and serves until that ends.
///
/// # Errors
///
/// If the address cannot be listened on; what ended it.
pub(crate) fn listening(
    at: SocketAddr,
    serve: impl AsyncFnOnce(TcpListener) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::system("cannot start"))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(at).await;
        serve(listener.map_err(Failure::system(format!("cannot listen on {at}")))?).await
    })
}
