//! When to ask for a sign of life, and when to give a remote up (RFC 37, Connection Heartbeating).

use std::time::{Duration, Instant};

use thiserror::Error;

use super::heartbeat::{Context, Ping, Pong};

/// How a connection is watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeartbeatConfig {
    /// How often to send a PING; never if there is none.
    pub(crate) interval: Option<Duration>,
    /// How long to wait after a PING for anything to arrive; as long as the interval if it is not
    /// said.
    pub(crate) timeout: Option<Duration>,
    /// How long the remote should wait for our next sign of life.
    pub(crate) ttl: Option<Duration>,
}

/// Watches one connection.
///
/// Tell it whatever arrives, and call [`handle_timeout`](Self::handle_timeout) at the time that
/// [`poll_timeout`](Self::poll_timeout) names; send what [`poll_ping`](Self::poll_ping) yields.
#[derive(Debug)]
pub(crate) struct Heartbeating {
    config: HeartbeatConfig,
    /// When the next PING is due.
    next_ping: Option<Instant>,
    ping_due: bool,
    /// The number of the last PING, which goes with it as its context.
    number: u32,
    /// When the last PING was due, until it is answered.
    asked: Option<Instant>,
    /// When the remote is dead, because it has not answered our PING.
    answer_due: Option<Instant>,
    /// When the remote is dead, because the time-to-live in its last PING is over.
    ttl_over: Option<Instant>,
}

/// Nothing has arrived for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no sign of life in time")]
pub(crate) struct Dead;

impl Heartbeating {
    pub(crate) fn new(config: HeartbeatConfig, now: Instant) -> Self {
        let next_ping = config.interval.and_then(|interval| now.checked_add(interval));
        Self {
            config,
            next_ping,
            ping_due: false,
            number: 0,
            asked: None,
            answer_due: None,
            ttl_over: None,
        }
    }

    /// Notes that something has arrived: any octet is a sign of life, not just a PONG.
    #[inline]
    pub(crate) fn handle_traffic(&mut self) {
        self.answer_due = None;
        self.ttl_over = None;
    }

    /// Notes a PING, after its arrival.
    pub(crate) fn handle_ping(&mut self, ping: &Ping, now: Instant) {
        self.ttl_over = ping.ttl().and_then(|ttl| now.checked_add(ttl));
    }

    /// Notes a PONG. Returns how long the last PING took to be answered, if this is the answer.
    pub(crate) fn handle_pong(&mut self, pong: &Pong, now: Instant) -> Option<Duration> {
        if pong.context != self.context() {
            return None;
        }
        self.asked.take().map(|asked| now.saturating_duration_since(asked))
    }

