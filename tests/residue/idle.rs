//! The memory of idle connections.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Client, Message, Server};
use tracing::subscriber;
use tracing_subscriber::Registry;

use crate::process_usage::{self, ProcessUsage};
use crate::watchdog::Watchdog;

#[test]
fn an_idle_connection_costs_little_at_either_end() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    connect_and_idle(BYTES_EACH);
}

#[test]
fn the_span_of_an_idle_connection_costs_little() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    subscriber::with_default(Registry::default(), || connect_and_idle(BYTES_EACH + SPAN_BYTES));
}

fn connect_and_idle(limit: usize) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let server = Server::new();
        let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let client = Client::builder().build();
        let mut before = None;
        for number in 0..=CONNECTIONS {
            client.connect(endpoint.clone()).await.unwrap();
            client.send("hello").await.unwrap();
            let hello = server.recv().await.unwrap();
            server.reply(&hello, "hello yourself").await.unwrap();
            client.recv().await.unwrap();
            if number == 0 {
                // The memory of the sockets themselves does not count.
                before = Some(ProcessUsage::take());
            }
        }
        assert_eq!(server.remotes().list().len(), CONNECTIONS + 1);
        let each = (ProcessUsage::take().heap - before.unwrap().heap) / (2 * CONNECTIONS);

        assert!(each <= limit, "{each} bytes for each end");
        client.close().await;
        server.close().await;
    });
}

#[test]
fn memory_of_a_burst_is_released() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(async {
        let server = Server::new();
        let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let client = Client::new();
        client.connect(endpoint).await.unwrap();
        client.send("hello").await.unwrap();
        let hello = server.recv().await.unwrap();
        let before = ProcessUsage::take().heap;
        for size in [50, 20_000, 1_000_000] {
            let body = Message::from(vec![7; size]);
            for _ in 0..100 {
                client.send(&body).await.unwrap();
                server.reply(&hello, &body).await.unwrap();
            }
            for _ in 0..100 {
                server.recv().await.unwrap();
                client.recv().await.unwrap();
            }
        }
        // The paused clock advances automatically while all tasks are idle.
        time::sleep(Duration::from_secs(5)).await;
        let kept = ProcessUsage::take().heap.saturating_sub(before) / 2;
        assert!(kept <= BYTES_EACH, "{kept} bytes at each end");
        client.close().await;
        server.close().await;
    });
}

/// The number of connections, which is below low limits of open files.
const CONNECTIONS: usize = 200;

/// The bytes on the heap for one end, averaged over both ends. The documentation promises 8 KiB of
/// resident memory, which includes memory that the allocator leaves unused.
const BYTES_EACH: usize = 7 * 1_024 + 256;

/// The additional bytes for a span in the registry of `tracing-subscriber`.
const SPAN_BYTES: usize = 256;
