//! A configuration file describes a server and two clients, and a radio and a dish, which exchange
//! messages.
//!
//! `cargo run -p programs --bin config`, optionally with the path of another file after `--`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::{env, fs};

use serde::Deserialize;
use tokio::task;
use tokio_zmtp::Group;
use tokio_zmtp::config::{ClientConfig, DishConfig, RadioConfig, ServerConfig};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    server: ServerConfig,
    clients: BTreeMap<String, ClientConfig>,
    station: RadioConfig,
    display: DishConfig,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = match env::args().nth(1) {
        Some(path) => fs::read_to_string(path)?,
        None => include_str!("config.toml").to_owned(),
    };
    let config: Config = match toml::from_str(&config) {
        Ok(config) => config,
        Err(error) => {
            println!("{error}");
            return Err("the configuration is not valid".into());
        }
    };

    let server = config.server.start().await?;
    let endpoint = server.last_endpoint().ok_or("the server has no endpoint")?;
    println!("server: listening on {endpoint}");

    // This task answers every request.
    let handle = server.clone();
    tokio::spawn(async move {
        while let Ok(request) = handle.recv().await {
            println!("server: received {}", String::from_utf8_lossy(&request));
            if handle.reply(&request, "hello yourself").await.is_err() {
                println!("server: the client has disconnected");
            }
        }
    });

    let mut clients = Vec::new();
    for (name, mut config) in config.clients {
        if config.connect.is_empty() {
            config.connect.push(endpoint.clone());
        }
        clients.push((name, config.start().await?));
    }
    for (name, client) in &clients {
        client.send(format!("hello from {name}")).await?;
        println!("{name}: received {}", client.recv().await?.to_str()?);
    }

    for (_, client) in clients {
        client.close().await;
    }
    server.close().await;
    show_weather(config.station, config.display).await
}

/// Sends a message to the group that the display joins.
async fn show_weather(station: RadioConfig, mut display: DishConfig) -> Result<(), Box<dyn Error>> {
    let station = station.start().await?;
    display.connect.extend(station.last_endpoint());
    let display = display.start().await?;

    let weather = Group::try_from("weather")?;
    while station.members(&weather).is_empty() {
        task::yield_now().await;
    }
    station.send(&weather, "rain").await?;
    println!("display: received {}", display.recv().await?.to_str()?);
    Ok(())
}
