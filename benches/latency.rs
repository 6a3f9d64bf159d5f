//! Round trips of one message between a client and a server: two processes over loopback TCP.
//!
//! `cargo bench --bench latency [-- SIZE ...]`, sizes in octets. The median of some rounds is printed
//! for each percentile. `RUNTIME=multi-thread` gives each process a runtime with two workers instead
//! of one thread.

#![expect(clippy::print_stdout, reason = "the result is what it prints")]

mod processes;

use std::error::Error;
use std::time::Instant;

use tokio_zmtp::{Client, Message, Server};

use crate::processes::{Child, Role, median, run};

fn main() -> Result<(), Box<dyn Error>> {
    match processes::role() {
        Role::Server { size, count } => run(server(size, count)),
        Role::Client { endpoint, size, count } => run(client(&endpoint, size, count)),
        Role::Parent { sizes } => parent(&sizes),
    }
}

fn parent(sizes: &[usize]) -> Result<(), Box<dyn Error>> {
    println!("{:>8} {:>10} {:>10}", "octets", "p50 µs", "p99 µs");
    for &size in sizes {
        let count = 30_000;
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for _ in 0..processes::ROUNDS {
            let mut server = Child::server(size, count)?;
            let mut client = Child::client(&server.line()?, size, count)?;
            p50.push(client.line()?.parse::<f64>()?);
            p99.push(client.line()?.parse::<f64>()?);
            client.finish()?;
            server.finish()?;
        }
        println!("{size:>8} {:>10.1} {:>10.1}", median(&mut p50), median(&mut p99));
    }
    Ok(())
}

async fn server(_size: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let server = Server::bind("tcp://127.0.0.1:*").await?;
    println!("{}", server.last_endpoint().ok_or("bound")?);
    for _ in 0..count + WARM_UP {
        let request = server.recv().await?;
        server.reply(&request, &request).await?;
    }
    assert_eq!(server.close().await.undelivered, 0);
    Ok(())
}

async fn client(endpoint: &str, size: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let client = Client::connect(endpoint).await?;
    let message = Message::from(vec![7; size]);
    let mut trips = Vec::with_capacity(count);
    for trip in 0..count + WARM_UP {
        let start = Instant::now();
        client.send(&message).await?;
        assert_eq!(client.recv().await?.len(), size);
        if trip >= WARM_UP {
            trips.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    trips.sort_unstable_by(f64::total_cmp);
    println!("{}", trips[trips.len() / 2]);
    println!("{}", trips[trips.len() * 99 / 100]);
    Ok(())
}

/// Round trips before those that count.
const WARM_UP: usize = 1_000;
