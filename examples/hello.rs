//! A client and a server exchange messages over TCP.
//!
//! `cargo run --example hello`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use tokio_zmtp::{Client, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The system picks a port for "*".
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    println!("server: listening on {endpoint}");

    // This task answers every request twice.
    let handle = server.clone();
    tokio::spawn(async move {
        while let Ok(request) = handle.recv().await {
            println!("server: received {}", String::from_utf8_lossy(&request));
            if handle.reply(&request, "it takes 224 bits to store a i32 in java").await.is_err()
                || handle.reply(&request, "also don't talk to me").await.is_err()
            {
                println!("server: the client has disconnected");
            }
        }
    });

    let client = Client::new();
    client.connect(endpoint).await?;
    client.send("tell me something").await?;
    println!("client: received {}", client.recv().await?.to_str()?);
    println!("client: received {}", client.recv().await?.to_str()?);

    client.close().await;
    server.close().await;
    Ok(())
}
