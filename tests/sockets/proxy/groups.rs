//! Proxies from a DISH to a RADIO.

use std::pin::Pin;

use fastrand::Rng;
use futures::poll;
use tokio::task;
use tokio_zmtp::proxy::{ProxyEnd, ProxyStats};
use tokio_zmtp::{Dish, Group, Radio, proxy};

use super::turns;
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(messages_of_joined_groups_pass_and_are_counted_by_their_bodies);

async fn messages_of_joined_groups_pass_and_are_counted_by_their_bodies(transport: Transport) {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(transport, 1_000, false).await;
    let capture = Radio::builder().bind(transport.any()).await.unwrap();
    let watcher = Dish::builder().join(&group("b")).build();
    watcher.connect(capture.last_endpoint().unwrap()).await.unwrap();
    until_joined(&capture, "b").await;
    let running = proxy(&ends.frontend, &ends.backend).capture(&capture);
    let handle = running.handle();
    let task = tokio::spawn(running);

    // No socket has joined "x", and the frontend leaves "c".
    ends.frontend.leave(&group("c"));
    for (name, body) in [("x", "1"), ("a", "22"), ("c", "333"), ("b", "4444")] {
        ends.source.send(&group(name), body).await.unwrap();
    }
    for (name, body) in [("a", "22"), ("b", "4444")] {
        let message = ends.destination.recv().await.unwrap();
        assert_eq!((message.group(), &message[..]), (group(name), body.as_bytes()));
    }
    let copy = watcher.recv().await.unwrap();
    assert_eq!((copy.group(), &copy[..]), (group("b"), &b"4444"[..]));

    handle.stop();
    let stats = task.await.unwrap().stats;
    assert_eq!((stats.to_backend.messages, stats.to_backend.bytes), (2, 6));
    // The message of a group without members is also captured: no remote misses it.
    assert_eq!((stats.captured.messages, stats.captured.bytes), (2, 6));
}

#[tokio::test]
async fn a_full_member_misses_messages_and_does_not_stop_the_proxy() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10, false).await;
    let quick = Dish::builder().join(&group("a")).build();
    quick.connect(ends.backend.last_endpoint().unwrap()).await.unwrap();
    while ends.backend.members(&group("a")).len() < 2 {
        turns().await;
    }
    let task = tokio::spawn(proxy(&ends.frontend, &ends.backend));
    for number in 0_u32..100 {
        ends.source.send(&group("a"), number.to_be_bytes()).await.unwrap();
        assert_eq!(&quick.recv().await.unwrap()[..], number.to_be_bytes());
    }
    // The messages that exceed the queues of the backend and of the member that does not read.
    turns().await;
    assert_eq!(ends.backend.stats().dropped.missed, 80);
    task.abort();
}

#[tokio::test]
async fn a_message_too_long_for_a_datagram_is_dropped_and_counted() {
    let _watchdog = Watchdog::start();
    for no_drop in [false, true] {
        // The source waits for full members, so that it does not drop messages itself.
        let (source, frontend) = pair(Transport::Inproc, 10, true).await;
        let (backend, destination) = pair(Transport::Inproc, 10, no_drop).await;
        let ends = Ends { source, frontend, backend, destination };
        let by_udp = Dish::builder().join(&group("a")).build();
        let endpoint = by_udp.bind("udp://127.0.0.1:*").await.unwrap();
        ends.backend.connect(endpoint).await.unwrap();
        while ends.backend.members(&group("a")).len() < 2 {
            turns().await;
        }
        let capture = Radio::new();
        let running = proxy(&ends.frontend, &ends.backend).capture(&capture);
        let handle = running.handle();
        let task = tokio::spawn(running);

        let long_group = group(&"g".repeat(128));
        ends.frontend.join(&long_group);
        until_joined(&ends.source, &long_group.to_string()).await;
        ends.source.send(&long_group, "body").await.unwrap();
        // More messages than the queues of both sockets hold.
        let long = "x".repeat(8_193);
        for _ in 0..100 {
            ends.source.send(&group("a"), &long).await.unwrap();
        }
        ends.source.send(&group("a"), "short").await.unwrap();
        for destination in [&ends.destination, &by_udp] {
            assert_eq!(&destination.recv().await.unwrap()[..], b"short");
        }
        handle.stop();
        let report = task.await.unwrap();
        assert_eq!(report.end, ProxyEnd::Stopped);
        let ProxyStats { to_backend, too_long, captured, .. } = report.stats;
        assert_eq!((to_backend.messages, to_backend.bytes), (1, 5));
        assert_eq!(captured, to_backend);
        assert_eq!((too_long.messages, too_long.bytes), (101, 4 + 100 * 8_193));
    }
}

