//! One-way throughput between two processes, over loopback TCP or over `ipc`: from a client to a
//! server, and from a scatter to a gather, in alternating rounds.
//!
//! `cargo bench --bench throughput [-- ipc] [SIZE ...]`, sizes in bytes. It prints the medians of
//! several rounds. With `RUNTIME=multi-thread`, the runtime of each process has two workers instead
//! of one thread.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]
#![expect(dead_code, reason = "the processes measure latency as well")]

mod processes;

use std::error::Error;

use crate::processes::throughput::{CLIENT_TO_SERVER, Pair, SCATTER_TO_GATHER};
use crate::processes::{ROUNDS, median, throughput};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(done) = processes::role() {
        return done;
    }
    println!("{:>8} {:>16} {:>14} {:>12}", "bytes", "", "messages/s", "MB/s");
    for size in processes::sizes() {
        let mut rates = PAIRS.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for ((_, pair), rates) in PAIRS.iter().zip(&mut rates) {
                let count = throughput::count(size);
                rates.push(throughput::measure(*pair, processes::endpoint(), count, size)?);
            }
        }
        for ((name, _), rates) in PAIRS.iter().zip(&mut rates) {
            let rate = median(rates);
            println!("{size:>8} {name:>16} {rate:>14.0} {:>12.1}", rate * size as f64 / 1e6);
        }
    }
    Ok(())
}

const PAIRS: [(&str, Pair); 2] =
    [("CLIENT SERVER", CLIENT_TO_SERVER), ("SCATTER GATHER", SCATTER_TO_GATHER)];
