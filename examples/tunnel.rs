//! A REQ starts worker processes and exchanges messages with them over pairs of Unix sockets. When a
//! worker ends, the next attempt to connect starts another one.
//!
//! `cargo run --example tunnel`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => unix::work().await,
        _ => unix::request().await,
    }
}

#[cfg(not(unix))]
fn main() -> Result<(), Box<dyn Error>> {
    println!("the example requires Unix sockets");
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeSet;
    use std::error::Error;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net;
    use std::{env, io, process};

    use tokio::net::UnixStream;
    use tokio::process::Command;
    use tokio_zmtp::monitor::EventKind;
    use tokio_zmtp::{Endpoint, Rep, Req, RequestError};

    pub(super) async fn request() -> Result<(), Box<dyn Error>> {
        let req = Req::new();
        req.connect_with("stream://worker", start_worker).await?;
        let mut workers = BTreeSet::new();
        for number in 1..=REQUESTS {
            let reply = loop {
                match req.request(format!("task {number}")).await {
                    // The worker has ended before it has replied. These tasks can be repeated.
                    Err(RequestError::ConnectionLost) => {}
                    reply => break reply?,
                }
            };
            println!("client: task {number} is done");
            workers.insert(reply[0].to_vec());
        }
        println!("client: {REQUESTS} tasks are done by {} workers", workers.len());
        req.close().await;
        Ok(())
    }

    /// Dials a stream to a new worker. A program on another host is dialed in the same way, by `ssh`.
    async fn start_worker(_: Endpoint) -> io::Result<UnixStream> {
        let (near, far) = net::UnixStream::pair()?;
        println!("client: starting a worker");
        Command::new(env::current_exe()?).arg("worker").stdin(OwnedFd::from(far)).spawn()?;
        near.set_nonblocking(true)?;
        UnixStream::from_std(near)
    }

    /// Replies to a few requests over the stream that is the standard input, and ends.
    pub(super) async fn work() -> Result<(), Box<dyn Error>> {
        let stream = net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        stream.set_nonblocking(true)?;
        let rep = Rep::new();
        let mut monitor = rep.monitor();
        rep.attach(UnixStream::from_std(stream)?).await?;
        let client_ends = async {
            while let Some(event) = monitor.recv().await {
                if event.is_ok_and(|event| matches!(event.kind, EventKind::Disconnected { .. })) {
                    break;
                }
            }
        };
        let working = async {
            for _ in 0..REQUESTS_OF_WORKER {
                let (_, mut replier) = rep.recv().await?;
                replier.reply(format!("worker {}", process::id())).await?;
            }
            Ok::<_, Box<dyn Error>>(())
        };
        tokio::select! {
            done = working => done?,
            () = client_ends => {}
        }
        rep.close().await;
        Ok(())
    }

    const REQUESTS: usize = 5;

    const REQUESTS_OF_WORKER: usize = 2;
}
