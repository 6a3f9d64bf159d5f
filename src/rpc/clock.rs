//! Schedules the search for expired calls.

use std::time::Duration;

use tokio::time::Instant;

/// One alarm for all calls. It fires at the earliest deadline known when it was last set; all calls
/// are then searched. Calls usually end long before their deadlines, so that a search is rare and a
/// call costs one comparison.
#[derive(Debug, Default)]
pub(super) struct Clock {
    rings: Option<Instant>,
}

impl Clock {
    /// Sets the alarm to a deadline, unless it fires earlier already. Returns whether it was
    /// changed.
    #[inline]
    pub(super) fn add(&mut self, deadline: Option<Instant>) -> bool {
        let Some(deadline) = deadline else { return false };
        if self.rings.is_some_and(|rings| rings <= deadline) {
            return false;
        }
        self.rings = Some(deadline);
        true
    }

    /// Returns whether the alarm has fired.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.rings.is_some_and(|rings| rings <= now)
    }

    /// Sets the alarm to the earliest deadline after a search of `calls` slots. A minimum pause, in
    /// proportion to `calls`, keeps the time spent on searches small.
    pub(super) fn set(&mut self, now: Instant, earliest: Option<Instant>, calls: usize) {
        let pause = TICK * u32::try_from(1 + calls / CALLS_PER_TICK).unwrap_or(u32::MAX);
        self.rings = earliest.map(|earliest| earliest.max(now + pause));
    }

    /// Returns the time at which the alarm fires.
    pub(super) const fn rings(&self) -> Option<Instant> {
        self.rings
    }
}

/// The resolution of Tokio's timers.
const TICK: Duration = Duration::from_millis(1);

/// The number of slots for each tick of pause. Searching this many takes about 30 µs.
const CALLS_PER_TICK: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_fires_at_the_earliest_deadline_with_a_minimum_pause() {
        let now = Instant::now();
        let after = |millis| Some(now + Duration::from_millis(millis));
        let mut clock = Clock::default();
        assert!(!clock.add(None));
        assert!(clock.add(after(20)));
        assert!(!clock.add(after(30)));
        assert!(clock.add(after(10)));
        assert!(!clock.is_due(now) && clock.is_due(now + Duration::from_millis(10)));
        clock.set(now, after(0), 35_000);
        assert_eq!(clock.rings(), after(4));
    }
}