#[tokio::test]
async fn a_proxy_of_groups_is_paused_resumed_and_stopped() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10, true).await;
    let running = proxy(&ends.frontend, &ends.backend);
    let handle = running.handle();
    let task = tokio::spawn(running);
    turns().await;

    handle.pause();
    ends.source.send(&group("a"), "first").await.unwrap();
    turns().await;
    assert_eq!(handle.stats(), ProxyStats::default());
    handle.resume();
    assert_eq!(&ends.destination.recv().await.unwrap()[..], b"first");

    // The queues of all members of the backend are full.
    for number in 0_u32..30 {
        ends.source.send(&group("b"), number.to_be_bytes()).await.unwrap();
        turns().await;
    }
    handle.stop();
    let report = task.await.unwrap();
    assert_eq!((report.end, report.stats.to_backend.messages), (ProxyEnd::Stopped, 21));
    for number in 0_u32..30 {
        let dish = if number < 20 { &ends.destination } else { &ends.frontend };
        assert_eq!(&dish.recv().await.unwrap()[..], number.to_be_bytes());
    }
}

/// The queues of both sockets are full at times, and the source waits.
#[tokio::test]
async fn with_no_drop_no_message_is_lost_when_a_proxy_is_dropped_at_any_point() {
    let _watchdog = Watchdog::start();
    let mut rng = Rng::with_seed(seed());
    for transport in [Transport::Inproc, Transport::Tcp] {
        let ends = Ends::new(transport, 3, true).await;
        let source = ends.source.clone();
        let sender = tokio::spawn(async move {
            for number in 0..COUNT {
                let name = if number % 3 == 0 { "b" } else { "a" };
                source.send(&group(name), number.to_be_bytes()).await.unwrap();
            }
        });
        let destination = ends.destination.clone();
        let mut pauses = rng.fork();
        let receiver = tokio::spawn(async move {
            for number in 0..COUNT {
                assert_eq!(&destination.recv().await.unwrap()[..], number.to_be_bytes());
                for _ in 0..pauses.u8(0..3) {
                    task::yield_now().await;
                }
            }
        });
        while !receiver.is_finished() {
            let mut running = proxy(&ends.frontend, &ends.backend);
            for _ in 0..rng.usize(0..8) {
                assert!(poll!(Pin::new(&mut running)).is_pending());
                for _ in 0..rng.usize(0..5) {
                    task::yield_now().await;
                }
            }
        }
        sender.await.unwrap();
        receiver.await.unwrap();
    }
}

/// A RADIO whose messages a DISH receives through a proxy.
struct Ends {
    source: Radio,
    frontend: Dish,
    backend: Radio,
    destination: Dish,
}

impl Ends {
    /// Connects all sockets, whose queues have the same high-water mark. The dishes join "a", "b"
    /// and "c".
    async fn new(transport: Transport, hwm: usize, no_drop: bool) -> Self {
        let (source, frontend) = pair(transport, hwm, no_drop).await;
        let (backend, destination) = pair(transport, hwm, no_drop).await;
        Self { source, frontend, backend, destination }
    }
}

async fn pair(transport: Transport, hwm: usize, no_drop: bool) -> (Radio, Dish) {
    let builder = Radio::builder().send_hwm(hwm).no_drop(no_drop);
    let radio = builder.bind(transport.any()).await.unwrap();
    let dish = Dish::builder().recv_hwm(hwm).build();
    for name in ["a", "b", "c"] {
        dish.join(&group(name));
    }
    dish.connect(radio.last_endpoint().unwrap()).await.unwrap();
    until_joined(&radio, "c").await;
    (radio, dish)
}

async fn until_joined(radio: &Radio, name: &str) {
    while radio.members(&group(name)).is_empty() {
        task::yield_now().await;
    }
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

const COUNT: u32 = 300;
