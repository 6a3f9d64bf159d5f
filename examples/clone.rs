//! Clients that share a table of keys and values with a server: Clone, as in the ZeroMQ guide.
//!
//! `cargo run --example clone`
//!
//! A client sends its changes to the server, which numbers them and publishes them to all clients. A
//! new client subscribes to the changes, and then requests a snapshot of the table. A client notices
//! by the number of a change that it has missed one, and requests another snapshot.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Dealer, Endpoint, Multipart, Pub, Pull, Push, Router, Sub};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let server = Server::bind().await?;
    let endpoints = server.endpoints()?;
    let serving = tokio::spawn(server.run());
    let early = tokio::spawn(client("early", endpoints.clone(), CHANGES));
    let other = tokio::spawn(client("other", endpoints.clone(), CHANGES));
    let (early, other) = (early.await??, other.await??);
    let late = client("late", endpoints, 0).await?;
    println!("all tables are equal: {}", early == other && other == late);
    serving.abort();
    Ok(())
}

/// Makes changes, and follows those of all clients. Returns the table after all changes.
async fn client(
    name: &str,
    endpoints: Endpoints,
    changes: u64,
) -> Result<BTreeMap<String, String>> {
    let mut client = Client::connect(endpoints).await?;
    for number in 0..changes {
        client.changes.send([&format!("{name}.{}", number % 10), &number.to_string()]).await?;
    }
    while client.sequence < 2 * CHANGES {
        client.update().await?;
    }
    println!("{name}: {} keys after {} snapshots", client.table.len(), client.snapshots_read);
    Ok(client.table)
}

/// The endpoints of the server: for changes of clients, changes for clients, and snapshots.
#[derive(Clone)]
struct Endpoints {
    collector: Endpoint,
    publisher: Endpoint,
    snapshots: Endpoint,
}

/// Keeps the table.
struct Server {
    collector: Pull,
    publisher: Pub,
    snapshots: Router,
    table: BTreeMap<String, String>,
    /// The number of the last change.
    sequence: u64,
}

impl Server {
    async fn bind() -> Result<Self> {
        Ok(Self {
            collector: Pull::builder().bind(ANY).await?,
            publisher: Pub::builder().bind(ANY).await?,
            snapshots: Router::builder().bind(ANY).await?,
            table: BTreeMap::new(),
            sequence: 0,
        })
    }

    fn endpoints(&self) -> Result<Endpoints> {
        let missing = "the server is not bound";
        Ok(Endpoints {
            collector: self.collector.last_endpoint().ok_or(missing)?,
            publisher: self.publisher.last_endpoint().ok_or(missing)?,
            snapshots: self.snapshots.last_endpoint().ok_or(missing)?,
        })
    }

    async fn run(mut self) -> Result {
        let mut clock = time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                change = self.collector.recv() => {
                    let [key, value] = texts(&change?)?;
                    self.sequence += 1;
                    let sequence = self.sequence.to_string();
                    self.publisher.send([&key, &sequence, &value]).await?;
                    self.table.insert(key, value);
                }
                request = self.snapshots.recv() => {
                    let request = request?;
                    // While this loop runs, no change is made.
                    for (key, value) in &self.table {
                        self.snapshots.reply(&request, ["entry", key, value]).await?;
                    }
                    self.snapshots.reply(&request, ["end", &self.sequence.to_string(), ""]).await?;
                }
                // Without another change, a client would not notice that it has missed the last one.
                _ = clock.tick() => {
                    self.publisher.send(["", &self.sequence.to_string(), ""]).await?;
                }
            }
        }
    }
}

/// Has a copy of the table.
struct Client {
    changes: Push,
    updates: Sub,
    snapshots: Dealer,
    table: BTreeMap<String, String>,
    /// The number of the last change in the table.
    sequence: u64,
    snapshots_read: usize,
}

impl Client {
    async fn connect(endpoints: Endpoints) -> Result<Self> {
        let updates = Sub::new();
        updates.subscribe("")?;
        updates.connect(endpoints.publisher).await?;
        let mut client = Self {
            changes: Push::builder().connect(endpoints.collector).await?,
            updates,
            snapshots: Dealer::builder().connect(endpoints.snapshots).await?,
            table: BTreeMap::new(),
            sequence: 0,
            snapshots_read: 0,
        };
        client.read_snapshot().await?;
        Ok(client)
    }

    /// Replaces the table.
    async fn read_snapshot(&mut self) -> Result {
        self.snapshots.send("snapshot").await?;
        self.table.clear();
        loop {
            let [kind, key, value] = texts(&self.snapshots.recv().await?)?;
            if kind == "end" {
                self.sequence = key.parse()?;
                self.snapshots_read += 1;
                return Ok(());
            }
            self.table.insert(key, value);
        }
    }

    /// Applies the next change of any client.
    async fn update(&mut self) -> Result {
        let [key, sequence, value] = texts(&self.updates.recv().await?)?;
        let sequence: u64 = sequence.parse()?;
        // The snapshot already contains changes up to its number.
        if sequence <= self.sequence {
            return Ok(());
        }
        if key.is_empty() || sequence > self.sequence + 1 {
            return self.read_snapshot().await;
        }
        self.table.insert(key, value);
        self.sequence = sequence;
        Ok(())
    }
}

/// Returns the parts of a message.
fn texts<const N: usize>(message: &Multipart) -> Result<[String; N]> {
    let texts = message.iter().map(|part| String::from_utf8(part.to_vec()));
    let texts = texts.collect::<std::result::Result<Vec<_>, _>>()?;
    texts.try_into().map_err(|_| "a message has another number of parts".into())
}

const ANY: &str = "tcp://127.0.0.1:*";

/// The number of changes that each client makes.
const CHANGES: u64 = 200;
