//! `inproc` compared with bounded channels of Tokio, in one process: one-way throughput and round
//! trips between two tasks.
//!
//! `cargo bench --bench inproc [-- SIZE ...]`, sizes in bytes. Rounds of the two alternate. It
//! prints the medians, and the median, the least and the greatest ratio of neighboring rounds. The
//! channel has the capacity of the sockets' two queues together. With `RUNTIME=current-thread`,
//! both tasks run on one thread instead of two workers.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_zmtp::{Client, InprocEndpoint, Message, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    println!(
        "{:>8} {:>10} {:>12} {:>12} {:>7}   (least - greatest)",
        "bytes", "", "inproc", "mpsc", "ratio"
    );
    for size in sizes() {
        compare("M/s", size, || {
            let ours = runtime.block_on(sockets_one_way(size))?;
            let theirs = runtime.block_on(channel_one_way(size))?;
            let messages = f64::from(count(size));
            Ok((messages / ours / 1e6, messages / theirs / 1e6))
        })?;
        compare("us/trip", size, || {
            let ours = runtime.block_on(sockets_round_trip(size))?;
            let theirs = runtime.block_on(channels_round_trip(size))?;
            Ok((ours / f64::from(TRIPS) * 1e6, theirs / f64::from(TRIPS) * 1e6))
        })?;
    }
    Ok(())
}

/// Prints the medians of several rounds and of their ratios.
fn compare(
    unit: &str,
    size: usize,
    round: impl Fn() -> Result<(f64, f64), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (our, their) = round()?;
        ours.push(our);
        theirs.push(their);
        ratios.push(our / their);
    }
    for values in [&mut ours, &mut theirs, &mut ratios] {
        values.sort_unstable_by(f64::total_cmp);
    }
    let at = ROUNDS / 2;
    println!(
        "{size:>8} {unit:>10} {:>12.2} {:>12.2} {:>7.2}   ({:.2} - {:.2})",
        ours[at],
        theirs[at],
        ratios[at],
        ratios[0],
        ratios[ROUNDS - 1],
    );
    Ok(())
}

async fn sockets_one_way(size: usize) -> Result<f64, Box<dyn Error>> {
    let (client, server) = pair().await?;
    let message = Message::from(vec![7; size]);
    let sender = tokio::spawn(async move {
        for _ in 0..count(size) {
            client.send(&message).await.expect("the socket is open");
        }
        client
    });
    server.recv().await?;
    let start = Instant::now();
    for _ in 1..count(size) {
        assert_eq!(server.recv().await?.len(), size);
    }
    let elapsed = start.elapsed();
    drop(sender.await?);
    Ok(seconds(elapsed))
}

async fn channel_one_way(size: usize) -> Result<f64, Box<dyn Error>> {
    let (tx, mut rx) = mpsc::channel(CAPACITY);
    let message = Message::from(vec![7; size]);
    let sender = tokio::spawn(async move {
        for _ in 0..count(size) {
            tx.send(message.clone()).await.expect("the channel is open");
        }
    });
    rx.recv().await;
    let start = Instant::now();
    for _ in 1..count(size) {
        assert_eq!(rx.recv().await.map(|message| message.len()), Some(size));
    }
    let elapsed = start.elapsed();
    sender.await?;
    Ok(seconds(elapsed))
}

async fn sockets_round_trip(size: usize) -> Result<f64, Box<dyn Error>> {
    let (client, server) = pair().await?;
    let echo = tokio::spawn(async move {
        while let Ok(request) = server.recv().await {
            if server.reply(&request, &request).await.is_err() {
                break;
            }
        }
    });
    let message = Message::from(vec![7; size]);
    let start = Instant::now();
    for _ in 0..TRIPS {
        client.send(&message).await?;
        client.recv().await?;
    }
    let elapsed = start.elapsed();
    echo.abort();
    Ok(seconds(elapsed))
}

async fn channels_round_trip(size: usize) -> Result<f64, Box<dyn Error>> {
    let (requests, mut received) = mpsc::channel::<Message>(CAPACITY);
    let (replies, mut replied) = mpsc::channel::<Message>(CAPACITY);
    tokio::spawn(async move {
        while let Some(request) = received.recv().await {
            if replies.send(request).await.is_err() {
                break;
            }
        }
    });
    let message = Message::from(vec![7; size]);
    let start = Instant::now();
    for _ in 0..TRIPS {
        requests.send(message.clone()).await?;
        replied.recv().await;
    }
    Ok(seconds(start.elapsed()))
}

async fn pair() -> Result<(Client, Server), Box<dyn Error>> {
    let endpoint = InprocEndpoint::unique();
    let server = Server::new();
    server.bind(endpoint.clone()).await?;
    let client = Client::new();
    client.connect(endpoint).await?;
    client.remotes().connected().await?;
    Ok((client, server))
}

fn runtime() -> std::io::Result<Runtime> {
    if env::var("RUNTIME").is_ok_and(|runtime| runtime == "current-thread") {
        return Builder::new_current_thread().enable_all().build();
    }
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

fn sizes() -> Vec<usize> {
    let sizes: Vec<_> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() { vec![64, 1_024, 65_536] } else { sizes }
}

/// Returns the number of messages of a one-way measurement, which is smaller for longer messages.
fn count(size: usize) -> u32 {
    u32::try_from(20_000_000_000 / (size + 200))
        .map_or(MESSAGES_MAX, |count| count.min(MESSAGES_MAX))
}

fn seconds(elapsed: Duration) -> f64 {
    elapsed.max(Duration::from_nanos(1)).as_secs_f64()
}

/// The sum of the default high-water marks of a sender and a receiver.
const CAPACITY: usize = 2_000;

const MESSAGES_MAX: u32 = 5_000_000;

const TRIPS: u32 = 50_000;

/// The number of rounds of a measurement. Their median is the result, because machines are noisy.
const ROUNDS: usize = 5;
