//! The replies of a run.

use hdrhistogram::Histogram;

use crate::Failure;
use crate::report::Done;
use crate::statistics::Spread;
use crate::workload::load::schedule::Schedule;

/// Latencies, to three digits.
#[derive(Debug)]
pub(super) struct Tally {
    /// In nanoseconds, of the requests that are planned within each window.
    windows: Vec<Histogram<u64>>,
    answered: u64,
    /// The time by which replies count as in time.
    end: u64,
    in_time: u64,
    last: u64,
}

impl Tally {
    pub(super) fn new(schedule: &Schedule) -> Result<Self, Failure> {
        let windows = usize::try_from(schedule.last_due() / WINDOW)?.max(1);
        let windows = vec![histogram()?; windows];
        Ok(Self { windows, answered: 0, end: schedule.end(), in_time: 0, last: 0 })
    }

    /// Counts a reply at `now` to a request that was planned for `due`.
    pub(super) fn add(&mut self, due: u64, now: u64) {
        // The rest of the schedule is part of the last window.
        let window = (due / WINDOW).min(self.windows.len() as u64 - 1) as usize;
        self.windows[window].saturating_record(now.saturating_sub(due));
        self.answered += 1;
        self.in_time += u64::from(now <= self.end);
        self.last = now;
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered
    }

    pub(super) fn done(&self) -> Result<Done, Failure> {
        let mut all = histogram()?;
        for window in &self.windows {
            all.add(window)?;
        }
        let of = |histogram: &Histogram<u64>, part| histogram.value_at_quantile(part) as f64 / 1e3;
        let windows = Spread::of(self.windows.iter().map(|window| of(window, 0.99)));
        Ok(Done {
            seconds: self.last as f64 / 1e9,
            received: Some(self.in_time),
            median: Some(of(&all, 0.5)),
            window_p99: windows.map(|windows| windows.median),
            p99: Some(of(&all, 0.99)),
            p999: Some(of(&all, 0.999)),
            ..Done::default()
        })
    }
}

/// Returns a histogram of three digits.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(SHORTEST, LONGEST, 3)?)
}

/// The shortest latency in nanoseconds that is distinguished.
const SHORTEST: u64 = 1_000;

/// The longest one: the time limit of a command.
const LONGEST: u64 = 20_000_000_000;

/// The duration of a window in nanoseconds: short enough that most windows contain no pause of the
/// machine.
const WINDOW: u64 = 20_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_in_one_window_does_not_change_the_median_of_the_windows() {
        let schedule = Schedule::new(10_000, 3_000);
        let mut tally = Tally::new(&schedule).expect("the histograms are valid");
        for number in 0..3_000 {
            let due = schedule.due(number);
            let latency = if number < 90 { 5_000_000 } else { 70_000 };
            tally.add(due, due + latency);
        }
        let done = tally.done().expect("the histograms have the same range");
        let near = |value: Option<f64>, expected: f64| {
            value.is_some_and(|value| (value / expected - 1.0).abs() < 0.01)
        };
        assert!(near(done.window_p99, 70.0), "{done:?}");
        assert!(near(done.p99, 5_000.0), "{done:?}");
    }
}
