//! Times rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use micro::benchmarks::Round;

/// Times rounds of this number of messages, without their preparation. Each round includes reading
/// the clock twice, about 20 ns, which matters for short rounds.
pub(crate) fn time(criterion: &mut Criterion, name: &str, messages: usize, mut round: impl Round) {
    let (group, function) = name.split_once('/').unwrap_or((name, "all"));
    let mut group = criterion.benchmark_group(group);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(messages as u64));
    group.bench_function(function, |bencher| {
        bencher.iter_custom(|rounds| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..rounds {
                round.prepare();
                let start = Instant::now();
                black_box(&mut round).run();
                elapsed += start.elapsed();
            }
            elapsed
        });
    });
    group.finish();
}
