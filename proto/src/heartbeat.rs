//! The timer of heartbeats: when to send a PING, and when a remote is considered dead (RFC 37, Connection
//! Heartbeating).
//!
//! A PING that is queued behind a long message is not under way yet. Until it is written, the remote is
//! alive while it takes bytes. Its time to answer begins when the PING is written. Only *progress*
//! counts: the stream takes bytes after it has refused some. Bytes that it takes without having refused
//! any may remain in the buffer of this system, and prove nothing about the remote.
//!
//! A time-to-live is the remote's promise to send something at least that often. It runs from the last
//! arrival, of whatever kind. The times of arrivals are noted once for each wake-up of the connection,
//! and only if there is a time-to-live.

use std::time::{Duration, Instant};

use thiserror::Error;

use super::ping_pong::{Context, Ping, Pong};
use super::write_rate::WriteRate;

/// The intervals of heartbeats.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeartbeatConfig {
    /// The time between PINGs. `None` sends none.
    pub interval: Option<Duration>,
    /// How long to wait after a PING for anything to arrive. `None` waits for one interval.
    pub timeout: Option<Duration>,
    /// How long the remote should wait for the next sign of life of this end.
    pub ttl: Option<Duration>,
}

/// Decides when to send a PING on a connection, and when its remote is dead.
///
/// Report everything that arrives, and call [`handle_timeout`](Self::handle_timeout) at the time that
/// [`poll_timeout`](Self::poll_timeout) returns; send what [`poll_ping`](Self::poll_ping) yields, and
/// report when that is written.
#[derive(Debug)]
pub struct Heartbeat {
    config: HeartbeatConfig,
    /// When the next PING is due.
    next_ping: Option<Instant>,
    ping: PingState,
    /// The number of the last PING, which goes with it as its context.
    number: u32,
    /// When the last PING was written, until it is answered.
    asked: Option<Instant>,
    /// When the remote is dead, because it has neither taken nor answered our PING.
    answer_due: Option<Instant>,
    write_rate: WriteRate,
    /// The time-to-live in the remote's last PING.
    ttl: Option<Duration>,
    /// When the remote is dead, because its time-to-live is over.
    ttl_over: Option<Instant>,
    /// Whether something has arrived that `ttl_over` does not reflect yet.
    heard: bool,
}

/// How far a PING has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PingState {
    Written,
    /// To be yielded. If it `decides`, `answer_due` is about this PING, and not about an earlier one.
    Due {
        decides: bool,
    },
    /// Yielded, and not written yet.
    Queued {
        decides: bool,
    },
}

/// The error of a heartbeat timer: nothing has arrived in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no sign of life in time")]
pub struct HeartbeatTimeout;

impl Heartbeat {
    /// Starts with the connection, at the time `now`.
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

    /// Notes that something has arrived: any byte is a sign of life, not just a PONG.
    #[inline]
    pub fn handle_traffic(&mut self) {
        self.answer_due = None;
        self.heard = true;
    }

    /// Notes the time of arrivals since the last call. Reads the clock only if the time matters.
    #[inline]
    pub fn handle_wake(&mut self, now: impl FnOnce() -> Instant) {
        if std::mem::take(&mut self.heard)
            && let Some(ttl) = self.ttl
        {
            self.ttl_over = now().checked_add(ttl);
        }
    }

    /// Notes a PING, after its arrival.
    pub fn handle_ping(&mut self, ping: &Ping, now: Instant) {
        self.ttl = ping.ttl();
        self.ttl_over = self.ttl.and_then(|ttl| now.checked_add(ttl));
    }

    /// Notes a PONG. Returns how long the last PING took to be answered, if this is the answer.
    pub fn handle_pong(&mut self, pong: &Pong, now: Instant) -> Option<Duration> {
        if pong.context != self.context() {
            return None;
        }
        self.asked.take().map(|asked| now.saturating_duration_since(asked))
    }

    /// Notes that the stream has taken bytes after it had refused some: the remote takes them.
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

    /// Notes that there is nothing to write.
    #[inline]
    pub fn handle_idle(&mut self) {
        self.write_rate.handle_idle();
    }

    /// Whether a PING was yielded that is not written yet.
    #[inline]
    pub const fn is_ping_queued(&self) -> bool {
        matches!(self.ping, PingState::Queued { .. })
    }

