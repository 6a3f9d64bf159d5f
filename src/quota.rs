//! Limits how often the same event is logged.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Admits a few of many lines, and counts the others.
///
/// Otherwise lines that a remote can repeat could fill a disk.
#[derive(Debug)]
pub(crate) struct Quota {
    clock: fn() -> Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the first counted line was admitted.
    since: Option<Instant>,
    admitted: u32,
    left_out: u64,
}

impl Quota {
    /// By the clock of the runtime, which tests can stop.
    pub(crate) const fn of_runtime() -> Self {
        Self::new(now)
    }

    const fn new(clock: fn() -> Instant) -> Self {
        Self { clock, state: Mutex::new(State { since: None, admitted: 0, left_out: 0 }) }
    }

    /// Admits a line, and returns how many were left out before it; `None` if this one is left out, too.
    pub(crate) fn admit(&self) -> Option<u64> {
        let now = (self.clock)();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.since.is_none_or(|since| now.saturating_duration_since(since) >= INTERVAL) {
            state.since = Some(now);
            state.admitted = 0;
        }
        if state.admitted == ADMITTED {
            state.left_out += 1;
            return None;
        }
        state.admitted += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

/// The lines about one endpoint that its remotes can cause, each with a quota of its own: a flood of one
/// kind does not hide the others.
#[derive(Debug)]
pub(crate) struct Quotas {
    pub(crate) accept_failed: Quota,
    pub(crate) connect_failed: Quota,
    pub(crate) connected: Quota,
    pub(crate) cut_off: Quota,
    pub(crate) disconnected: Quota,
    pub(crate) multipart: Quota,
    pub(crate) paused: Quota,
    pub(crate) refused: Quota,
    pub(crate) resumed: Quota,
    pub(crate) undelivered: Quota,
    pub(crate) unreceived: Quota,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            accept_failed: Quota::of_runtime(),
            connect_failed: Quota::of_runtime(),
            connected: Quota::of_runtime(),
            cut_off: Quota::of_runtime(),
            disconnected: Quota::of_runtime(),
            multipart: Quota::of_runtime(),
            paused: Quota::of_runtime(),
            refused: Quota::of_runtime(),
            resumed: Quota::of_runtime(),
            undelivered: Quota::of_runtime(),
            unreceived: Quota::of_runtime(),
        }
    }
}

/// Writes a line of the level `warn` or `info` if the quota admits it, with the field `left_out` if others
/// were left out before, and otherwise of the level `debug`.
macro_rules! within_quota {
    ($quota:expr, $level:ident, target: $target:expr, $($line:tt)+) => {
        match $quota.admit() {
            Some(left_out) => {
                let left_out = (left_out > 0).then_some(left_out);
                tracing::$level!(target: $target, left_out, $($line)+);
            }
            None => tracing::debug!(target: $target, $($line)+),
        }
    };
    ($quota:expr, $level:ident, $($line:tt)+) => {
        $crate::quota::within_quota!($quota, $level, target: module_path!(), $($line)+)
    };
}
pub(crate) use within_quota;

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// How many lines of a kind are admitted in an interval.
const ADMITTED: u32 = 3;

const INTERVAL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NOW: Cell<Instant> = Cell::new(Instant::now());
    }

    #[test]
    fn few_lines_are_admitted_and_the_next_knows_how_many_were_not() {
        let quota = Quota::new(|| NOW.get());
        assert_eq!([(); 5].map(|()| quota.admit()), [Some(0), Some(0), Some(0), None, None]);
        NOW.set(NOW.get() + INTERVAL - Duration::from_millis(1));
        assert_eq!(quota.admit(), None);
        NOW.set(NOW.get() + Duration::from_millis(1));
        assert_eq!([(); 4].map(|()| quota.admit()), [Some(3), Some(0), Some(0), None]);
    }
}
