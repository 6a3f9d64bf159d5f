//! Workers as processes, tested with a requester.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_zmtp::Client;
use tokio_zmtp::rpc::Requester;

use self::process::Process;

#[tokio::test]
async fn a_call_in_flight_finishes_after_sigterm_and_after_ctrl_c() {
    for signal in ["TERM", "INT"] {
        let mut worker = start("tcp://127.0.0.1:*").await;
        let requester =
            Requester::new(Client::builder().connect(worker.address.as_str()).await.unwrap());
        let slow = tokio::spawn(requester.call("sleep 300"));
        // The second reply shows that the worker has received the slow call: they share a
        // connection.
        while requester.stats().sent == 0 {
            tokio::task::yield_now().await;
        }
        requester.call("upper x").await.unwrap();
        worker.signal(signal).await;
        assert_eq!(slow.await.unwrap().unwrap(), "slept");
        worker.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_restarted_one_after_the_other_lose_no_call() {
    let client = Client::builder().reconnect_interval(Some(Duration::from_millis(1))).build();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = start("tcp://127.0.0.1:*").await;
        client.connect(worker.address.as_str()).await.unwrap();
        workers.push(worker);
    }
    let requester = Requester::new(client);
    until_connected(&requester, 3).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (requester, is_over) = (requester.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut calls = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let reply = requester.call(format!("upper {caller}, {calls} x")).await;
                    assert_eq!(reply, Ok(format!("{caller}, {calls} X").into()));
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for _ in 0..3 {
        let mut old = workers.remove(0);
        let address = old.address.clone();
        old.signal("TERM").await;
        old.finish().await;
        workers.push(start(&address).await);
        until_connected(&requester, 3).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.unwrap();
    }
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.answered), (calls, calls));
}

async fn start(endpoint: &str) -> Process {
    Process::start(env!("CARGO_BIN_EXE_worker"), &[("LISTEN", endpoint)]).await
}

async fn until_connected(requester: &Requester, workers: usize) {
    while requester.client().remotes().list().len() != workers {
        tokio::task::yield_now().await;
    }
}
