//! Percentiles as a diagram in SVG: latency over the percentile, whose scale stretches the end.

use std::fmt::Write;

use hdrhistogram::Histogram;

use super::plot::shown;

/// Returns the diagram.
pub(super) fn percentiles(histogram: &Histogram<u64>, rate: f64) -> String {
    let count = histogram.len().max(1) as f64;
    // The scale ends where the number of requests does not distinguish percentiles anymore.
    let nines = count.log10().max(1.0);
    let x = |part: f64| {
        let left = (1.0 - part).max(1.0 / count);
        LEFT + (-left.log10() / nines).clamp(0.0, 1.0) * WIDTH
    };
    let top = nice(histogram.max().max(1));
    let y = |nanoseconds: u64| TOP + HEIGHT - nanoseconds as f64 / top as f64 * HEIGHT;

    let mut svg = String::new();
    let (width, height) = (LEFT + WIDTH + 30.0, TOP + HEIGHT + 50.0);
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">Latency of {} requests at {rate:.0} requests/s</text>",
        histogram.len()
    );
    for step in 0..=STEPS {
        let nanoseconds = top / STEPS * step;
        let at = y(nanoseconds);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT + WIDTH,
            LEFT - 6.0,
            at + 4.0,
            shown(nanoseconds)
        );
    }
    for (name, part) in [
        ("0 %", 0.0),
        ("90 %", 0.9),
        ("99 %", 0.99),
        ("99.9 %", 0.999),
        ("99.99 %", 0.9999),
        ("99.999 %", 0.99999),
    ] {
        if 1.0 - part < 1.0 / count {
            continue;
        }
        let (at, bottom) = (x(part), TOP + HEIGHT);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"#eee\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            bottom + 18.0
        );
    }
    let points = histogram.iter_quantiles(5).map(|value| {
        let (x, y) = (x(value.quantile_iterated_to()), y(value.value_iterated_to()));
        format!("{x:.1},{y:.1}")
    });
    let points = points.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"2\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">percentile</text>\n</svg>",
        LEFT + WIDTH / 2.0,
        TOP + HEIGHT + 40.0
    );
    svg
}

/// Returns the next number whose steps have few digits.
fn nice(nanoseconds: u64) -> u64 {
    let mut power = STEPS;
    loop {
        for factor in [1, 2, 4, 5] {
            if power.saturating_mul(factor) >= nanoseconds {
                return power.saturating_mul(factor);
            }
        }
        power = power.saturating_mul(10);
    }
}

const LEFT: f64 = 80.0;
const TOP: f64 = 36.0;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;

/// The number of horizontal lines above the first.
const STEPS: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagram_has_a_line_through_all_percentiles() {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
        (1..=1000).for_each(|value| histogram.record(value).unwrap());
        let svg = percentiles(&histogram, 100.0);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("99.9 %") && !svg.contains("99.99 %"));
        let line = svg.lines().find(|line| line.starts_with("<polyline")).unwrap();
        assert!(line.matches(',').count() > 20, "{line}");
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn the_scale_ends_at_a_number_with_few_digits() {
        assert_eq!([1, 5, 6, 71_000, 1_300_000].map(nice), [5, 5, 10, 100_000, 2_000_000]);
    }
}
