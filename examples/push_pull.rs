//! A ventilator distributes tasks among workers, one of which is killed, and a sink collects the
//! results.
//!
//! `cargo run --example push_pull`
//!
//! The ventilator has a PUSH, each worker a PULL for tasks and a PUSH for results, and the sink a
//! PULL. Tasks that are still queued for the killed worker are redirected to the others. Those that
//! it has received, or that are in the buffers of the system, are lost: the sink notices which
//! results are missing, and these tasks are sent again. A task may be performed twice.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Multipart, Pull, Push, RecvError, SendError, Undelivered};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ventilator = Push::builder().undelivered(Undelivered::Redirect).send_hwm(10).build();
    let tasks = ventilator.bind("tcp://127.0.0.1:*").await?;
    let sink = Pull::new();
    let results = sink.bind("tcp://127.0.0.1:*").await?;
    let mut workers = Vec::new();
    for name in ["first", "second", "third"] {
        let tasks = Pull::builder().recv_hwm(10).connect(&tasks).await?;
        let results = Push::builder().connect(&results).await?;
        workers.push(tokio::spawn(work(name, tasks, results)));
    }
    ventilator.remotes().at_least(workers.len()).await?;

    // A separate task, because the ventilator waits while all workers are busy.
    tokio::spawn(distribute(ventilator.clone(), (1..=TASKS).collect()));
    let mut missing: BTreeSet<u32> = (1..=TASKS).collect();
    let mut received = 0;
    while !missing.is_empty() {
        match sink.recv_timeout(Duration::from_millis(500)).await {
            Ok(result) => {
                missing.remove(&number(&result).ok_or("a result has no number")?);
                received += 1;
                if received == 20 {
                    workers[1].abort();
                    println!("the second worker is killed");
                }
            }
            Err(RecvError::Timeout) => {
                println!("sink: {} results are missing", missing.len());
                tokio::spawn(distribute(ventilator.clone(), missing.clone()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    println!("ventilator: {} tasks were redirected", ventilator.stats().redirected);
    println!("sink: {TASKS} tasks are done");
    Ok(())
}

async fn distribute(ventilator: Push, numbers: BTreeSet<u32>) -> Result<(), SendError<Multipart>> {
    for number in numbers {
        ventilator.send(("task", number.to_string())).await?;
    }
    Ok(())
}

/// Performs tasks, and sends a result with the number of each.
async fn work(name: &'static str, tasks: Pull, results: Push) {
    while let Ok(task) = tasks.recv().await {
        time::sleep(Duration::from_millis(1)).await;
        if results.send([name.as_bytes(), task.last()]).await.is_err() {
            return;
        }
    }
}

/// Returns the number in the last part of a message.
fn number(message: &Multipart) -> Option<u32> {
    std::str::from_utf8(message.last()).ok()?.parse().ok()
}

const TASKS: u32 = 300;
