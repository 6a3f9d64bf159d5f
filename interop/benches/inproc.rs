//! One-way throughput over `inproc` of this crate and of libzmq, in turn: a client and a server in one
//! process, this crate's in two tasks on two workers, libzmq's in two threads.
//!
//! `cargo bench -p interop --bench inproc [-- SIZE ...]`, sizes in octets. The medians of some rounds
//! are printed, and the median, the least and the greatest ratio of neighbouring rounds.

#![expect(clippy::print_stdout, reason = "the result is what it prints")]

use std::env;
use std::error::Error;
use std::thread;
use std::time::Instant;

use interop::{Context, Message, Socket, SocketType};
use tokio::runtime::{Builder, Runtime};
use tokio_zmtp::{Client, InprocEndpoint, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!(
        "{:>8} {:>14} {:>14} {:>7}   (least - greatest)",
        "octets", "messages/s", "libzmq", "ratio"
    );
    for size in sizes() {
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (our_rate, their_rate) = (ours_one_way(&runtime, size)?, libzmq_one_way(size)?);
            ours.push(our_rate);
            theirs.push(their_rate);
            ratios.push(our_rate / their_rate);
        }
        for values in [&mut ours, &mut theirs, &mut ratios] {
            values.sort_unstable_by(f64::total_cmp);
        }
        println!(
            "{size:>8} {:>14.0} {:>14.0} {:>7.2}   ({:.2} - {:.2})",
            ours[ROUNDS / 2],
            theirs[ROUNDS / 2],
            ratios[ROUNDS / 2],
            ratios[0],
            ratios[ROUNDS - 1],
        );
    }
    Ok(())
}

/// The clock runs from the first message to the last; returns messages per second.
fn ours_one_way(runtime: &Runtime, size: usize) -> Result<f64, Box<dyn Error>> {
    let received = runtime.block_on(async move {
        let endpoint = InprocEndpoint::unique();
        let server = Server::bind(endpoint.clone()).await?;
        let client = Client::connect(endpoint).await?;
        let receiver = tokio::spawn(async move {
            server.recv().await.expect("the socket is open");
            let start = Instant::now();
            for _ in 1..count(size) {
                let message = server.recv().await.expect("the socket is open");
                assert_eq!(message.len(), size);
            }
            start.elapsed()
        });
        let message = tokio_zmtp::Message::from(vec![7; size]);
        for _ in 0..count(size) {
            client.send(&message).await?;
        }
        Ok::<_, Box<dyn Error>>(receiver.await?)
    })?;
    Ok(f64::from(count(size) - 1) / received.as_secs_f64())
}

fn libzmq_one_way(size: usize) -> Result<f64, Box<dyn Error>> {
    let context = Context::new()?;
    let server = Socket::new(&context, SocketType::Server)?;
    server.bind("inproc://bench")?;
    let client = Socket::new(&context, SocketType::Client)?;
    client.connect("inproc://bench")?;
    let sender = thread::spawn(move || {
        for _ in 0..count(size) {
            let mut message = Message::zeroed(size).expect("there is memory");
            client.send_message(&mut message).expect("the context is open");
        }
        client
    });
    let mut message = Message::new()?;
    server.recv_message(&mut message)?;
    let start = Instant::now();
    for _ in 1..count(size) {
        server.recv_message(&mut message)?;
        assert_eq!(message.body().len(), size);
    }
    let elapsed = start.elapsed();
    drop(sender.join().expect("the sender does not panic"));
    Ok(f64::from(count(size) - 1) / elapsed.as_secs_f64())
}

/// How many messages are a measurement, and no long one where each octet is touched.
fn count(size: usize) -> u32 {
    u32::try_from(20_000_000_000 / (size + 200))
        .map_or(MESSAGES_MAX, |count| count.min(MESSAGES_MAX))
}

fn sizes() -> Vec<usize> {
    let sizes: Vec<_> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() { vec![64, 1_024, 65_536] } else { sizes }
}

const MESSAGES_MAX: u32 = 3_000_000;

/// The machine is noisy: the median of this many rounds is what counts.
const ROUNDS: usize = 5;
