//! Proxies in one direction, from a GATHER to a SCATTER or from a PULL to a PUSH.

use tokio_zmtp::proxy::ProxyEnd;
use tokio_zmtp::{Gather, Multipart, Pull, Push, Scatter, proxy};

use super::turns;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(messages_of_many_sources_reach_many_destinations);

async fn messages_of_many_sources_reach_many_destinations(transport: Transport) {
    let _watchdog = Watchdog::start();
    let Streamer { frontend, backend } = Streamer::new(transport, 100).await;
    let running = proxy(&frontend, &backend);
    let handle = running.handle();
    let task = tokio::spawn(running);
    let producers = [Scatter::new(), Scatter::new(), Scatter::new()];
    let consumers = [Gather::new(), Gather::new()];
    for consumer in &consumers {
        consumer.connect(backend.last_endpoint().unwrap()).await.unwrap();
        consumer.remotes().connected().await.unwrap();
    }
    while backend.remotes().len() < consumers.len() {
        turns().await;
    }
    for (number, producer) in (0_u8..).zip(&producers) {
        producer.connect(frontend.last_endpoint().unwrap()).await.unwrap();
        for _ in 0..20 {
            producer.send([number]).await.unwrap();
        }
    }
    let mut received = Vec::new();
    for consumer in &consumers {
        for _ in 0..30 {
            received.push(consumer.recv().await.unwrap()[0]);
        }
    }
    received.sort_unstable();
    assert_eq!(received, [[0; 20], [1; 20], [2; 20]].concat());
    let stats = handle.stats();
    assert_eq!((stats.to_backend.messages, stats.to_frontend.messages), (60, 0));
    handle.stop();
    assert_eq!(task.await.unwrap().end, ProxyEnd::Stopped);
}

#[tokio::test]
async fn the_source_may_be_the_backend() {
    let _watchdog = Watchdog::start();
    let Streamer { frontend: source, backend: destination } =
        Streamer::new(Transport::Inproc, 10).await;
    let running = proxy(&destination, &source);
    let handle = running.handle();
    let task = tokio::spawn(running);
    let consumer = Gather::new();
    consumer.connect(destination.last_endpoint().unwrap()).await.unwrap();
    let producer = Scatter::new();
    producer.connect(source.last_endpoint().unwrap()).await.unwrap();
    producer.send("a").await.unwrap();
    assert_eq!(consumer.recv().await.unwrap(), "a");
    assert_eq!(handle.stats().to_frontend.messages, 1);
    source.close().await;
    assert_eq!(task.await.unwrap().end, ProxyEnd::BackendClosed);
}

/// The proxy must detect the end although no message arrives and there is no other direction.
#[tokio::test]
async fn a_closed_destination_ends_a_proxy_that_is_idle() {
    let _watchdog = Watchdog::start();
    let Streamer { frontend, backend } = Streamer::new(Transport::Inproc, 10).await;
    let task = tokio::spawn(proxy(&frontend, &backend));
    turns().await;
    backend.close().await;
    assert_eq!(task.await.unwrap().end, ProxyEnd::BackendClosed);

    let producer = Scatter::new();
    producer.connect(frontend.last_endpoint().unwrap()).await.unwrap();
    producer.send("not taken").await.unwrap();
    assert_eq!(frontend.recv().await.unwrap(), "not taken");
}

#[tokio::test]
async fn a_closed_destination_ends_a_proxy_that_waits_for_it() {
    let _watchdog = Watchdog::start();
    let Streamer { frontend, backend } = Streamer::new(Transport::Inproc, 10).await;
    let task = tokio::spawn(proxy(&frontend, &backend));
    let producer = Scatter::new();
    producer.connect(frontend.last_endpoint().unwrap()).await.unwrap();
    producer.send("not taken").await.unwrap();
    turns().await;
    assert!(!task.is_finished());
    backend.close().await;
    assert_eq!(task.await.unwrap().end, ProxyEnd::BackendClosed);
    assert_eq!(frontend.recv().await.unwrap(), "not taken");
}

#[tokio::test]
async fn messages_of_several_parts_are_forwarded_captured_and_counted() {
    let _watchdog = Watchdog::start();
    let [frontend, consumer, auditor] = [Pull::new(), Pull::new(), Pull::new()];
    let [producer, backend, capture] = [Push::new(), Push::new(), Push::new()];
    for (push, pull) in [(&producer, &frontend), (&backend, &consumer), (&capture, &auditor)] {
        push.connect(pull.bind(Transport::Inproc.any()).await.unwrap()).await.unwrap();
    }
    let running = proxy(&frontend, &backend).capture(&capture);
    let handle = running.handle();
    let task = tokio::spawn(running);
    let sent = Multipart::from(["a", "", "bcd"]);
    producer.send(&sent).await.unwrap();
    assert_eq!(consumer.recv().await.unwrap(), sent);
    assert_eq!(auditor.recv().await.unwrap(), sent);
    let stats = handle.stats();
    assert_eq!((stats.to_backend.messages, stats.to_backend.bytes), (1, 4));
    assert_eq!((stats.captured.messages, stats.captured.bytes), (1, 4));
    handle.stop();
    assert_eq!(task.await.unwrap().end, ProxyEnd::Stopped);
}

struct Streamer {
    frontend: Gather,
    backend: Scatter,
}

impl Streamer {
    async fn new(transport: Transport, hwm: usize) -> Self {
        let frontend = Gather::builder().recv_hwm(hwm).bind(transport.any()).await.unwrap();
        let backend = Scatter::builder().send_hwm(hwm).bind(transport.any()).await.unwrap();
        Self { frontend, backend }
    }
}
