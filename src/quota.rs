//! Limits how often the same event is logged.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Admits a few of many log lines, and counts the others.
///
/// Otherwise, lines that a remote can repeat could fill a disk. A `Quota` takes eight bytes,
/// because each endpoint has many.
#[derive(Debug)]
pub(crate) struct Quota(AtomicU64);

/// The content of the eight bytes.
#[derive(Clone, Copy)]
struct State {
    /// The time at which the first counted line was admitted, by [`seconds`]. Meaningless if there
    /// is none.
    since: u32,
    /// At most [`ADMITTED`].
    admitted: u8,
    /// At most [`LEFT_OUT_MAX`].
    suppressed: u32,
}

impl Quota {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Admits a line, and returns how many were left out before it; `None` if this one is left out
    /// as well.
    ///
    /// The time is that of the runtime, which tests can stop.
    pub(crate) fn admit(&self) -> Option<u64> {
        self.admit_at(seconds(tokio::time::Instant::now().into_std()))
    }

    fn admit_at(&self, now: u32) -> Option<u64> {
        let mut admitted = None;
        let update = |packed| {
            let mut state = State::unpack(packed);
            // Another runtime can have a clock that is behind.
            let passed = now.wrapping_sub(state.since) as i32;
            if state.admitted == 0 || i64::from(passed) >= INTERVAL.as_secs() as i64 {
                state.since = now;
                state.admitted = 0;
            }
            if state.admitted == ADMITTED {
                state.suppressed = LEFT_OUT_MAX.min(state.suppressed + 1);
                admitted = None;
            } else {
                state.admitted += 1;
                admitted = Some(u64::from(std::mem::take(&mut state.suppressed)));
            }
            Some(state.pack())
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
        admitted
    }
}

impl State {
    const fn unpack(packed: u64) -> Self {
        let [a, b, c, d, admitted, suppressed @ ..] = packed.to_le_bytes();
        let [e, f, g] = suppressed;
        Self {
            since: u32::from_le_bytes([a, b, c, d]),
            admitted,
            suppressed: u32::from_le_bytes([e, f, g, 0]),
        }
    }

    const fn pack(self) -> u64 {
        let [a, b, c, d] = self.since.to_le_bytes();
        let [e, f, g, _] = self.suppressed.to_le_bytes();
        u64::from_le_bytes([a, b, c, d, self.admitted, e, f, g])
    }
}

/// The quotas of one endpoint for lines that its remotes can cause. Each kind has a separate quota,
/// so that a flood of one kind does not hide the others.
#[derive(Debug)]
pub(crate) struct Quotas {
    pub(crate) accept_failed: Quota,
    pub(crate) admitted: Quota,
    pub(crate) connect_failed: Quota,
    pub(crate) connected: Quota,
    pub(crate) datagrams: Quota,
    pub(crate) interrupted: Quota,
    pub(crate) disconnected: Quota,
    pub(crate) draining: Quota,
    pub(crate) malformed_requests: Quota,
    pub(crate) missed: Quota,
    pub(crate) unroutable: Quota,
    pub(crate) multipart: Quota,
    pub(crate) not_admitted: Quota,
    pub(crate) paused: Quota,
    pub(crate) refused: Quota,
    pub(crate) replies: Quota,
    pub(crate) resumed: Quota,
    pub(crate) unanswered_requests: Quota,
    pub(crate) undelivered: Quota,
    pub(crate) unread: Quota,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            accept_failed: Quota::new(),
            admitted: Quota::new(),
            connect_failed: Quota::new(),
            connected: Quota::new(),
            datagrams: Quota::new(),
            interrupted: Quota::new(),
            disconnected: Quota::new(),
            draining: Quota::new(),
            malformed_requests: Quota::new(),
            missed: Quota::new(),
            unroutable: Quota::new(),
            multipart: Quota::new(),
            not_admitted: Quota::new(),
            paused: Quota::new(),
            refused: Quota::new(),
            replies: Quota::new(),
            resumed: Quota::new(),
            unanswered_requests: Quota::new(),
            undelivered: Quota::new(),
            unread: Quota::new(),
        }
    }
}

/// Writes a line with the given level if the quota admits it, and otherwise with the level `debug`.
/// The field `suppressed` contains the number of lines left out before, if any.
macro_rules! within_quota {
    ($quota:expr, $level:ident, target: $target:expr, $($line:tt)+) => {
        match $quota.admit() {
            Some(suppressed) => {
                let suppressed = (suppressed > 0).then_some(suppressed);
                tracing::$level!(target: $target, suppressed, $($line)+);
            }
            None => tracing::debug!(target: $target, $($line)+),
        }
    };
    ($quota:expr, $level:ident, $($line:tt)+) => {
        $crate::quota::within_quota!($quota, $level, target: module_path!(), $($line)+)
    };
}
pub(crate) use within_quota;

/// Returns the whole seconds since its first call; negative, wrapped around, if the clock of a
/// runtime is behind. Rounds down, so that times that differ by a minute differ by sixty.
fn seconds(now: Instant) -> u32 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let epoch = *EPOCH.get_or_init(Instant::now);
    let nanos = |duration: Duration| duration.as_nanos() as i128;
    let since = match now.checked_duration_since(epoch) {
        Some(after) => nanos(after),
        None => -nanos(epoch.saturating_duration_since(now)),
    };
    // It wraps around after 136 years.
    since.div_euclid(1_000_000_000) as u32
}

/// The number of lines of a kind that are admitted in an interval.
const ADMITTED: u8 = 3;

/// Its ends are rounded down to whole seconds.
const INTERVAL: Duration = Duration::from_secs(60);

/// The greatest number in three bytes: further lines are not counted.
const LEFT_OUT_MAX: u32 = 0xFF_FFFF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lines_are_admitted_and_the_next_reports_the_others() {
        // The clock wraps around in between.
        let (quota, begin) = (Quota::new(), u32::MAX - 7);
        let admit = |()| quota.admit_at(begin);
        assert_eq!([(); 5].map(admit), [Some(0), Some(0), Some(0), None, None]);
        assert_eq!(quota.admit_at(begin.wrapping_add(59)), None);
        let admit = |()| quota.admit_at(begin.wrapping_add(60));
        assert_eq!([(); 4].map(admit), [Some(3), Some(0), Some(0), None]);
    }

    #[test]
    fn more_lines_than_can_be_counted_are_left_out() {
        let full = State { since: 7, admitted: ADMITTED, suppressed: LEFT_OUT_MAX };
        let quota = Quota(AtomicU64::new(full.pack()));
        assert_eq!(quota.admit_at(7), None);
        assert_eq!(quota.admit_at(67), Some(u64::from(LEFT_OUT_MAX)));
    }

    #[test]
    fn times_a_minute_apart_differ_by_sixty_on_both_sides_of_the_first() {
        let now = Instant::now();
        let first = seconds(now);
        for millis in [1, 500, 999, 30_000, 59_999] {
            let earlier = now.checked_sub(Duration::from_millis(millis)).unwrap();
            assert_eq!(seconds(earlier + INTERVAL).wrapping_sub(seconds(earlier)), 60);
        }
        assert_eq!(seconds(now + INTERVAL).wrapping_sub(first), 60);
    }
}
