//! The planned times of requests.

use std::time::{Duration, Instant};

use crate::ticks::TICK;

/// Requests at a fixed rate, each planned for the next tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Instant,
    /// Requests per second, or zero if all are due at the start.
    rate: u64,
    count: u64,
}

impl Schedule {
    /// Plans requests, of which the first is due now.
    pub(crate) fn new(rate: u64, count: u64) -> Self {
        Self { start: Instant::now(), rate, count }
    }

    /// Starts with the first request.
    pub(crate) fn start(&mut self) {
        self.start = Instant::now();
    }

    /// Returns the time since the start in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Returns the planned time of a request.
    pub(crate) fn due(&self, number: u64) -> u64 {
        let tick = TICK.as_nanos() as u64;
        match self.rate {
            0 => 0,
            rate => (number * SECOND).div_ceil(rate * tick) * tick,
        }
    }

    /// Returns the time by which all replies must have arrived for the rate to be sustained.
    pub(crate) fn end(&self) -> u64 {
        self.last_due() + GRACE.as_nanos() as u64
    }

    /// Returns the planned time of the last request.
    pub(crate) fn last_due(&self) -> u64 {
        self.due(self.count.saturating_sub(1))
    }
}

const SECOND: u64 = 1_000_000_000;

/// The delay of the last reply that is not yet a backlog.
const GRACE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_planned_for_the_next_tick() {
        let schedule = Schedule::new(30_000, 10);
        let due: Vec<_> = (0..7).map(|number| schedule.due(number) / 1_000).collect();
        assert_eq!(due, [0, 100, 100, 100, 200, 200, 200]);
    }

    #[test]
    fn without_a_rate_all_requests_are_due() {
        assert_eq!(Schedule::new(0, 10).due(9), 0);
    }
}
