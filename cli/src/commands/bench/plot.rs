//! Percentiles in the terminal.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The percentiles that are shown, with their names.
pub(super) const PERCENTILES: &[(&str, f64)] = &[
    ("min", 0.0),
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
    ("max", 100.0),
];

/// Returns a line for each percentile, with a bar on a logarithmic scale.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> String {
    let value = |at: f64| match at {
        0.0 => histogram.min(),
        at => histogram.value_at_percentile(at),
    };
    let (low, high) = (histogram.min().max(1) as f64, histogram.max().max(1) as f64);
    // From half of the lowest value, so that it has a bar as well.
    let (low, high) = ((low / 2.0).ln(), high.ln());
    let lines = PERCENTILES.iter().map(|(name, at)| {
        let nanoseconds = value(*at);
        let part = ((nanoseconds.max(1) as f64).ln() - low) / (high - low).max(f64::EPSILON);
        let bar = "▇".repeat((part.clamp(0.0, 1.0) * WIDTH).round() as usize);
        format!("  {name:<7}{:>10}  {bar}", shown(nanoseconds))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A time with three digits, such as `71.3 µs`.
pub(super) fn shown(nanoseconds: u64) -> String {
    let time = Duration::from_nanos(nanoseconds);
    let (number, unit) = match nanoseconds {
        0..1_000 => (nanoseconds as f64, "ns"),
        1_000..1_000_000 => (nanoseconds as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanoseconds as f64 / 1e6, "ms"),
        _ => (time.as_secs_f64(), "s"),
    };
    let digits = match number {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}

/// The longest bar in characters.
const WIDTH: f64 = 50.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits() {
        let times = [713, 71_349, 9_999, 1_234_567, 12_345_678_901];
        let expected = ["713 ns", "71.3 µs", "10.00 µs", "1.23 ms", "12.3 s"];
        assert_eq!(times.map(shown), expected);
    }

    #[test]
    fn bars_grow_with_the_percentile() {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
        (1..=1000).for_each(|value| histogram.record(value * 1000).unwrap());
        let text = percentiles(&histogram);
        let lengths: Vec<_> = text.lines().map(|line| line.matches('▇').count()).collect();
        assert!(lengths.is_sorted() && lengths[0] > 0, "{text}");
        assert_eq!(lengths.last(), Some(&50));
    }
}
