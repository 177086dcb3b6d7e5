//! Even times to send at, exact to some microseconds: the kernel's timer, which tokio's of a millisecond
//! is too coarse for, waited for without spinning, so that what is measured keeps its processor.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::clock;
use crate::failure::Failure;

/// A timer that fires again and again.
#[derive(Debug)]
pub(crate) struct Metronome {
    timer: AsyncFd<OwnedFd>,
    every: Duration,
    next: Instant,
}

impl Metronome {
    /// Starts it; the first time is one interval from now.
    ///
    /// # Errors
    ///
    /// If the system gives no timer.
    pub(crate) fn start(every: Duration) -> Result<Self, Failure> {
        Self::try_start(every).map_err(Failure::system("cannot set a timer"))
    }

    fn try_start(every: Duration) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let it_interval = Timespec::try_from(every).map_err(io::Error::other)?;
        let times = Itimerspec { it_interval, it_value: it_interval };
        let next = clock::now() + every;
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
        #[expect(
            deprecated,
            reason = "an owned descriptor stays what it is; the form instead is unsafe, which is forbidden"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self { timer, every, next })
    }

    /// Waits until at least one more time has come, and returns all that have; none is left out.
    ///
    /// # Errors
    ///
    /// If the timer cannot be read.
    pub(crate) async fn due(&mut self) -> Result<Vec<Instant>, Failure> {
        let beats = self.beats().await.map_err(Failure::system("cannot read a timer"))?;
        let mut due = Vec::new();
        for _ in 0..beats {
            due.push(self.next);
            self.next += self.every;
        }
        Ok(due)
    }

    /// Reads how often the timer has fired since it was last read (timerfd_create(2)).
    async fn beats(&self) -> io::Result<u64> {
        loop {
            let mut guard = self.timer.readable().await?;
            let mut count = [0; 8];
            let read = guard.try_io(|timer| Ok(rustix::io::read(timer, &mut count)?));
            if let Ok(read) = read {
                read?;
                return Ok(u64::from_ne_bytes(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_time_is_told_once_and_not_before_it_has_come() {
        let every = Duration::from_micros(300);
        let begun = clock::now();
        let mut metronome = Metronome::start(every).unwrap();

        let mut told = Vec::new();
        while told.len() < 50 {
            let due = metronome.due().await.unwrap();
            let now = clock::now();
            assert!(due.iter().all(|time| *time <= now + every), "told too early");
            told.extend(due);
        }

        assert!(told[0] >= begun + every);
        assert!(told.windows(2).all(|pair| pair[1] - pair[0] == every), "{told:?}");
    }
}
