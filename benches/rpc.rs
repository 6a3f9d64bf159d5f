//! Calls per second over loopback TCP, or over `ipc`, between a requester and a responder in two
//! processes.
//!
//! `cargo bench --features rpc --bench rpc [-- ipc] [OUTSTANDING ...]`, where OUTSTANDING is the
//! number of concurrent tasks. Each task makes one call after another, whose body of 64 bytes is
//! returned. It prints the median of several rounds, next to that of a `Client` and a `Server` that
//! exchange the same number of messages without calls. With `RUNTIME=multi-thread`, the runtime of
//! each process has two workers instead of one thread.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]
#![expect(dead_code, reason = "the processes measure other things as well")]

mod processes;

use std::env;
use std::error::Error;
use std::time::Instant;

use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Message, Server};

use crate::processes::{Child, ROUNDS, median};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, endpoint, outstanding, size] = arguments.as_slice() {
        let number = |text: &String| text.parse().expect("the measuring process passes numbers");
        match role.as_str() {
            "rpc-requester" => {
                return processes::run(requester(endpoint, number(outstanding), number(size)));
            }
            "rpc-responder" => return processes::run(responder(endpoint)),
            "rpc-client" => {
                return processes::run(client(endpoint, number(outstanding), number(size)));
            }
            "rpc-server" => return processes::run(server(endpoint)),
            _ => {}
        }
    }
    println!("{:>12} {:>14} {:>18}", "outstanding", "calls/s", "client/server");
    let numbers: Vec<_> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![1, 100, 10_000] } else { numbers };
    for outstanding in numbers {
        let (mut calls, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            calls.push(measure(["rpc-responder", "rpc-requester"], outstanding)?);
            plain.push(measure(["rpc-server", "rpc-client"], outstanding)?);
        }
        let (calls, plain) = (median(&mut calls), median(&mut plain));
        println!("{outstanding:>12} {calls:>14.0} {plain:>18.0}");
    }
    Ok(())
}

fn measure([there, here]: [&str; 2], outstanding: usize) -> Result<f64, Box<dyn Error>> {
    let program = env::current_exe()?;
    let endpoint = processes::endpoint();
    let mut there = Child::spawn(&program, there, endpoint, outstanding, BYTES)?;
    let mut here = Child::spawn(&program, here, &there.line()?, outstanding, BYTES)?;
    let rate = here.line()?.parse()?;
    here.finish()?;
    there.finish()?;
    Ok(rate)
}

async fn requester(endpoint: &str, outstanding: usize, size: usize) -> Result<(), Box<dyn Error>> {
    let requester = Requester::new(Client::builder().connect(endpoint).await?);
    let body = Message::from(vec![7; size]);
    requester.call(&body).await?;
    let each = (count(outstanding) / outstanding).max(1);
    let start = Instant::now();
    let tasks: Vec<_> = (0..outstanding)
        .map(|_| {
            let (requester, body) = (requester.clone(), body.clone());
            tokio::spawn(async move {
                for _ in 0..each {
                    assert_eq!(requester.call(&body).await.map(|reply| reply.len()), Ok(size));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    println!("{}", (each * outstanding) as f64 / start.elapsed().as_secs_f64());
    requester.client().send("").await?;
    requester.close().await;
    Ok(())
}

/// Answers requests until it receives a message that is not a request.
async fn responder(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let responder = Responder::new(Server::builder().bind(endpoint).await?);
    println!("{}", responder.server().last_endpoint().ok_or("the server is not bound")?);
    let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
    let mut serving = Box::pin(responder.serve(echo));
    let mut checks = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tokio::select! {
            () = &mut serving => return Ok(()),
            _ = checks.tick() => {
                if responder.stats().malformed > 0 {
                    return Ok(());
                }
            }
        }
    }
}

async fn client(endpoint: &str, outstanding: usize, size: usize) -> Result<(), Box<dyn Error>> {
    let client = Client::new();
    client.connect(endpoint).await?;
    let body = Message::from(vec![7; size]);
    client.send(&body).await?;
    client.recv().await?;
    let each = (count(outstanding) / outstanding).max(1);
    let start = Instant::now();
    let tasks: Vec<_> = (0..outstanding)
        .map(|_| {
            let (client, body) = (client.clone(), body.clone());
            tokio::spawn(async move {
                for _ in 0..each {
                    client.send(&body).await.expect("the client is open");
                    assert_eq!(client.recv().await.map(|reply| reply.len()), Ok(size));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    println!("{}", (each * outstanding) as f64 / start.elapsed().as_secs_f64());
    client.send("").await?;
    client.close().await;
    Ok(())
}

/// Echoes requests until it receives an empty message.
async fn server(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let server = Server::new();
    let listening = server.bind(endpoint).await?;
    println!("{listening}");
    let mut requests = Vec::new();
    loop {
        server.recv_many(&mut requests, 256).await?;
        for request in requests.drain(..) {
            if request.is_empty() {
                return Ok(());
            }
            server.reply(&request, &request).await?;
        }
    }
}

/// Returns the number of calls that take about a second. A debug build only checks that the
/// benchmark runs.
fn count(outstanding: usize) -> usize {
    match outstanding {
        _ if cfg!(debug_assertions) => 1_000,
        0..10 => 50_000,
        _ => 500_000,
    }
}

const BYTES: usize = 64;
