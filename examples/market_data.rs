//! A publisher of prices, and displays that are up to date even if they are late or slow.
//!
//! ```sh
//! cargo run --example market_data
//! ```
//!
//! A display receives the last price of each of its instruments immediately after it subscribes. A
//! slow display skips prices, but always receives the last one: a new price replaces the queued
//! price of the same instrument. The publisher shows how many prices were replaced for each
//! display.
//!
//! Without arguments, the publisher and three displays run in one program, which ends by itself. In
//! several terminals:
//!
//! ```sh
//! cargo run --example market_data publisher tcp://127.0.0.1:5555
//! cargo run --example market_data display tcp://127.0.0.1:5555 metal.
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time;
use tokio_zmtp::{Endpoint, SlowSubscriber, Sub, Upstream, Verbosity, XPub};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demonstrate().await,
        ["publisher", endpoint] => {
            let mut publisher = Publisher::bind(endpoint).await?;
            loop {
                publisher.publish(20, Duration::from_millis(50)).await?;
                publisher.show_displays();
            }
        }
        ["display", endpoint, topic] => {
            let display = Display::connect(endpoint.parse()?, topic).await?;
            while let Some((instrument, price)) = display.next().await? {
                println!("{instrument:13} {price:>6}");
            }
            Ok(())
        }
        _ => Err("usage: market_data [publisher ENDPOINT | display ENDPOINT TOPIC]".into()),
    }
}

/// Runs a display that reads immediately, one that reads nothing before the end, and one that
/// subscribes late.
async fn demonstrate() -> Result {
    let mut publisher = Publisher::bind("tcp://127.0.0.1:*").await?;
    let endpoint = publisher.socket.last_endpoint().ok_or("the publisher is not bound")?;
    let fast = tokio::spawn(Display::connect(endpoint.clone(), "").await?.collect(None));
    let (end, ended) = oneshot::channel();
    let slow = tokio::spawn(Display::connect(endpoint.clone(), "").await?.collect(Some(ended)));
    publisher.wait_for_displays("", 2).await?;
    publisher.publish(1, Duration::ZERO).await?;

    // The energy prices no longer change, and are not published again.
    publisher.close("energy.");
    let late = tokio::spawn(Display::connect(endpoint, "energy.").await?.collect(None));
    publisher.wait_for_displays("energy.", 3).await?;
    publisher.publish(1_000, Duration::from_millis(1)).await?;
    publisher.show_displays();
    publisher.socket.send(END).await?;

    let (prices, last) = late.await??;
    println!("late: {prices} prices, {last:?}");
    let (prices, last) = fast.await??;
    println!("fast: {prices} prices, up to date: {}", last == publisher.last);
    let _ = end.send(());
    let (prices, last) = slow.await??;
    println!("slow: {prices} prices, up to date: {}", last == publisher.last);
    Ok(())
}

/// Publishes prices, and answers subscriptions with the last ones.
struct Publisher {
    socket: XPub,
    /// The last price of each instrument.
    last: BTreeMap<String, u32>,
    /// The instruments whose prices change.
    open: Vec<&'static str>,
}

impl Publisher {
    async fn bind(endpoint: &str) -> Result<Self> {
        let socket = XPub::builder()
            // Each display receives the last prices, not only the first one of a topic.
            .verbosity(Verbosity::Verbose)
            .slow_subscriber(SlowSubscriber::KeepLast)
            // Prices in the buffer of the system can no longer be replaced.
            .send_buffer_size(0x2000)
            .bind(endpoint)
            .await?;
        Ok(Self { socket, last: BTreeMap::new(), open: INSTRUMENTS.to_vec() })
    }

    /// Stops publishing the instruments of a market.
    fn close(&mut self, market: &str) {
        self.open.retain(|instrument| !instrument.starts_with(market));
    }

    /// Publishes the prices of all open markets in several rounds.
    async fn publish(&mut self, rounds: u32, pause: Duration) -> Result {
        for round in 0..rounds {
            for (number, instrument) in (1..).zip(&self.open) {
                let price = self.last.entry((*instrument).to_owned()).or_insert(1_000);
                *price = *price + (round * number) % 7 - 3;
                self.socket.send([*instrument, &price.to_string()]).await?;
            }
            let mut pause = std::pin::pin!(time::sleep(pause));
            loop {
                tokio::select! {
                    upstream = self.socket.recv() => self.answer(&upstream?),
                    () = &mut pause => break,
                }
            }
        }
        Ok(())
    }

    /// Answers subscriptions until a topic has this number of subscribers.
    async fn wait_for_displays(&self, topic: &str, displays: usize) -> Result {
        while self.socket.subscribers(topic) < displays {
            self.answer(&self.socket.recv().await?);
        }
        Ok(())
    }

    /// Sends a display the last prices of the instruments that it has subscribed to.
    fn answer(&self, upstream: &Upstream) {
        let Upstream::Subscribe(request) = upstream else { return };
        for (instrument, price) in &self.last {
            if request.topic().matches(instrument.as_bytes()) {
                // This fails if the display has left in the meantime.
                let _ = self.socket.try_send_to(request, [&instrument[..], &price.to_string()]);
            }
        }
    }

    /// Shows the numbers of queued and of replaced prices for each display.
    fn show_displays(&self) {
        println!("{:22} {:>8} {:>8}", "display", "waiting", "replaced");
        for remote in self.socket.remotes().iter() {
            let stats = self.socket.remotes().stats(remote.connection_id());
            if let (Some(address), Some(stats)) = (remote.address(), stats) {
                println!("{address:22} {:8} {:8}", stats.queued.outgoing, stats.replaced);
            }
        }
    }
}

/// Receives prices.
struct Display {
    socket: Sub,
}

impl Display {
    async fn connect(endpoint: Endpoint, topic: &str) -> Result<Self> {
        let socket = Sub::builder().recv_hwm(10).recv_buffer_size(0x2000).build();
        socket.subscribe(topic)?;
        socket.subscribe(END)?;
        socket.connect(endpoint).await?;
        Ok(Self { socket })
    }

    /// Returns the next price, or `None` at the end.
    async fn next(&self) -> Result<Option<(String, u32)>> {
        let message = self.socket.recv().await?;
        match message.iter().map(std::str::from_utf8).collect::<Result<Vec<_>, _>>()?[..] {
            [END] => Ok(None),
            [instrument, price] => Ok(Some((instrument.to_owned(), price.parse()?))),
            _ => Err("a message is not a price".into()),
        }
    }

    /// Receives prices until the end, starting at the signal `begin` if there is one. Returns their
    /// number, and the last price of each instrument.
    async fn collect(
        self,
        begin: Option<oneshot::Receiver<()>>,
    ) -> Result<(usize, BTreeMap<String, u32>)> {
        if let Some(begin) = begin {
            begin.await?;
        }
        let (mut prices, mut last) = (0, BTreeMap::new());
        while let Some((instrument, price)) = self.next().await? {
            prices += 1;
            last.insert(instrument, price);
        }
        Ok((prices, last))
    }
}

const INSTRUMENTS: [&str; 5] =
    ["energy.gas", "energy.oil", "metal.copper", "metal.gold", "metal.silver"];

const END: &str = "end";
