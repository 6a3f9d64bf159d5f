//! When to look for calls whose time is over.

use std::time::Duration;

use tokio::time::Instant;

/// One clock for all calls. It rings at the earliest deadline that there was when it was last set; then
/// all calls are looked at. As calls end long before their deadlines as a rule, that is rare, and a call
/// costs one comparison.
#[derive(Debug, Default)]
pub(super) struct Clock {
    rings: Option<Instant>,
}

impl Clock {
    /// Sees to it that it rings at a deadline; tells whether that is earlier than it would have.
    #[inline]
    pub(super) fn add(&mut self, deadline: Option<Instant>) -> bool {
        let Some(deadline) = deadline else { return false };
        if self.rings.is_some_and(|rings| rings <= deadline) {
            return false;
        }
        self.rings = Some(deadline);
        true
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.rings.is_some_and(|rings| rings <= now)
    }

    /// Sets it to the earliest deadline, after `calls` have been looked at: not before so long that
    /// looking takes a small part of the time.
    pub(super) fn set(&mut self, now: Instant, earliest: Option<Instant>, calls: usize) {
        let pause = TICK * u32::try_from(1 + calls / CALLS_PER_TICK).unwrap_or(u32::MAX);
        self.rings = earliest.map(|earliest| earliest.max(now + pause));
    }

    pub(super) const fn rings(&self) -> Option<Instant> {
        self.rings
    }
}

/// What Tokio's timers know.
const TICK: Duration = Duration::from_millis(1);

/// It takes some 30 µs to look at so many.
const CALLS_PER_TICK: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rings_at_the_earliest_deadline_and_not_all_the_time() {
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
