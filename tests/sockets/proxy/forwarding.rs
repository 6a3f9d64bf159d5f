//! The messages that pass through a proxy, and their order.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Client, InprocEndpoint, Server, proxy};

use super::{Ends, poll_once, receive_numbers, turns};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(messages_pass_both_ways_and_are_counted);

async fn messages_pass_both_ways_and_are_counted(transport: Transport) {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(transport, 1_000).await;
    let (task, handle) = ends.start();
    for size in [0, 1, 72, 73, 1_000, 100_000] {
        ends.send_west(vec![1; size]).await;
        ends.send_east(vec![2; size]).await;
        ends.send_east(vec![3; size]).await;
    }
    for size in [0, 1, 72, 73, 1_000, 100_000] {
        assert_eq!(ends.west.recv().await.unwrap(), vec![1; size]);
        assert_eq!(ends.east.recv().await.unwrap(), vec![2; size]);
        assert_eq!(ends.east.recv().await.unwrap(), vec![3; size]);
    }
    let stats = handle.stats();
    assert_eq!((stats.to_backend.messages, stats.to_frontend.messages), (6, 12));
    assert_eq!((stats.to_backend.bytes, stats.to_frontend.bytes), (101_146, 202_292));
    handle.stop();
    assert_eq!(task.await.unwrap().stats, stats);
}

#[tokio::test]
async fn a_full_side_stops_neither_the_other_direction_nor_the_handle() {
    let _watchdog = Watchdog::start();
    for transport in [Transport::Inproc, Transport::Tcp] {
        let ends = Ends::new(transport, 10).await;
        let (task, handle) = ends.start();
        let waiting = tokio::spawn({
            let (east, id) = (ends.east.clone(), ends.frontend_id);
            async move {
                for number in 0_u32..FLOOD {
                    let mut body = vec![0; 0x1_0000];
                    body[..4].copy_from_slice(&number.to_be_bytes());
                    east.route(id, body).await.unwrap();
                }
            }
        });
        // The west does not read, so the backend becomes mute, and then the frontend and the east.
        for number in 0..FLOOD {
            ends.send_east(number.to_be_bytes()).await;
            assert_eq!(ends.east.recv().await.unwrap(), number.to_be_bytes());
        }
        assert!(!waiting.is_finished());
        let stats = handle.stats();
        assert_eq!(stats.to_frontend.messages, u64::from(FLOOD));
        assert!(stats.to_backend.messages < u64::from(FLOOD));

        for number in 0..FLOOD {
            assert_eq!(ends.west.recv().await.unwrap()[..4], number.to_be_bytes());
        }
        waiting.await.unwrap();
        handle.stop();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn back_pressure_passes_through_a_proxy_which_holds_no_message() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, handle) = ends.start();
    assert_eq!(ends.fill_west().await, 40, "four queues of ten messages each");
    assert_eq!(handle.stats().to_backend.messages, 20);

    receive_numbers(&ends.west, 40).await;
    handle.stop();
    task.await.unwrap();
}

#[tokio::test]
async fn a_socket_that_is_joined_with_itself_returns_its_messages() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let proxy = proxy(&ends.frontend, &ends.frontend.clone());
    let handle = proxy.handle();
    let task = tokio::spawn(proxy);
    for number in 0_u32..100 {
        ends.send_west(number.to_be_bytes()).await;
        assert_eq!(ends.east.recv().await.unwrap(), number.to_be_bytes());
    }
    let stats = handle.stats();
    assert_eq!((stats.to_backend.messages, stats.to_frontend.messages), (100, 0));
    ends.frontend.close().await;
    task.await.unwrap();
}

#[tokio::test]
async fn proxies_can_be_chained() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let endpoint = InprocEndpoint::unique();
    // Between the two proxies, a server returns every message.
    let (one, other) = (Client::new(), Client::new());
    let echo = Server::builder().bind(endpoint.clone()).await.unwrap();
    one.connect(endpoint.clone()).await.unwrap();
    other.connect(endpoint).await.unwrap();
    let first = tokio::spawn(proxy(&ends.frontend, &one));
    let second = tokio::spawn(proxy(&other, &ends.backend));
    ends.send_west("a").await;
    let request = echo.recv().await.unwrap();
    echo.reply(&request, "b").await.unwrap();
    assert_eq!(ends.east.recv().await.unwrap(), "b");
    ends.send_east("c").await;
    assert_eq!(echo.recv().await.unwrap(), "c");
    first.abort();
    second.abort();
}