    /// Notes that the PING is written: the remote's time to answer begins, unless an earlier PING still
    /// waits for its answer.
    pub fn handle_ping_written(&mut self, now: Instant) {
        let PingState::Queued { decides } = self.ping else { return };
        self.ping = PingState::Written;
        self.asked = Some(now);
        if decides || self.answer_due.is_none() {
            self.answer_due = self.timeout_from(now);
        }
    }

    /// Notes the current time, which may be earlier than [`poll_timeout`](Self::poll_timeout).
    ///
    /// # Errors
    ///
    /// [`HeartbeatTimeout`] if the remote is dead.
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
                // One that waits to be written does for both.
                PingState::Due { decides: before } => PingState::Due { decides: before | decides },
                PingState::Queued { decides: before } => {
                    PingState::Queued { decides: before | decides }
                }
            };
        }
        Ok(())
    }

    /// Yields the PING that is due.
    #[inline]
    pub fn poll_ping(&mut self) -> Option<Ping> {
        let PingState::Due { decides } = self.ping else { return None };
        self.ping = PingState::Queued { decides };
        self.number = self.number.wrapping_add(1);
        // What can be sent is limited. A time-to-live that is over before the next PING would make
        // the remote end a connection that is well.
        let ttl = self.config.ttl.map(|ttl| ttl.min(Ping::TTL_MAX));
        Some(Ping::new(ttl.filter(|ttl| Some(*ttl) > self.config.interval), self.context()))
    }

    /// When a remote is dead if nothing arrives from it from `now` on. The time for the bytes under way
    /// is added.
    fn timeout_from(&self, now: Instant) -> Option<Instant> {
        let timeout = self.config.timeout.or(self.config.interval)?;
        let under_way = self.write_rate.time().min(timeout.saturating_mul(UNDER_WAY_MAX));
        now.checked_add(timeout)?.checked_add(under_way)
    }

    fn context(&self) -> Context {
        Context::new(&self.number.to_be_bytes())
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called, if ever.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.next_ping, self.answer_due, self.ttl_over].into_iter().flatten().min()
    }
}

/// How many timeouts the bytes under way may add: a remote that was very slow before it died is noticed,
/// too.
const UNDER_WAY_MAX: u32 = 3;

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
    fn the_time_to_answer_runs_from_when_the_ping_is_written() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert!(heartbeat.poll_ping().is_some());
        for due in [20, 30, 40] {
            heartbeat.handle_progress(usize::MAX, || start + seconds(due));
            heartbeat.handle_timeout(start + seconds(due)).unwrap();
            assert_eq!(heartbeat.poll_ping(), None, "one is queued");
        }
        heartbeat.handle_ping_written(start + seconds(45));
        heartbeat.handle_timeout(start + seconds(59)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(61)), Err(HeartbeatTimeout));
    }

    #[test]
    fn a_remote_that_takes_nothing_is_dead_before_the_ping_is_written() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, Some(15), None);
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert!(heartbeat.poll_ping().is_some());
        heartbeat.handle_progress(1_000, || start + seconds(12));
        heartbeat.handle_timeout(start + seconds(26)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(27)), Err(HeartbeatTimeout));
    }

    #[test]
    fn the_time_to_answer_is_longer_where_the_remote_takes_bytes_slowly() {
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
    fn anything_that_arrives_is_a_sign_of_life() {
        let start = Instant::now();
        let mut heartbeat = watching(start, 10, None, None);
        ask(&mut heartbeat, start + seconds(10));
        heartbeat.handle_traffic();
        ask(&mut heartbeat, start + seconds(20));
        assert_eq!(heartbeat.handle_timeout(start + seconds(30)), Err(HeartbeatTimeout));
    }

    #[test]
    fn silence_after_a_ping_with_a_time_to_live_is_death() {
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
        heartbeat.handle_wake(|| panic!("nothing has arrived"));
        assert_eq!(heartbeat.poll_timeout(), Some(start + seconds(11)));
        heartbeat.handle_timeout(start + seconds(10)).unwrap();
        assert_eq!(heartbeat.handle_timeout(start + seconds(11)), Err(HeartbeatTimeout));
    }

    #[test]
    fn a_ping_without_a_time_to_live_ends_that_of_an_earlier_one() {
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
    fn times_beyond_all_clocks_are_never() {
        let forever = Some(Duration::MAX);
        let config = HeartbeatConfig { interval: forever, timeout: forever, ttl: forever };
        let heartbeat = Heartbeat::new(config, Instant::now());
        assert_eq!(heartbeat.poll_timeout(), None);
    }

    /// Writes the PING that is due as soon as it is.
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
