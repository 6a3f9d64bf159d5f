//! Copies of the messages that pass through a proxy.

use tokio_zmtp::{Client, Server};

use super::{Ends, turns};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(a_capture_receives_every_message_of_both_directions);

async fn a_capture_receives_every_message_of_both_directions(transport: Transport) {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(transport, 1_000).await;
    let reader = Server::builder().bind(transport.any()).await.unwrap();
    let capture = Client::builder().connect(reader.last_endpoint().unwrap()).await.unwrap();
    let proxy = ends.proxy().capture(&capture);
    let handle = proxy.handle();
    let task = tokio::spawn(proxy);
    let long = vec![7; 100_000];
    ends.send_west("west").await;
    assert_eq!(ends.west.recv().await.unwrap(), "west");
    ends.send_east(long.clone()).await;
    assert_eq!(ends.east.recv().await.unwrap(), long);

    assert_eq!(reader.recv().await.unwrap(), "west");
    assert_eq!(reader.recv().await.unwrap(), long);
    handle.stop();
    let stats = task.await.unwrap().stats;
    assert_eq!((stats.captured.messages, stats.captured.bytes), (2, 100_004));
    assert_eq!(stats.capture_dropped.messages, 0);
}

#[tokio::test]
async fn a_full_capture_misses_messages_and_does_not_stop_the_proxy() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let reader = Server::builder().recv_hwm(3).bind(Transport::Inproc.any()).await.unwrap();
    let builder = Client::builder().send_hwm(2);
    let capture = builder.connect(reader.last_endpoint().unwrap()).await.unwrap();
    reader.remotes().connected().await.unwrap();
    let proxy = ends.proxy().capture(&capture);
    let handle = proxy.handle();
    let task = tokio::spawn(proxy);
    for number in 0_u32..100 {
        ends.send_west(number.to_be_bytes()).await;
        assert_eq!(ends.west.recv().await.unwrap(), number.to_be_bytes());
    }
    turns().await;
    let stats = handle.stats();
    assert_eq!(stats.to_backend.messages, 100);
    assert_eq!((stats.captured.messages, stats.captured.bytes), (5, 20));
    assert_eq!((stats.capture_dropped.messages, stats.capture_dropped.bytes), (95, 380));
    for number in 0_u32..5 {
        assert_eq!(reader.recv().await.unwrap(), number.to_be_bytes());
    }
    task.abort();
}

#[tokio::test]
async fn a_capture_that_is_closed_or_has_no_remote_does_not_stop_the_proxy() {
    let _watchdog = Watchdog::start();
    let closed = Client::new();
    closed.close().await;
    for capture in [closed, Client::new()] {
        let ends = Ends::new(Transport::Inproc, 10).await;
        let proxy = ends.proxy().capture(&capture);
        let handle = proxy.handle();
        let task = tokio::spawn(proxy);
        ends.send_west("passes").await;
        assert_eq!(ends.west.recv().await.unwrap(), "passes");
        handle.stop();
        let stats = task.await.unwrap().stats;
        assert_eq!((stats.captured.messages, stats.capture_dropped.messages), (0, 1));
    }
}

/// A socket of a proxy can also be its capture.
#[tokio::test]
async fn a_backend_that_is_the_capture_sends_each_message_twice() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let task = tokio::spawn(ends.proxy().capture(&ends.backend));
    ends.send_west("a").await;
    ends.send_west("b").await;
    let mut received = Vec::new();
    for _ in 0..4 {
        received.push(ends.west.recv().await.unwrap().to_str().unwrap().to_owned());
    }
    received.sort_unstable();
    assert_eq!(received, ["a", "a", "b", "b"]);
    task.abort();
}
