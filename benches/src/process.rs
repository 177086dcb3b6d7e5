//! A process under test: started, waited for, looked at from outside, and ended with its handle.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::clock;
use crate::cpu::CpuReading;
use crate::failure::Failure;
use crate::http1;

/// Longest wait until a process serves.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How often a starting process is asked whether it serves: the resolution of the start time.
const POLL: Duration = Duration::from_millis(1);

/// When a process counts as started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// It accepts connections.
    Accepts,
    /// The same, but it needs longer for that than others may.
    AcceptsWithin(Duration),
    /// It answers a GET of this path with 200.
    Answers(&'static str),
}

impl Ready {
    const fn limit(self) -> Duration {
        match self {
            Self::Accepts | Self::Answers(_) => START_LIMIT,
            Self::AcceptsWithin(limit) => limit,
        }
    }
}

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts a process and waits until it serves. Returns the time from before the start to the first
    /// success, in steps of a millisecond.
    ///
    /// # Errors
    ///
    /// If it cannot be started, ends by itself, or does not serve in time: ten seconds, if nothing else is said.
    pub(crate) async fn start(
        name: &'static str,
        command: &mut Command,
        address: SocketAddr,
        ready: Ready,
    ) -> Result<(Self, Duration), Failure> {
        let begun = clock::now();
        let child = command.spawn().map_err(Failure::system(format!("cannot start {name}")))?;
        let mut process = Self { name, address, child };
        while !process.is_ready(ready).await {
            let waited = clock::now() - begun;
            let ended = process.child.try_wait().map_err(Failure::system("cannot wait"))?;
            if let Some(status) = ended {
                return Err(Failure::Process(format!("{name} ended at its start: {status}")));
            }
            if waited > ready.limit() {
                return Err(Failure::Process(format!("{name} does not serve after {waited:?}")));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok((process, clock::now() - begun))
    }

    /// Returns where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the processor time it has used so far.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub(crate) fn cpu(&self) -> Result<CpuReading, Failure> {
        let what = format!("cannot read the processor time of {}", self.name);
        CpuReading::of(self.child.id()).map_err(Failure::system(what))
    }

    /// Reads its resident memory, in bytes.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Failure> {
        let what = format!("cannot read the memory of {}", self.name);
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        status.and_then(|text| resident_bytes(&text)).map_err(Failure::system(what))
    }

    async fn is_ready(&self, ready: Ready) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return false };
        let Ready::Answers(path) = ready else { return true };
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench.test\r\n\r\n");
        if stream.write_all(request.as_bytes()).await.is_err() {
            return false;
        }
        let (mut reader, mut line) = (BufReader::new(stream), Vec::new());
        let head = http1::read_head(&mut reader, &mut line);
        let head = tokio::time::timeout(START_LIMIT, head).await;
        matches!(head, Ok(Ok(head)) if head.status == 200)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what is wanted.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Starts a hidden command of this program. It ends by itself when this process is gone, because then its
/// standard input ends.
///
/// # Errors
///
/// If it does not start.
pub(crate) async fn own(name: &'static str, arguments: &[&str]) -> Result<Process, Failure> {
    let program = std::env::current_exe().map_err(Failure::system("where is this program"))?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command.args([name, "--listen", &address.to_string()]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    Ok(Process::start(name, &mut command, address, Ready::Accepts).await?.0)
}

/// Finds a free port of loopback.
///
/// # Errors
///
/// If there is none.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(Failure::system("cannot listen on loopback"))
}

/// Reads `VmRSS` of `/proc/PID/status`, which is in KiB (proc(5)).
fn resident_bytes(status: &str) -> io::Result<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = value.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("there is no VmRSS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t  9000 kB\nVmRSS:\t   8196 kB\nRssAnon:\t 1 kB\n";

        assert_eq!(resident_bytes(status).unwrap(), 8_196 * 1_024);
        assert!(resident_bytes("Name:\tx\n").is_err());
    }

    #[tokio::test]
    async fn a_process_that_ends_at_its_start_is_reported() {
        let address = free_address().unwrap();

        let started =
            Process::start("false", &mut Command::new("false"), address, Ready::Accepts).await;

        let message = started.unwrap_err().to_string();
        assert!(message.contains("false ended at its start"), "{message}");
    }
}
