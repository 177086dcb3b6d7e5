//! The driver's hand on the load process.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::cpu::CpuReading;
use crate::failure::Failure;
use crate::load::Manner;
use crate::orders::{Aim, Order, Outcome, Ran, Streams, Wire};
use crate::process::{Process, own};

/// A running load process. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Loader {
    process: Process,
    wire: Wire,
}

impl Loader {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let process = own("load", &[]).await?;
        let stream = TcpStream::connect(process.address()).await;
        let wire = Wire::new(stream.map_err(Failure::system("cannot reach the load process"))?);
        Ok(Self { process, wire })
    }

    /// Has it open connections.
    ///
    /// # Errors
    ///
    /// If they are not accepted.
    pub(crate) async fn aim(&mut self, aim: &Aim, connections: usize) -> Result<(), Failure> {
        self.order(&Order::Aim(aim.clone(), connections)).await.map(|_| ())
    }

    /// Has it send requests for a time.
    ///
    /// # Errors
    ///
    /// At the first wrong answer.
    pub(crate) async fn run(&mut self, manner: Manner, time: Duration) -> Result<Ran, Failure> {
        match self.order(&Order::Run(manner, time)).await? {
            Outcome::Ran(ran) => Ok(ran),
            other => Err(unexpected(&other)),
        }
    }

    /// Has it open streams that begin and wait, until they are released.
    ///
    /// # Errors
    ///
    /// If one is refused or does not begin.
    pub(crate) async fn hold(&mut self, aim: &Aim, streams: usize) -> Result<(), Failure> {
        self.order(&Order::Hold(aim.clone(), streams)).await.map(|_| ())
    }

    /// Has it close the streams that wait.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub(crate) async fn release(&mut self) -> Result<(), Failure> {
        self.order(&Order::Release).await.map(|_| ())
    }

    /// Has it read streams of stamped events; returns how many events came, and their delays.
    ///
    /// # Errors
    ///
    /// If one is refused, breaks off or lacks events.
    pub(crate) async fn listen(&mut self, aim: &Aim, streams: Streams) -> Result<Ran, Failure> {
        match self.order(&Order::Listen(aim.clone(), streams)).await? {
            Outcome::Ran(ran) => Ok(ran),
            other => Err(unexpected(&other)),
        }
    }

    /// Reads the processor time it has used so far.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub(crate) fn cpu(&self) -> Result<CpuReading, Failure> {
        self.process.cpu()
    }

    async fn order(&mut self, order: &Order) -> Result<Outcome, Failure> {
        let lost = || Failure::system("the load process does not answer");
        self.wire.send(order).await.map_err(lost())?;
        match self.wire.receive().await.map_err(lost())? {
            Some(Outcome::Failed(what)) => Err(Failure::Process(what)),
            Some(outcome) => Ok(outcome),
            None => Err(Failure::Process("the load process has ended".to_owned())),
        }
    }
}

fn unexpected(outcome: &Outcome) -> Failure {
    Failure::Process(format!("the load process answered {outcome:?}"))
}
