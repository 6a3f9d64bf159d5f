//! Heartbeat timers, which determine when to send a PING and when a remote is dead (RFC 37,
//! Connection Heartbeating).
//!
//! A PING may be queued after a long message. Until it is written, the remote is alive while it
//! accepts bytes. The time to answer starts when the PING is written. Only *progress* counts: the
//! stream accepts bytes after it has refused some. Bytes that the stream accepts without a prior
//! refusal may remain in the local send buffer, and prove nothing about the remote.
//!
//! A time-to-live is the maximum silence that the remote has announced. Every arrival restarts it.
//! The time of arrivals is read once for each wake-up of the connection, and only if there is a
//! time-to-live.

use std::time::{Duration, Instant};

use thiserror::Error;

use super::ping_pong::{Context, Ping, Pong};
use super::write_rate::WriteRate;

/// The settings of heartbeats.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeartbeatConfig {
    /// The time between PINGs. `None` disables them.
    pub interval: Option<Duration>,
    /// The time to wait for any bytes after a PING. `None` waits for one interval.
    pub timeout: Option<Duration>,
    /// The silence of this end after which the remote should close the connection.
    pub ttl: Option<Duration>,
}

impl HeartbeatConfig {
    /// Sets the time between PINGs. Zero disables them.
    pub fn set_interval(&mut self, interval: Option<Duration>) {
        self.interval = interval.filter(|interval| !interval.is_zero());
    }

    /// Sets the time to wait after a PING. Zero means no limit.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout =
            timeout.map(|timeout| if timeout.is_zero() { Duration::MAX } else { timeout });
    }
}

/// The heartbeat timers of one connection, which report when to send a PING and when the remote is
/// dead.
///
/// Report everything that arrives, and call [`handle_timeout`](Self::handle_timeout) at the time
/// that [`poll_timeout`](Self::poll_timeout) returns. Send the PING that
/// [`poll_ping`](Self::poll_ping) returns, and report when it is written.
#[derive(Debug)]
pub struct Heartbeat {
    config: HeartbeatConfig,
    /// The time at which the next PING is due.
    next_ping: Option<Instant>,
    ping: PingState,
    /// The number of the last PING, which is its context.
    number: u32,
    /// The time at which the last PING was written, until it is answered.
    asked: Option<Instant>,
    /// The time at which the remote is dead because it has neither accepted nor answered a PING.
    answer_due: Option<Instant>,
    write_rate: WriteRate,
    /// The time-to-live in the remote's last PING.
    ttl: Option<Duration>,
    /// The time at which the remote is dead because its time-to-live has expired.
    ttl_over: Option<Instant>,
    /// True if bytes have arrived that `ttl_over` does not reflect yet.
    heard: bool,
}

/// The state of a PING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PingState {
    Written,
    /// Not returned yet. If it `decides`, `answer_due` refers to this PING instead of an earlier
    /// one.
    Due {
        decides: bool,
    },
    /// Returned, but not written yet.
    Queued {
        decides: bool,
    },
}

/// The error of a heartbeat timer: no bytes have arrived in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no sign of life in time")]
pub struct HeartbeatTimeout;

impl Heartbeat {
    /// Starts the timers of a connection at the time `now`.
    pub fn new(config: HeartbeatConfig, now: Instant) -> Self {
        let next_ping = config.interval.and_then(|interval| now.checked_add(interval));
        Self {
            config,
            next_ping,
            ping: PingState::Written,
            number: 0,
            asked: None,
            answer_due: None,
            write_rate: WriteRate::default(),
            ttl: None,
            ttl_over: None,
            heard: false,
        }
    }

    /// Records that bytes have arrived. Any byte is a sign of life, not only a PONG.
    #[inline]
    pub fn handle_traffic(&mut self) {
        self.answer_due = None;
        self.heard = true;
    }

    /// Records the time of arrivals since the last call. Calls `now` only if the time matters.
    #[inline]
    pub fn handle_wake(&mut self, now: impl FnOnce() -> Instant) {
        if !std::mem::take(&mut self.heard) {
            return;
        }
        if let Some(ttl) = self.ttl {
            self.ttl_over = now().checked_add(ttl);
        }
    }

    /// Records a received PING.
    pub fn handle_ping(&mut self, ping: &Ping, now: Instant) {
        self.ttl = ping.ttl();
        self.ttl_over = self.ttl.and_then(|ttl| now.checked_add(ttl));
    }

    /// Records a received PONG. Returns the round-trip time of the last PING if this is its answer.
    pub fn handle_pong(&mut self, pong: &Pong, now: Instant) -> Option<Duration> {
        if pong.context != self.context() {
            return None;
        }
        self.asked.take().map(|asked| now.saturating_duration_since(asked))
    }

    /// Records that the stream has accepted bytes after it had refused some, so that the remote is
    /// alive.
    pub fn handle_progress(&mut self, bytes: usize, now: impl FnOnce() -> Instant) {
        if self.config.interval.is_none() {
            return;
        }
        let now = now();
        self.write_rate.handle_progress(bytes, now);
        if self.answer_due.is_some() {
            self.answer_due = self.timeout_from(now);
        }
    }