    /// Notes that it is as late as `now`.
    ///
    /// # Errors
    ///
    /// [`Dead`] if the remote is to be given up.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Dead> {
        let is_over = |limit: Option<Instant>| limit.is_some_and(|limit| limit <= now);
        if is_over(self.answer_due) || is_over(self.ttl_over) {
            return Err(Dead);
        }
        if is_over(self.next_ping) {
            self.ping_due = true;
            self.number = self.number.wrapping_add(1);
            self.asked = Some(now);
            self.next_ping = self.config.interval.and_then(|interval| now.checked_add(interval));
            let timeout = self.config.timeout.or(self.config.interval);
            self.answer_due =
                self.answer_due.or_else(|| timeout.and_then(|timeout| now.checked_add(timeout)));
        }
        Ok(())
    }

    /// Yields the PING that is due.
    pub(crate) fn poll_ping(&mut self) -> Option<Ping> {
        if !std::mem::take(&mut self.ping_due) {
            return None;
        }
        // What can be sent is limited. A time-to-live that is over before the next PING would make
        // the remote give up a connection that is well.
        let ttl = self.config.ttl.map(|ttl| ttl.min(Ping::TTL_MAX));
        Some(Ping::new(ttl.filter(|ttl| Some(*ttl) > self.config.interval), self.context()))
    }

    fn context(&self) -> Context {
        Context::new(&self.number.to_be_bytes())
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called, if ever.
    #[inline]
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.next_ping, self.answer_due, self.ttl_over].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_due_every_interval() {
        let start = Instant::now();
        let mut heartbeating = watching(start, 10, Some(100), None);
        for round in 1..5 {
            let due = start + seconds(10 * round);
            assert_eq!(heartbeating.poll_timeout(), Some(due));
            assert_eq!(heartbeating.poll_ping(), None);
            heartbeating.handle_timeout(due).unwrap();
            assert!(heartbeating.poll_ping().is_some());
            heartbeating.handle_traffic();
        }
    }

    #[test]
    fn a_remote_that_sends_nothing_after_a_ping_is_dead() {
        let start = Instant::now();
        let mut heartbeating = watching(start, 10, Some(15), None);
        heartbeating.handle_timeout(start + seconds(10)).unwrap();
        heartbeating.handle_timeout(start + seconds(20)).unwrap();
        assert_eq!(heartbeating.poll_timeout(), Some(start + seconds(25)));
        assert_eq!(heartbeating.handle_timeout(start + seconds(25)), Err(Dead));
    }

    #[test]
    fn anything_that_arrives_is_a_sign_of_life() {
        let start = Instant::now();
        let mut heartbeating = watching(start, 10, None, None);
        heartbeating.handle_timeout(start + seconds(10)).unwrap();
        heartbeating.handle_traffic();
        heartbeating.handle_timeout(start + seconds(20)).unwrap();
        assert_eq!(heartbeating.handle_timeout(start + seconds(30)), Err(Dead));
    }

    #[test]
    fn silence_after_a_ping_with_a_time_to_live_is_death() {
        let start = Instant::now();
        let mut heartbeating = Heartbeating::new(HeartbeatConfig::default(), start);
        assert_eq!(heartbeating.poll_timeout(), None);
        heartbeating.handle_ping(&Ping::new(Some(seconds(5)), Context::default()), start);
        assert_eq!(heartbeating.poll_timeout(), Some(start + seconds(5)));
        heartbeating.handle_traffic();
        assert_eq!(heartbeating.poll_timeout(), None);
        heartbeating.handle_ping(&Ping::new(Some(seconds(5)), Context::default()), start);
        assert_eq!(heartbeating.handle_timeout(start + seconds(5)), Err(Dead));
    }

    #[test]
    fn a_time_to_live_that_ends_before_the_next_ping_is_not_sent() {
        let start = Instant::now();
        for (interval, ttl, sent) in [
            (10, 20, Some(seconds(20))),
            (10, 10, None),
            (10, 1_000, Some(Ping::TTL_MAX)),
            (100, 1_000, None),
        ] {
            let mut heartbeating = watching(start, interval, None, Some(ttl));
            heartbeating.handle_timeout(start + seconds(interval)).unwrap();
            assert_eq!(heartbeating.poll_ping().unwrap().ttl(), sent);
        }
    }

    #[test]
    fn the_answer_to_the_last_ping_tells_the_round_trip() {
        let start = Instant::now();
        let mut heartbeating = watching(start, 10, Some(100), None);
        let [first, second] = [10, 20].map(|due| {
            heartbeating.handle_timeout(start + seconds(due)).unwrap();
            heartbeating.poll_ping().unwrap().pong()
        });
        assert_eq!(heartbeating.handle_pong(&first, start + seconds(21)), None);
        assert_eq!(heartbeating.handle_pong(&second, start + seconds(23)), Some(seconds(3)));
        assert_eq!(heartbeating.handle_pong(&second, start + seconds(24)), None);
    }

    #[test]
    fn times_beyond_all_clocks_are_never() {
        let forever = Some(Duration::MAX);
        let config = HeartbeatConfig { interval: forever, timeout: forever, ttl: forever };
        let heartbeating = Heartbeating::new(config, Instant::now());
        assert_eq!(heartbeating.poll_timeout(), None);
    }

    fn watching(
        start: Instant,
        interval: u64,
        timeout: Option<u64>,
        ttl: Option<u64>,
    ) -> Heartbeating {
        let config = HeartbeatConfig {
            interval: Some(seconds(interval)),
            timeout: timeout.map(seconds),
            ttl: ttl.map(seconds),
        };
        Heartbeating::new(config, start)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
