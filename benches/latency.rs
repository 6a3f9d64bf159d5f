//! Round trips of one message between a client and a server: two processes over loopback TCP, or
//! over `ipc`.
//!
//! `cargo bench --bench latency [-- ipc] [SIZE ...]`, sizes in bytes. It prints the median of
//! several rounds for each percentile. With `RUNTIME=multi-thread`, the runtime of each process has
//! two workers instead of one thread.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]
#![expect(dead_code, reason = "the processes measure throughput as well")]

mod processes;

use std::error::Error;

use crate::processes::{ROUNDS, latency, median};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(done) = processes::role() {
        return done;
    }
    println!("{:>8} {:>10} {:>10}", "bytes", "p50 µs", "p99 µs");
    for size in processes::sizes() {
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let trip = latency::measure(processes::endpoint(), ROUND_TRIPS, size)?;
            p50.push(trip.p50);
            p99.push(trip.p99);
        }
        println!("{size:>8} {:>10.1} {:>10.1}", median(&mut p50), median(&mut p99));
    }
    Ok(())
}

const ROUND_TRIPS: usize = 30_000;
