//! One-way throughput from a client to a server: two processes over loopback TCP, or over `ipc`.
//!
//! `cargo bench --bench throughput [-- ipc] [SIZE ...]`, sizes in bytes; the median of some rounds
//! is printed. `RUNTIME=multi-thread` gives each process a runtime with two workers instead of one
//! thread.

#![expect(clippy::print_stdout, reason = "the result is what it prints")]
#![expect(dead_code, reason = "the processes measure latency as well")]

mod processes;

use std::error::Error;

use crate::processes::{ROUNDS, median, throughput};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(done) = processes::role() {
        return done;
    }
    println!("{:>8} {:>14} {:>12}", "bytes", "messages/s", "MB/s");
    for size in processes::sizes() {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            rates.push(throughput::measure(processes::endpoint(), throughput::count(size), size)?);
        }
        let rate = median(&mut rates);
        println!("{size:>8} {rate:>14.0} {:>12.1}", rate * size as f64 / 1e6);
    }
    Ok(())
}
