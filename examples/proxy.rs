//! A producer and two workers exchange tasks through a proxy, which is captured and paused.
//!
//! `cargo run --example proxy`
//!
//! The proxy takes a task from the frontend only when the backend can queue it. While the proxy is
//! paused or the queues of all workers are full, tasks wait at the frontend and the producer. No
//! task is lost, even when the proxy is stopped.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use tokio::task;
use tokio_zmtp::{Gather, RecvError, Scatter, proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let frontend = Gather::new();
    let for_producers = frontend.bind("tcp://127.0.0.1:*").await?;
    let backend = Scatter::new();
    let for_workers = backend.bind("tcp://127.0.0.1:*").await?;

    // Another socket sends a copy of each task to the watcher. A watcher that is slow or absent
    // misses copies, which the proxy counts.
    let watcher = Gather::new();
    watcher.bind("inproc://watcher").await?;
    let capture = Scatter::new();
    capture.connect("inproc://watcher").await?;

    let proxy = proxy(&frontend, &backend).capture(&capture);
    let handle = proxy.handle();
    let running = tokio::spawn(proxy);

    let mut workers = Vec::new();
    for _ in 0..2 {
        let worker = Gather::new();
        worker.connect(&for_workers).await?;
        worker.remotes().connected().await?;
        workers.push(tokio::spawn(work(worker)));
    }
    let producer = Scatter::new();
    producer.connect(&for_producers).await?;
    for number in 0..TASKS {
        producer.send(format!("task {number}")).await?;
    }
    for number in 0..TASKS {
        assert_eq!(watcher.recv().await?, format!("task {number}").as_str());
    }
    println!("watcher: {TASKS} tasks have passed the proxy");

    handle.pause();
    producer.send("a late task").await?;
    while frontend.stats().queued.incoming == 0 {
        task::yield_now().await;
    }
    println!("proxy: paused after {} tasks", handle.stats().to_backend.messages);
    handle.resume();
    assert_eq!(watcher.recv().await?, "a late task");
    println!("watcher: a late task has passed the proxy");

    // Messages are distributed round-robin, so each worker gets one of these.
    let mut done = 0;
    for _ in &workers {
        producer.send(END).await?;
    }
    for worker in workers {
        done += worker.await??;
    }
    println!("workers: {done} tasks are done");

    handle.stop();
    let report = running.await?;
    println!("proxy: {:?} after {} messages", report.end, report.stats.to_backend.messages);
    Ok(())
}

/// Receives tasks, and returns their number.
async fn work(gather: Gather) -> Result<u32, RecvError> {
    let mut done = 0;
    while gather.recv().await? != END {
        done += 1;
    }
    Ok(done)
}

const TASKS: u32 = 100;

const END: &str = "end";