/// A proxy that waits for queue capacity has been woken for a message that it cannot take.
#[tokio::test]
async fn a_message_that_a_proxy_cannot_forward_goes_to_another_receiver() {
    let _watchdog = Watchdog::start();
    let (frontend, backend) = (Client::new(), Client::new());
    let east = Server::builder().bind(InprocEndpoint::unique()).await.unwrap();
    frontend.connect(east.last_endpoint().unwrap()).await.unwrap();
    east.remotes().connected().await.unwrap();
    let id = east.remotes().iter().next().unwrap().routing_id().unwrap();
    let task = tokio::spawn(proxy(&frontend, &backend));
    turns().await;
    let receiver = tokio::spawn({
        let frontend = frontend.clone();
        async move { frontend.recv().await.unwrap() }
    });
    turns().await;
    // The proxy is first in line, but the backend has no remote.
    east.route(id, "for any receiver").await.unwrap();
    assert_eq!(receiver.await.unwrap(), "for any receiver");
    task.abort();
}

/// A proxy that waits for queue capacity receives a slot after its message was taken by another
/// task.
#[tokio::test]
async fn capacity_that_a_proxy_no_longer_needs_goes_to_another_sender() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 1).await;
    let task = tokio::spawn(ends.proxy());
    assert_eq!(ends.fill_west().await, 4);
    let sender = tokio::spawn({
        let backend = ends.backend.clone();
        async move { backend.send("from another handle").await.unwrap() }
    });
    turns().await;
    // Takes the messages that the proxy waits to forward.
    assert_eq!(ends.frontend.try_recv().unwrap(), 2_u32.to_be_bytes());
    assert_eq!(ends.frontend.try_recv().unwrap(), 3_u32.to_be_bytes());
    for expected in [&0_u32.to_be_bytes()[..], &1_u32.to_be_bytes(), b"from another handle"] {
        assert_eq!(ends.west.recv().await.unwrap(), expected);
    }
    sender.await.unwrap();
    task.abort();
}

#[tokio::test]
async fn a_busy_proxy_yields() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 0).await;
    for number in 0_u32..10_000 {
        ends.send_west(number.to_be_bytes()).await;
    }
    let mut proxy = tokio_test::task::spawn(ends.proxy());
    assert!(proxy.poll().is_pending());
    turns().await;
    assert!(proxy.is_woken());
    let moved = proxy.handle().stats().to_backend.messages;
    assert!((500..2_000).contains(&moved), "{moved}");
    while proxy.is_woken() {
        assert!(proxy.poll().is_pending());
        turns().await;
    }
    receive_numbers(&ends.west, 10_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_waits_is_not_woken() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 1).await;
    let mut proxy = tokio_test::task::spawn(ends.proxy());
    assert!(proxy.poll().is_pending());
    time::sleep(Duration::from_secs(60)).await;
    assert!(!proxy.is_woken(), "it is idle");

    // Both sides are full.
    for _ in 0..10 {
        let _ = ends.east.try_route(ends.frontend_id, "west");
        let _ = ends.west.try_route(ends.backend_id, "east");
        turns().await;
        if proxy.is_woken() {
            assert!(proxy.poll().is_pending());
        }
    }
    time::sleep(Duration::from_secs(60)).await;
    assert!(!proxy.is_woken(), "it is full");

    proxy.handle().pause();
    assert!(proxy.is_woken());
    assert!(proxy.poll().is_pending());
    time::sleep(Duration::from_secs(60)).await;
    assert!(!proxy.is_woken(), "it is paused");
}

#[tokio::test]
async fn an_unpolled_proxy_forwards_nothing() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 1).await;
    let mut proxy = ends.proxy();
    assert_eq!(ends.fill_west().await, 2);
    assert_eq!(proxy.handle().stats().to_backend.messages, 0);
    assert!(poll_once(&mut proxy).await.is_pending());
    assert_eq!(proxy.handle().stats().to_backend.messages, 2);
}

const FLOOD: u32 = 500;
