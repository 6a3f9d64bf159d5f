//! The rate at which a remote takes the bytes that are written to it.

use std::time::{Duration, Instant};

/// Measures how long [`UNDER_WAY`] bytes take while the stream takes them no faster than the remote does.
///
/// The answer to a command arrives only after all bytes that were written before it, some of which are
/// in the buffers between the two ends. Their number is unknown, so that only the pace of earlier bytes
/// shows how long they take.
#[derive(Debug, Default)]
pub(super) struct WriteRate {
    /// When the measurement began, if one is going on.
    since: Option<Instant>,
    /// The bytes written since then.
    bytes: u32,
    /// The result of this measurement, or of the last one.
    time: Duration,
    /// Whether there is something of that since this was last asked.
    is_recent: bool,
}

impl WriteRate {
    /// Notes that the stream has taken bytes after it had refused some.
    pub(super) fn handle_progress(&mut self, bytes: usize, now: Instant) {
        self.is_recent = true;
        let Some(since) = self.since else {
            (self.since, self.bytes) = (Some(now), 0);
            return;
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bytes = self.bytes.saturating_add(bytes).max(1);
        let elapsed = now.saturating_duration_since(since);
        self.time = elapsed.saturating_mul(UNDER_WAY) / self.bytes;
        if self.bytes >= UNDER_WAY {
            (self.since, self.bytes) = (Some(now), 0);
        }
    }

    /// Notes that there is nothing to write.
    #[inline]
    pub(super) fn handle_idle(&mut self) {
        self.since = None;
    }

    /// Forgets results that are older than the last call of this method.
    pub(super) fn age(&mut self) {
        if !std::mem::take(&mut self.is_recent) {
            *self = Self::default();
        }
    }

    /// Returns how long the bytes under way take; zero if the remote is not known to be slow.
    pub(super) const fn time(&self) -> Duration {
        self.time
    }
}

/// The number of bytes that may be under way: over TCP some 190 KiB that are not sent yet, and a usual
/// receive window; over Unix domain sockets their whole buffer.
const UNDER_WAY: u32 = 0x4_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_rate_predicts_the_time_for_pending_bytes() {
        let start = Instant::now();
        let mut write_rate = WriteRate::default();
        assert_eq!(write_rate.time(), Duration::ZERO);
        let part = |share| usize::try_from(UNDER_WAY).unwrap() / share;
        // The first shows only that it goes on.
        for seconds in 0..=3 {
            write_rate.handle_progress(part(8), start + Duration::from_secs(seconds));
        }
        assert_eq!(write_rate.time(), Duration::from_secs(8));
        for seconds in 4..=20 {
            write_rate.handle_progress(part(2), start + Duration::from_secs(seconds));
        }
        assert_eq!(write_rate.time(), Duration::from_secs(2));
    }

    #[test]
    fn time_without_anything_to_write_does_not_count() {
        let start = Instant::now();
        let mut write_rate = WriteRate::default();
        for seconds in [0, 1] {
            write_rate.handle_progress(0x4_0000, start + Duration::from_secs(seconds));
        }
        write_rate.handle_idle();
        write_rate.handle_progress(1, start + Duration::from_secs(100));
        assert_eq!(write_rate.time(), Duration::from_secs(1));
        write_rate.age();
        assert_eq!(write_rate.time(), Duration::from_secs(1));
        write_rate.age();
        assert_eq!(write_rate.time(), Duration::ZERO);
    }
}
