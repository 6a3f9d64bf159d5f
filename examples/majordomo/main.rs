//! Clients request services by name, workers perform them, and a broker mediates: the *Majordomo*
//! of the ZeroMQ guide, with its protocols (RFC 7, MDP/0.1, and RFC 8, MMI).
//!
//! `cargo run --example majordomo`
//!
//! The [broker](broker) has one ROUTER. A [client](client) has a REQ, which sends unanswered
//! requests again. A [worker](worker) has a DEALER, over which it exchanges [commands](protocol)
//! with the broker. Both ends detect by heartbeats that the other has failed.
//!
//! The argument `broker` starts only the broker, for clients and workers in any language.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod broker;
mod client;
mod protocol;
mod worker;

use std::env;
use std::error::Error;
use std::future;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_zmtp::Multipart;

use self::broker::Broker;
use self::client::ServiceClient;
use self::worker::ServiceWorker;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (broker, endpoint) = Broker::bind("tcp://127.0.0.1:*").await?;
    println!("broker: listening on {endpoint}");
    if env::args().nth(1).as_deref() == Some("broker") {
        return Ok(broker.run().await?);
    }
    tokio::spawn(broker.run());

    let client = ServiceClient::connect(&endpoint).await?;
    println!("client: the status of upper is {}", client.status("upper").await?);
    // This request waits in the broker until a worker registers.
    let first = client.request("upper", "first");
    let start = async {
        tokio::spawn(ServiceWorker::new("upper", &endpoint).run(hang_later));
        tokio::spawn(ServiceWorker::new("upper", &endpoint).run(upper));
    };
    let (first, ()) = tokio::join!(first, start);
    assert_eq!(first?, ["FIRST"]);
    println!("client: the status of upper is {}", client.status("upper").await?);

    for number in 1..=REQUESTS {
        let reply = client.request("upper", [format!("request {number}")]).await?;
        assert_eq!(reply, [format!("REQUEST {number}")]);
    }
    println!("client: all {REQUESTS} requests are answered");
    Ok(())
}

/// Converts texts to upper case.
async fn upper(request: Multipart) -> Multipart {
    request.iter().map(<[u8]>::to_ascii_uppercase).collect()
}

/// Does the same, but hangs at the fourth request.
async fn hang_later(request: Multipart) -> Multipart {
    static REQUESTS: AtomicU32 = AtomicU32::new(0);
    if REQUESTS.fetch_add(1, Ordering::Relaxed) == 3 {
        println!("worker: hanging");
        future::pending::<()>().await;
    }
    upper(request).await
}

const REQUESTS: u32 = 20;
