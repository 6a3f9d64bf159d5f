//! The delay between attempts to connect.

use std::time::Duration;

/// Delays that double from attempt to attempt, up to a limit, with a random part, so that the
/// clients of a restarted server do not all reconnect simultaneously.
#[derive(Debug)]
pub(super) struct Backoff {
    interval: Duration,
    max: Duration,
    /// The number of failed attempts and useless connections since the last success.
    failures: u32,
}

impl Backoff {
    pub(super) fn new(interval: Duration, max: Duration) -> Self {
        let interval = interval.max(SHORTEST);
        Self { interval, max: max.max(interval), failures: 0 }
    }

    /// Returns the delay after one more failure: between half of the interval and the whole
    /// interval, depending on `random`, which is between 0 and 1.
    pub(super) fn after_failure(&mut self, random: f64) -> Duration {
        let doubled = 2_u32.checked_pow(self.failures).and_then(|by| self.interval.checked_mul(by));
        self.failures = self.failures.saturating_add(1);
        jittered(doubled.map_or(self.max, |doubled| doubled.min(self.max)), random)
    }

    /// Returns the delay before an attempt of another kind, which does not count as one more failure.
    pub(super) fn shortest(&self, random: f64) -> Duration {
        jittered(self.interval, random)
    }

    /// Returns the delay if another attempt is unlikely to succeed.
    pub(super) fn longest(&self, random: f64) -> Duration {
        jittered(self.max, random)
    }

    /// Records that a connection has ended. The delays are reset if it `was_useful` (a message of
    /// this socket was written completely, and the remote interrupted no later one), or if it has
    /// lasted. Neither a completed handshake nor messages from the remote suffice: a remote that
    /// refuses every message can do both at no cost, and this socket would connect at the highest
    /// rate indefinitely. Each reset costs a message, so the application's own rate limits the
    /// resets.
    pub(super) fn handle_connection(&mut self, was_useful: bool, lasted: Duration) {
        if was_useful || lasted >= self.max.min(LASTING) {
            self.reset();
        }
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

fn jittered(interval: Duration, random: f64) -> Duration {
    let half = interval / 2;
    half + half.mul_f64(random)
}

/// A connection of this age was useful, even without traffic.
const LASTING: Duration = Duration::from_secs(10);

/// Without a listener on this machine, an attempt fails immediately. Attempts without a delay would
/// use a whole core.
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit_until_reset() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(500));
        let delays: Vec<_> = (0..5).map(|_| backoff.after_failure(1.0).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 500, 500]);
        backoff.handle_connection(true, Duration::ZERO);
        assert_eq!(backoff.after_failure(1.0), Duration::from_millis(100));
    }

    #[test]
    fn a_useless_connection_counts_as_a_failure() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(60));
        let delays: Vec<_> = [0, 1, 9, 10, 0]
            .map(|seconds| {
                backoff.handle_connection(false, Duration::from_secs(seconds));
                backoff.after_failure(1.0).as_millis()
            })
            .into();
        assert_eq!(delays, [100, 200, 400, 100, 200]);
    }

    #[test]
    fn up_to_half_of_a_delay_is_random() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(100));
        assert_eq!(backoff.after_failure(0.0), Duration::from_millis(50));
        assert_eq!(backoff.after_failure(0.5), Duration::from_millis(75));
    }

    #[test]
    fn years_of_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::ZERO, Duration::MAX);
        backoff.failures = u32::MAX;
        assert!(backoff.after_failure(0.0) > Duration::from_secs(1));
        assert!(backoff.longest(1.0) > Duration::from_secs(1));
    }
}
