//! A client sends requests again until they are answered, and fails after several attempts: the
//! *Lazy Pirate* of the ZeroMQ guide.
//!
//! `cargo run --example lazy_pirate`
//!
//! In the guide, the client closes its REQ after a lost reply, and creates another one. `Req` needs
//! two options, and keeps its connection. A late reply to an earlier attempt is discarded. A server
//! may perform a request twice; with [`reliable_request`](reliable_request.rs), it can recognize
//! this.
//!
//! The arguments `server`, and `client` with an endpoint, start one side only, for a program in any
//! language on the other side.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::env;
use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{BindError, Builder, Endpoint, Rep, Req};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, endpoint] = &arguments[..] {
        assert_eq!(role, "client");
        return ask(&endpoint.parse()?).await;
    }

    let rep = Rep::new();
    let endpoint = rep.bind("tcp://127.0.0.1:*").await?;
    println!("server: listening on {endpoint}");
    if arguments == ["server"] {
        return Ok(serve(rep, endpoint).await?);
    }
    let server = tokio::spawn(serve(rep, endpoint.clone()));
    ask(&endpoint).await?;

    server.abort();
    let _ = server.await;
    let req = req().connect(endpoint).await?;
    // An attempt requires a connection.
    match req.request_timeout("hello?", 3 * TIMEOUT).await {
        Ok(_) => Err("a server that has ended replies".into()),
        Err(error) => {
            println!("client: {error}");
            Ok(())
        }
    }
}

/// Sends requests, one after the other.
async fn ask(server: &Endpoint) -> Result<(), Box<dyn Error>> {
    let req = req().connect(server).await?;
    for number in 0..REQUESTS {
        let request = number.to_string();
        let reply = req.request(request.as_str()).await?;
        assert_eq!(reply, [request]);
    }
    println!("client: all {REQUESTS} requests are answered");
    Ok(())
}

fn req() -> Builder<Req> {
    Req::builder().attempts(20).attempt_timeout(TIMEOUT)
}

/// Echoes requests. Of ten requests, the fourth crashes the server, and the seventh overloads it.
async fn serve(mut rep: Rep, endpoint: Endpoint) -> Result<(), BindError> {
    let mut cycles = 0;
    while let Ok((request, mut replier)) = rep.recv().await {
        cycles += 1;
        match cycles % 10 {
            4 => {
                println!("server: crashing");
                drop(replier);
                rep.close().await;
                rep = Rep::builder().bind(&endpoint).await?;
                continue;
            }
            7 => {
                println!("server: overloaded");
                time::sleep(TIMEOUT * 3 / 2).await;
            }
            _ => {}
        }
        if let Err(error) = replier.reply(request).await {
            println!("server: a reply is dropped: {error}");
        }
    }
    Ok(())
}

const REQUESTS: u32 = 10;

/// The time limit of an attempt.
const TIMEOUT: Duration = Duration::from_millis(200);
