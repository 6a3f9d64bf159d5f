//! One-way throughput from a client to a server: two processes over loopback TCP.
//!
//! `cargo bench --bench throughput [-- SIZE ...]`, sizes in octets. The median of some rounds is
//! printed. `RUNTIME=multi-thread` gives each process a runtime with two workers instead of one
//! thread.

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
    println!("{:>8} {:>14} {:>12}", "octets", "messages/s", "MB/s");
    for &size in sizes {
        // About a second for each round.
        let count = (2_000_000_000 / (size + 200)).min(8_000_000);
        let mut rates = Vec::new();
        for _ in 0..processes::ROUNDS {
            let mut server = Child::server(size, count)?;
            let client = Child::client(&server.line()?, size, count)?;
            rates.push(server.line()?.parse::<f64>()?);
            client.finish()?;
            server.finish()?;
        }
        let rate = median(&mut rates);
        println!("{size:>8} {rate:>14.0} {:>12.1}", rate * size as f64 / 1e6);
    }
    Ok(())
}

/// The clock runs from the first message to the last.
async fn server(size: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let server = Server::bind("tcp://127.0.0.1:*").await?;
    println!("{}", server.last_endpoint().ok_or("bound")?);
    server.recv().await?;
    let start = Instant::now();
    for _ in 1..count {
        assert_eq!(server.recv().await?.len(), size);
    }
    println!("{}", (count - 1) as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

async fn client(endpoint: &str, size: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let client = Client::connect(endpoint).await?;
    let message = Message::from(vec![7; size]);
    for _ in 0..count {
        client.send(&message).await?;
    }
    assert_eq!(client.close().await.undelivered, 0);
    Ok(())
}
