//! The load in a process of its own, so that its processor time is told apart and nothing that the driver
//! does delays a request.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::connection;
use crate::failure::Failure;
use crate::listening::listening;
use crate::load::Load;
use crate::orders::{Order, Outcome, Ran, Wire};
use crate::streams::{self, Open};

/// Takes orders until the process is ended.
///
/// # Errors
///
/// If the address cannot be listened on.
pub(crate) fn serve(listen: SocketAddr) -> Result<(), Failure> {
    connection::number_as_load();
    listening(listen, async |listener: TcpListener| {
        loop {
            let accepted = listener.accept().await.map_err(Failure::system("cannot accept"))?;
            obey(Wire::new(accepted.0)).await?;
        }
    })
}

/// Obeys one driver until it leaves.
async fn obey(mut wire: Wire) -> Result<(), Failure> {
    let mut work = Work::default();
    while let Some(order) = wire.receive().await.map_err(Failure::system("bad order"))? {
        let outcome = work.carry_out(&order).await;
        let outcome = outcome.unwrap_or_else(|failure| Outcome::Failed(failure.to_string()));
        wire.send(&outcome).await.map_err(Failure::system("the driver is gone"))?;
    }
    Ok(())
}

/// What is open between orders.
#[derive(Default)]
struct Work {
    load: Option<Load>,
    held: Vec<Open>,
}

impl Work {
    async fn carry_out(&mut self, order: &Order) -> Result<Outcome, Failure> {
        match order {
            Order::Aim(aim, connections) => {
                self.load = None;
                self.load = Some(Load::connect(aim, *connections).await?);
            }
            Order::Run(manner, time) => {
                let aimed = || Failure::Process("there is nothing to run at".to_owned());
                let sample = self.load.as_mut().ok_or_else(aimed)?.run(*manner, *time).await?;
                return Ok(Outcome::Ran(Ran::from(sample)));
            }
            Order::Hold(aim, count) => self.held = streams::hold(aim, *count).await?,
            Order::Release => self.held.clear(),
            Order::Listen(aim, wanted) => {
                let delays = streams::listen(aim, *wanted).await?;
                return Ok(Outcome::Ran(Ran::of_delays(&delays)));
            }
        }
        Ok(Outcome::Done)
    }
}