    /// Records that there is nothing to write.
    #[inline]
    pub fn handle_idle(&mut self) {
        self.write_rate.handle_idle();
    }

    /// Returns whether a PING was returned but is not written yet.
    #[inline]
    pub const fn is_ping_queued(&self) -> bool {
        matches!(self.ping, PingState::Queued { .. })
    }

    /// Records that the PING is written. The time to answer starts, unless an earlier PING still
    /// waits for an answer.
    pub fn handle_ping_written(&mut self, now: Instant) {
        let PingState::Queued { decides } = self.ping else { return };
        self.ping = PingState::Written;
        self.asked = Some(now);
        if decides || self.answer_due.is_none() {
            self.answer_due = self.timeout_from(now);
        }
    }

    /// Advances the timers to `now`, which may be earlier than
    /// [`poll_timeout`](Self::poll_timeout).
    ///
    /// # Errors
    ///
    /// Returns [`HeartbeatTimeout`] if the remote is dead.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), HeartbeatTimeout> {
        self.handle_wake(|| now);
        let is_over = |limit: Option<Instant>| limit.is_some_and(|limit| limit <= now);
        if is_over(self.answer_due) || is_over(self.ttl_over) {
            return Err(HeartbeatTimeout);
        }
        if is_over(self.next_ping) {
            self.next_ping = self.config.interval.and_then(|interval| now.checked_add(interval));
            self.write_rate.age();
            let decides = self.answer_due.is_none();
            if decides {
                self.answer_due = self.timeout_from(now);
            }
            self.ping = match self.ping {
                PingState::Written => PingState::Due { decides },
                // A PING that waits to be written serves for both.
                PingState::Due { decides: before } => PingState::Due { decides: before | decides },
                PingState::Queued { decides: before } => {
                    PingState::Queued { decides: before | decides }
                }
            };
        }
        Ok(())
    }

    /// Returns the PING that is due, if any.
    #[inline]
    pub fn poll_ping(&mut self) -> Option<Ping> {
        let PingState::Due { decides } = self.ping else { return None };
        self.ping = PingState::Queued { decides };
        self.number = self.number.wrapping_add(1);
        // The wire format limits the time-to-live. One that ends before the next PING would make
        // the remote close a healthy connection.
        let ttl = self.config.ttl.map(|ttl| ttl.min(Ping::TTL_MAX));
        Some(Ping::new(ttl.filter(|ttl| Some(*ttl) > self.config.interval), self.context()))
    }

    /// Returns the time at which the remote is dead if no bytes arrive after `now`. It includes the
    /// transmission time of the bytes in flight.
    fn timeout_from(&self, now: Instant) -> Option<Instant> {
        let timeout = self.config.timeout.or(self.config.interval)?;
        let in_flight = self.write_rate.time().min(timeout.saturating_mul(IN_FLIGHT_TIMEOUTS_MAX));
        now.checked_add(timeout)?.checked_add(in_flight)
    }

    fn context(&self) -> Context {
        Context::new(&self.number.to_be_bytes())
    }

    /// Returns the time at which to call [`handle_timeout`](Self::handle_timeout), if any.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.next_ping, self.answer_due, self.ttl_over].into_iter().flatten().min()
    }
}

