//! One-way throughput of this crate and of libzmq, in turn: two processes each, over loopback TCP, or
//! over `ipc`.
//!
//! `cargo bench -p interop --bench throughput [-- ipc] [SIZE ...]`, sizes in octets. The medians of some rounds are printed,
//! and the median, the least and the greatest ratio of neighbouring rounds: a noisy machine is noisy
//! for both. `MECHANISM=curve` measures both with CURVE, libzmq's by libsodium. libzmq is measured as its own tools `local_thr` and `remote_thr` do it.

#![expect(clippy::print_stdout, reason = "the result is what it prints")]
#![expect(dead_code, reason = "the processes measure latency as well")]

#[path = "../../benches/processes/mod.rs"]
mod processes;

use std::error::Error;

use crate::processes::{Child, ROUNDS, median, throughput};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(done) = processes::role() {
        return done;
    }
    println!(
        "{:>8} {:>14} {:>14} {:>7}   (least - greatest)",
        "octets", "messages/s", "libzmq", "ratio"
    );
    for size in processes::sizes() {
        let count = throughput::count(size);
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let endpoint = processes::endpoint();
            let our_rate = throughput::measure(endpoint, count, size)?;
            let their_rate = libzmq(endpoint, count / 3, size)?;
            ours.push(our_rate);
            theirs.push(their_rate);
            ratios.push(our_rate / their_rate);
        }
        let (our_rate, their_rate) = (median(&mut ours), median(&mut theirs));
        let ratio = median(&mut ratios);
        println!(
            "{size:>8} {our_rate:>14.0} {their_rate:>14.0} {ratio:>7.2}   ({:.2} - {:.2})",
            ratios[0],
            ratios[ratios.len() - 1],
        );
    }
    Ok(())
}

/// One round of libzmq; returns messages per second.
fn libzmq(endpoint: &str, count: usize, size: usize) -> Result<f64, Box<dyn Error>> {
    let mut server = Child::spawn(LIBZMQ, "thr-server", endpoint, count, size)?;
    let bound = server.line()?;
    let endpoint = bound.strip_prefix("bound ").ok_or("the server says what it is bound to")?;
    let client = Child::spawn(LIBZMQ, "thr-client", endpoint, count, size)?;
    let result = server.line()?;
    let rate = result.split("messages_per_second=").nth(1).and_then(|rest| rest.split(' ').next());
    let rate = rate.ok_or("the server says how fast it was")?.parse()?;
    client.finish()?;
    server.finish()?;
    Ok(rate)
}

const LIBZMQ: &str = env!("CARGO_BIN_EXE_libzmq-perf");
