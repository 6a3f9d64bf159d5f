//! A client distributes tasks among three servers, of which one is slow and another disconnects.
//!
//! `cargo run --example load_balancing`
//!
//! Each task goes to the next server whose queue has capacity, so the slow server gets fewer tasks.
//! The queue of a disconnected server is kept until the server returns. A small high-water mark
//! limits the number of tasks that wait there; all others go to the remaining servers. Tasks that
//! were written to the disconnected server are lost, and the client cannot know which: a task is
//! done when its result arrives, and a task without a result is sent again.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Client, Message, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Without linger, `close` does not wait for the disconnected server.
    let client = Client::builder().send_hwm(2).linger(Duration::ZERO).build();
    let workers = [
        Worker { name: "steady", pace: Duration::from_millis(5), recv_hwm: 10, tasks: u32::MAX },
        Worker { name: "slow", pace: Duration::from_millis(25), recv_hwm: 1, tasks: u32::MAX },
        Worker { name: "leaving", pace: Duration::from_millis(5), recv_hwm: 10, tasks: 5 },
    ];
    for worker in workers {
        let builder = Server::builder().recv_hwm(worker.recv_hwm);
        let server = builder.bind("tcp://127.0.0.1:*").await?;
        client.connect(server.last_endpoint().ok_or("the server is not bound")?).await?;
        tokio::spawn(worker.run(server));
    }

    let mut to_send: VecDeque<u32> = (0..TASKS).collect();
    let mut to_do: BTreeSet<u32> = (0..TASKS).collect();
    let mut done_by = BTreeMap::<String, u64>::new();
    let mut sent = 0;
    while !to_do.is_empty() {
        tokio::select! {
            // A permit for the next server whose queue has capacity.
            permit = client.reserve(), if !to_send.is_empty() => {
                if let Some(number) = to_send.pop_front() {
                    permit?.send(task(number))?;
                    sent += 1;
                }
            }
            result = client.recv() => {
                let result = result?;
                let (name, number) = result.to_str()?.split_once(' ').ok_or("not a result")?;
                to_do.remove(&number.parse()?);
                *done_by.entry(name.to_owned()).or_default() += 1;
            }
            () = time::sleep(PATIENCE) => {
                println!("client: no result for {} tasks, sending them again", to_do.len());
                to_send = to_do.iter().copied().collect();
            }
        }
    }

    for (name, results) in &done_by {
        println!("client: {results} results from {name}");
    }
    let results: u64 = done_by.values().sum();
    let queued = client.close().await.undelivered;
    let lost = sent - results - queued;
    println!("client: {queued} of {sent} messages were not written, and {lost} got no result");
    println!("client: all {TASKS} tasks are done");
    Ok(())
}

/// A server that performs one task at a time.
struct Worker {
    name: &'static str,
    /// The duration of a task.
    pace: Duration,
    recv_hwm: usize,
    /// The number of tasks that it performs before it disconnects.
    tasks: u32,
}

impl Worker {
    async fn run(self, server: Server) {
        for _ in 0..self.tasks {
            let Ok(task) = server.recv().await else { return };
            let Some(number) = task.first_chunk() else { continue };
            time::sleep(self.pace).await;
            let result = format!("{} {}", self.name, u32::from_be_bytes(*number));
            if server.reply(&task, result).await.is_err() {
                return;
            }
        }
        println!("{}: disconnecting", self.name);
        server.close().await;
    }
}

/// Creates a message that begins with the number of the task.
///
/// The message is long, because the system's buffers between the two queues hold several MiB. They
/// would hold all tasks if these were short, and the slow server would get a third of them.
fn task(number: u32) -> Message {
    let mut body = vec![0; 0x10_0000];
    body[..4].copy_from_slice(&number.to_be_bytes());
    body.into()
}

const TASKS: u32 = 100;

/// The time limit for a result or a permit.
const PATIENCE: Duration = Duration::from_millis(250);
