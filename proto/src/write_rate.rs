//! The rate at which a remote accepts written bytes.

use std::time::{Duration, Instant};

/// Measures the transmission time of [`IN_FLIGHT_MAX`] bytes while the remote limits the rate of
/// the stream.
///
/// A remote receives a command only after all bytes that were written before it, some of which are
/// in the buffers between the two ends. The number of these bytes is unknown, so their transmission
/// time is estimated from the rate of earlier bytes.
#[derive(Debug, Default)]
pub(super) struct WriteRate {
    /// The start of the current measurement, if any.
    since: Option<Instant>,
    /// The number of bytes written since then.
    bytes: u32,
    /// The result of this measurement, or of the last one.
    time: Duration,
    /// True if there was progress since the last call of [`age`](Self::age).
    is_recent: bool,
}

impl WriteRate {
    /// Records that the stream has accepted bytes after it had refused some.
    pub(super) fn handle_progress(&mut self, bytes: usize, now: Instant) {
        self.is_recent = true;
        let Some(since) = self.since else {
            (self.since, self.bytes) = (Some(now), 0);
            return;
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bytes = self.bytes.saturating_add(bytes).max(1);
        let elapsed = now.saturating_duration_since(since);
        self.time = elapsed.saturating_mul(IN_FLIGHT_MAX) / self.bytes;
        if self.bytes >= IN_FLIGHT_MAX {
            (self.since, self.bytes) = (Some(now), 0);
        }
    }

    /// Records that there is nothing to write.
    #[inline]
    pub(super) fn handle_idle(&mut self) {
        self.since = None;
    }

    /// Discards results that are older than the last call of this method.
    pub(super) fn age(&mut self) {
        if !std::mem::take(&mut self.is_recent) {
            *self = Self::default();
        }
    }

    /// Returns the transmission time of the bytes in flight; zero if the remote is not known to be
    /// slow.
    pub(super) const fn time(&self) -> Duration {
        self.time
    }
}

/// The maximum number of bytes in flight: over TCP about 190 KiB that are not sent yet and a usual
/// receive window; over Unix domain sockets their whole buffer.
const IN_FLIGHT_MAX: u32 = 0x4_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_rate_predicts_the_time_of_bytes_in_flight() {
        let start = Instant::now();
        let mut write_rate = WriteRate::default();
        assert_eq!(write_rate.time(), Duration::ZERO);
        let part = |share| usize::try_from(IN_FLIGHT_MAX).unwrap() / share;
        // The first call only starts the measurement.
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
    fn idle_time_does_not_count() {
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