/// The number of timeouts that the bytes in flight may add, so that the death of a very slow remote
/// is also detected.
const IN_FLIGHT_TIMEOUTS_MAX: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_due_every_interval() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(100), None);
        for round in 1..5 {
            let due = start + seconds(10 * round);
            assert_eq!(heartbeat.poll_timeout(), Some(due));
            assert_eq!(heartbeat.poll_ping(), None);
            heartbeat.handle_timeout(due).unwrap();
            assert!(heartbeat.poll_ping().is_some());
            heartbeat.handle_ping_written(due);
            heartbeat.handle_traffic();
        }
    }

    #[test]
    fn a_remote_that_sends_nothing_after_a_ping_is_dead() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        for due in [10, 20] {
            ask(&mut heartbeat, start + seconds(due));
        }
        assert_eq!(heartbeat.poll_timeout(), Some(start + seconds(25)));
        assert_eq!(heartbeat.handle_timeout(start + seconds(25)), Err(HeartbeatTimeout));
    }

    #[test]
    fn the_time_to_answer_starts_when_the_ping_is_written() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert!(heartbeat.poll_ping().is_some());
        for due in [20, 30, 40] {
            heartbeat.handle_progress(usize::MAX, || start + seconds(due));
            heartbeat.handle_timeout(start + seconds(due)).unwrap();
            assert_eq!(heartbeat.poll_ping(), None, "a PING is queued");
        }
        heartbeat.handle_ping_written(start + seconds(45));
        heartbeat.handle_timeout(start + seconds(59)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(61)), Err(HeartbeatTimeout));
    }

    #[test]
    fn a_remote_that_accepts_no_bytes_is_dead_before_the_ping_is_written() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert!(heartbeat.poll_ping().is_some());
        heartbeat.handle_progress(1_000, || start + seconds(12));
        heartbeat.handle_timeout(start + seconds(26)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(27)), Err(HeartbeatTimeout));
    }

    #[test]
    fn the_time_to_answer_is_longer_for_a_slow_remote() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        for (progress, died) in [(2, 10 + 15 + 2), (1_000, 1_000 + 10 + 15 * 4)] {
            heartbeat.handle_progress(1, || start);
            heartbeat.handle_progress(0x4_0000, || start + seconds(progress));
            heartbeat.handle_idle();
            let due = start + seconds(if progress == 2 { 10 } else { 1_010 });
            ask(&mut heartbeat, due);
            assert_eq!(heartbeat.answer_due, Some(start + seconds(died)));
            heartbeat.handle_traffic();
        }
    }

    #[test]
    fn bytes_that_arrive_before_the_ping_is_written_do_not_answer_it() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert!(heartbeat.poll_ping().is_some());
        heartbeat.handle_traffic();
        heartbeat.handle_ping_written(start + seconds(11));
        heartbeat.handle_timeout(start + seconds(25)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(26)), Err(HeartbeatTimeout));
    }

    #[test]
    fn any_received_byte_is_a_sign_of_life() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, None, None);
        ask(&mut heartbeat, start + seconds(10));
        heartbeat.handle_traffic();
        ask(&mut heartbeat, start + seconds(20));
        assert_eq!(heartbeat.handle_timeout(start + seconds(30)), Err(HeartbeatTimeout));
    }

    #[test]
    fn a_remote_is_dead_when_its_time_to_live_ends() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        assert_eq!(heartbeat.poll_timeout(), None);
        heartbeat.handle_ping(&Ping::new(Some(seconds(5)), Context::default()), start);
        assert_eq!(heartbeat.poll_timeout(), Some(start + seconds(5)));
        assert_eq!(heartbeat.handle_timeout(start + seconds(5)), Err(HeartbeatTimeout));
    }

    #[test]
    fn traffic_extends_a_time_to_live_and_does_not_end_it() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        heartbeat.handle_ping(&Ping::new(Some(seconds(5)), Context::default()), start);
        for heard in [3, 6] {
            heartbeat.handle_traffic();
            heartbeat.handle_wake(|| start + seconds(heard));
        }
        heartbeat.handle_wake(|| panic!("no bytes have arrived"));
        assert_eq!(heartbeat.poll_timeout(), Some(start + seconds(11)));
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(11)), Err(HeartbeatTimeout));
    }

    #[test]
    fn a_ping_without_a_time_to_live_cancels_an_earlier_one() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        heartbeat.handle_ping(&Ping::new(Some(seconds(5)), Context::default()), start);
        heartbeat.handle_ping(&Ping::new(None, Context::default()), start);
        heartbeat.handle_traffic();
        heartbeat.handle_wake(|| panic!("the time does not matter"));
        assert_eq!(heartbeat.poll_timeout(), None);
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
            let mut heartbeat = watching(start, interval, None, Some(ttl));
            heartbeat.handle_timeout(start + seconds(interval)).unwrap();
            assert_eq!(heartbeat.poll_ping().unwrap().ttl(), sent);
        }
    }

    #[test]
    fn the_answer_to_the_last_ping_measures_the_round_trip() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(100), None);
        let [first, second] = [10, 20].map(|due| ask(&mut heartbeat, start + seconds(due)).pong());
        assert_eq!(heartbeat.handle_pong(&first, start + seconds(21)), None);
        assert_eq!(heartbeat.handle_pong(&second, start + seconds(23)), Some(seconds(3)));
        assert_eq!(heartbeat.handle_pong(&second, start + seconds(24)), None);
    }

    #[test]
    fn intervals_beyond_the_range_of_the_clock_never_end() {
        let longest = Some(Duration::MAX);
        let config = HeartbeatConfig { interval: longest, timeout: longest, ttl: longest };
        let heartbeat = Heartbeat::new(config, Instant::now());
        assert_eq!(heartbeat.poll_timeout(), None);
    }

    /// Writes the PING that is due at `due`.
    fn ask(heartbeat: &mut Heartbeat, due: Instant) -> Ping {
        heartbeat.handle_timeout(due).unwrap();
        let ping = heartbeat.poll_ping().unwrap();
        heartbeat.handle_ping_written(due);
        ping
    }

    fn watching(
        start: Instant,
        interval: u64,
        timeout: Option<u64>,
        ttl: Option<u64>,
    ) -> Heartbeat {
        let config = HeartbeatConfig {
            interval: Some(seconds(interval)),
            timeout: timeout.map(seconds),
            ttl: ttl.map(seconds),
        };
        Heartbeat::new(config, start)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
