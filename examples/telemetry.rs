//! Two stations publish readings at a multicast address, and two displays choose what they show.
//!
//! `cargo run --example telemetry`
//!
//! Stations and displays are configured only with the multicast address: a station sends each
//! reading once, and every display of the network that has joined its group receives it. Here all
//! of them use the loopback interface. In a real network, name another interface:
//! `udp://eth0;239.255.43.21:5555`. Datagrams can be lost, and are not encrypted.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_zmtp::{Dish, Endpoint, Group, Radio, RecvError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The first display lets the system pick the port, and the others use the same.
    let address = "udp://127.0.0.1;239.255.43.21:*";
    let hall = Display::new("hall", &["temperature"])?;
    let endpoint = hall.dish.bind(address).await?;
    let mast = Display::new("mast", &["temperature", "wind"])?;
    mast.dish.bind(&endpoint).await?;

    let mut displays = JoinSet::new();
    for display in [hall, mast] {
        displays.spawn(display.run());
    }
    for (name, temperature, wind) in [("north", 12, 7), ("south", 15, 3)] {
        let sent = publish(name, &endpoint, temperature, wind).await?;
        println!("{name}: sent {sent} readings");
    }
    while let Some(ended) = displays.join_next().await {
        println!("{}", ended?);
    }
    Ok(())
}

/// Sends the readings of a station, and returns their number.
async fn publish(
    name: &str,
    endpoint: &Endpoint,
    temperature: i32,
    wind: i32,
) -> Result<u64, Box<dyn Error>> {
    let radio = Radio::new();
    radio.connect(endpoint).await?;
    for minute in 0..3 {
        let readings = [
            ("temperature", format!("{name} {} °C", temperature + minute)),
            ("wind", format!("{name} {} m/s", wind + minute)),
            ("rain", format!("{name} 0 mm")),
        ];
        for (group, reading) in readings {
            radio.send(&Group::try_from(group)?, reading).await?;
        }
    }
    Ok(radio.close().await.written)
}

struct Display {
    name: &'static str,
    dish: Dish,
}

impl Display {
    fn new(name: &'static str, groups: &[&str]) -> Result<Self, Box<dyn Error>> {
        let dish = Dish::new();
        for group in groups {
            dish.join(&Group::try_from(*group)?);
        }
        Ok(Self { name, dish })
    }

    /// Shows readings until no more arrive. Returns a summary.
    async fn run(self) -> String {
        let mut shown = 0;
        loop {
            match self.dish.recv_timeout(QUIET).await {
                Ok(reading) => {
                    let text = String::from_utf8_lossy(&reading).into_owned();
                    println!("{}: {:11} {text}", self.name, reading.group().to_string());
                    shown += 1;
                }
                Err(RecvError::Timeout | RecvError::Closed) => break,
                Err(error) => return format!("{}: {error}", self.name),
            }
        }
        let dropped = self.dish.stats().dropped.datagrams.overflowed;
        format!("{}: showed {shown} readings, {dropped} dropped", self.name)
    }
}

/// A display ends when it has received nothing for this time.
const QUIET: Duration = Duration::from_millis(500);
