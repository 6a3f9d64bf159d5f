//! A ventilator distributes tasks, workers perform them, and a sink collects the results.
//!
//! `cargo run --example pipeline`
//!
//! The ventilator has a SCATTER, each worker a GATHER for tasks and a SCATTER for results, and the
//! sink a GATHER. A task goes to the next worker whose queue has capacity, so the slow worker gets
//! fewer tasks. More workers can join at any time.
//!
//! All stages run in one process here, over `inproc`. With other endpoints they can run anywhere.
//! Over `tcp`, the system's buffers hold many short tasks, so the slow worker gets more of them.
//! The sink counts the results, because a GATHER cannot detect that no more messages follow.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{ConnectError, Gather, Scatter, SendError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ventilator = Scatter::builder().send_hwm(1).bind(TASK_ENDPOINT).await?;
    let sink = Gather::builder().bind(RESULT_ENDPOINT).await?;
    for (name, pace) in [("first", 1), ("second", 1), ("slow", 10)] {
        let worker = Worker::join(name, Duration::from_millis(pace)).await?;
        tokio::spawn(worker.run());
    }

    // A separate task, because the ventilator waits while all workers are busy.
    let distributing = tokio::spawn(async move {
        for number in 1..=TASKS {
            ventilator.send(number.to_string()).await?;
        }
        Ok::<_, SendError>(ventilator.close().await)
    });
    let mut done_by = BTreeMap::<String, u32>::new();
    let mut total = 0;
    for _ in 0..TASKS {
        let result = sink.recv().await?;
        let (name, square) =
            result.to_str()?.split_once(' ').ok_or("a result does not have two words")?;
        *done_by.entry(name.to_owned()).or_default() += 1;
        total += square.parse::<u32>()?;
    }
    let report = distributing.await??;
    println!("ventilator: {} tasks written, {} not", report.written, report.undelivered);
    for (name, results) in &done_by {
        println!("sink: {results} results from {name}");
    }
    println!("sink: the sum of the squares from 1 to {TASKS} is {total}");
    Ok(())
}

/// Receives tasks, one at a time, and sends their results.
struct Worker {
    name: &'static str,
    /// The duration of a task.
    pace: Duration,
    tasks: Gather,
    results: Scatter,
}

impl Worker {
    async fn join(name: &'static str, pace: Duration) -> Result<Self, ConnectError> {
        let results = Scatter::builder().connect(RESULT_ENDPOINT).await?;
        // A task that waits here cannot go to another worker.
        let tasks = Gather::builder().recv_hwm(1).connect(TASK_ENDPOINT).await?;
        Ok(Self { name, pace, tasks, results })
    }

    async fn run(self) {
        while let Ok(task) = self.tasks.recv().await {
            let Some(number) = task.to_str().ok().and_then(|text| text.parse::<u32>().ok()) else {
                println!("{}: a task is not a number", self.name);
                continue;
            };
            time::sleep(self.pace).await;
            let result = format!("{} {}", self.name, number * number);
            if self.results.send(result).await.is_err() {
                return;
            }
        }
    }
}

const TASK_ENDPOINT: &str = "inproc://tasks";

const RESULT_ENDPOINT: &str = "inproc://results";

const TASKS: u32 = 100;
