//! One-way throughput within one process: over a direct connection, through a proxy, and through a
//! loop that receives and sends.
//!
//! `cargo bench --bench proxy [-- tcp|ipc|inproc] [SIZE ...]`, sizes in bytes. Rounds of the three
//! alternate. It prints the medians, and the median ratios to the direct connection. A message
//! through a proxy passes two connections. With `RUNTIME=current-thread`, all tasks run on one
//! thread instead of two workers.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]

use std::env;
use std::error::Error;
use std::io;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio_zmtp::{Endpoint, Gather, InprocEndpoint, Message, Scatter, proxy};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    println!(
        "{:>8} {:>12} {:>12} {:>12}   messages/s in thousands (proxy / direct, loop / direct)",
        "bytes", "direct", "proxy", "loop"
    );
    for size in sizes() {
        let mut rates = [const { Vec::new() }; 5];
        for _ in 0..ROUNDS {
            let [direct, through, looped] =
                [Intermediary::None, Intermediary::Proxy, Intermediary::Loop]
                    .map(|between| runtime.block_on(measure(between, size)));
            let (direct, through, looped) = (direct?, through?, looped?);
            let round = [direct, through, looped, through / direct, looped / direct];
            rates.iter_mut().zip(round).for_each(|(rates, rate)| rates.push(rate));
        }
        let [direct, through, looped, ratio, ratio_of_loop] = rates.map(median);
        println!(
            "{size:>8} {direct:>12.0} {through:>12.0} {looped:>12.0}   ({ratio:.2}, {ratio_of_loop:.2})"
        );
    }
    Ok(())
}

/// The path between the two sockets.
#[derive(Clone, Copy)]
enum Intermediary {
    None,
    Proxy,
    Loop,
}

/// Returns thousands of messages per second.
async fn measure(between: Intermediary, size: usize) -> Result<f64, Box<dyn Error>> {
    let (scatter, frontend) = pair().await?;
    let sender = tokio::spawn({
        let message = Message::from(vec![7; size]);
        async move {
            for _ in 0..count(size) {
                scatter.send(&message).await.expect("the socket is open");
            }
            scatter
        }
    });
    let seconds = match between {
        Intermediary::None => receive(size, &frontend).await?,
        Intermediary::Proxy | Intermediary::Loop => {
            let (backend, gather) = pair().await?;
            let between = if let Intermediary::Proxy = between {
                let proxy = proxy(&frontend, &backend);
                tokio::spawn(async move {
                    proxy.await;
                })
            } else {
                tokio::spawn(async move {
                    while let Ok(message) = frontend.recv().await {
                        if backend.send(message).await.is_err() {
                            break;
                        }
                    }
                })
            };
            let seconds = receive(size, &gather).await?;
            between.abort();
            seconds
        }
    };
    drop(sender.await?);
    Ok(f64::from(count(size)) / seconds / 1e3)
}

/// Returns the seconds that all messages take.
async fn receive(size: usize, gather: &Gather) -> Result<f64, Box<dyn Error>> {
    gather.recv().await?;
    let start = Instant::now();
    for _ in 1..count(size) {
        assert_eq!(gather.recv().await?.len(), size);
    }
    Ok(start.elapsed().as_secs_f64().max(1e-9))
}

async fn pair() -> Result<(Scatter, Gather), Box<dyn Error>> {
    let gather = Gather::builder().bind(endpoint()?).await?;
    let scatter = Scatter::new();
    scatter.connect(gather.last_endpoint().ok_or("the socket is not bound")?).await?;
    scatter.remotes().connected().await?;
    Ok((scatter, gather))
}

fn endpoint() -> Result<Endpoint, Box<dyn Error>> {
    let transport = env::args().find(|argument| ["ipc", "inproc"].contains(&argument.as_str()));
    Ok(match transport.as_deref() {
        Some("ipc") => "ipc://*".parse()?,
        Some(_) => InprocEndpoint::unique().into(),
        None => "tcp://127.0.0.1:*".parse()?,
    })
}

fn runtime() -> io::Result<Runtime> {
    if env::var("RUNTIME").is_ok_and(|runtime| runtime == "current-thread") {
        return Builder::new_current_thread().enable_all().build();
    }
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

fn sizes() -> Vec<usize> {
    let sizes: Vec<_> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() { vec![64, 1_024, 65_536] } else { sizes }
}

/// Returns the number of messages of a measurement, which is smaller for longer messages.
fn count(size: usize) -> u32 {
    u32::try_from(2_000_000_000 / (size + 500))
        .map_or(MESSAGES_MAX, |count| count.min(MESSAGES_MAX))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

const MESSAGES_MAX: u32 = 2_000_000;

/// The number of rounds of a measurement. Their median is the result, because machines are noisy.
const ROUNDS: usize = 7;
