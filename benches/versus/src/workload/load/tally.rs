//! The replies of a run.

use hdrhistogram::Histogram;

use crate::Failure;
use crate::report::Done;
use crate::workload::load::schedule::Schedule;

/// Latencies, to three digits.
#[derive(Debug)]
pub(super) struct Tally {
    /// In nanoseconds.
    latencies: Histogram<u64>,
    /// The time by which replies count as in time.
    end: u64,
    in_time: u64,
    last: u64,
}

impl Tally {
    pub(super) fn new(schedule: &Schedule) -> Result<Self, Failure> {
        let latencies = Histogram::new_with_max(LONGEST, 3)?;
        Ok(Self { latencies, end: schedule.end(), in_time: 0, last: 0 })
    }

    /// Counts a reply at `now` to a request that was planned for `due`.
    pub(super) fn add(&mut self, due: u64, now: u64) {
        self.latencies.saturating_record(now.saturating_sub(due));
        self.in_time += u64::from(now <= self.end);
        self.last = now;
    }

    pub(super) fn answered(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn done(&self) -> Done {
        let quantile = |part| Some(self.latencies.value_at_quantile(part) as f64 / 1e3);
        Done {
            seconds: self.last as f64 / 1e9,
            received: Some(self.in_time),
            median: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            ..Done::default()
        }
    }
}

/// The longest latency in nanoseconds that is distinguished: the time limit of a command.
const LONGEST: u64 = 20_000_000_000;
