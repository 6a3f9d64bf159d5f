//! A periodic timer of the kernel.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::net::unix::pipe;

use crate::Failure;

/// Ticks in a fixed interval, which Tokio's timers with their resolution of a millisecond cannot
/// provide.
#[derive(Debug)]
pub(crate) struct Ticks {
    timer: TimerFd,
    /// The same timer. Tokio reads it like a pipe.
    readable: pipe::Receiver,
}

impl Ticks {
    /// Creates a timer that does not tick.
    pub(crate) fn new() -> Result<Self, Failure> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK)?;
        let readable =
            pipe::Receiver::from_owned_fd_unchecked(timer.as_fd().try_clone_to_owned()?)?;
        Ok(Self { timer, readable })
    }

    /// Starts or restarts the interval.
    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        let interval = Expiration::Interval(TimeSpec::from_duration(TICK));
        Ok(self.timer.set(interval, TimerSetTimeFlags::empty())?)
    }

    /// Stops ticking.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        Ok(self.timer.unset()?)
    }

    /// Waits for a tick. Those that have been missed count as one.
    pub(crate) async fn next(&mut self) -> Result<(), Failure> {
        loop {
            match self.readable.try_read(&mut [0; 8]) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable.readable().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Discards ticks that have passed, on a thread that waits for the file without Tokio. Tokio
    /// would not read it before it has itself seen that it is readable.
    pub(crate) fn discard(&mut self) -> Result<(), Failure> {
        match self.timer.wait() {
            Ok(()) | Err(Errno::EAGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Ticks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

/// The interval.
pub(crate) const TICK: Duration = Duration::from_micros(100);
