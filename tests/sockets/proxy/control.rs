//! Pausing, resuming and stopping a proxy.

use std::thread;

use tokio::task;
use tokio_zmtp::Client;
use tokio_zmtp::proxy::ProxyEnd;

use super::{Ends, poll_once, receive_numbers, turns};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(a_paused_proxy_forwards_nothing_until_it_is_resumed);

async fn a_paused_proxy_forwards_nothing_until_it_is_resumed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(transport, 1_000).await;
    let (task, handle) = ends.start();
    ends.send_west(0_u32.to_be_bytes()).await;
    receive_numbers(&ends.west, 1).await;

    handle.pause();
    assert!(handle.is_paused());
    let before = (handle.stats(), ends.backend.stats().sent, ends.west.stats().received);
    for number in 0_u32..100 {
        ends.send_west(number.to_be_bytes()).await;
        ends.send_east(number.to_be_bytes()).await;
    }
    // Over `inproc`, most messages stay in the queues of the servers.
    let queued = || ends.frontend.stats().queued.incoming + ends.backend.stats().queued.incoming;
    while transport != Transport::Inproc && queued() < 200 {
        task::yield_now().await;
    }
    turns().await;
    let after = (handle.stats(), ends.backend.stats().sent, ends.west.stats().received);
    assert_eq!(after, before);

    handle.resume();
    assert!(!handle.is_paused());
    receive_numbers(&ends.west, 100).await;
    receive_numbers(&ends.east, 100).await;
    assert_eq!(handle.stats().to_backend.messages, 101);
    handle.stop();
    task.await.unwrap();
}

/// A paused proxy passes the wake-up for a message on to the next receiver.
#[tokio::test]
async fn other_receivers_get_the_messages_of_a_paused_proxy() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, handle) = ends.start();
    turns().await;
    let receiver = tokio::spawn({
        let frontend = ends.frontend.clone();
        async move { frontend.recv().await.unwrap() }
    });
    turns().await;
    ends.send_west("taken by the proxy, which is first in line").await;
    handle.pause();
    assert_eq!(receiver.await.unwrap(), "taken by the proxy, which is first in line");
    assert_eq!(handle.stats().to_backend.messages, 0);
    task.abort();
}

#[tokio::test]
async fn a_stopped_proxy_leaves_messages_in_their_queues() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, handle) = ends.start();
    let (to_west, to_east) = (ends.fill_west().await, ends.fill_east().await);
    handle.stop();
    let report = task.await.unwrap();
    assert_eq!(report.end, ProxyEnd::Stopped);
    assert!(handle.is_finished());
    assert_eq!((to_west, to_east), (40, 40));

    // Half of the messages were forwarded. The others can be received, and the sockets remain open.
    receive_numbers(&ends.west, 20).await;
    for number in 20..to_west {
        assert_eq!(ends.frontend.recv().await.unwrap(), number.to_be_bytes());
    }
    assert_eq!(report.stats, handle.stats());
    assert_eq!(report.stats.to_backend.messages, 20);
    ends.backend.send("another").await.unwrap();
    assert_eq!(ends.west.recv().await.unwrap(), "another");
}

#[tokio::test]
async fn a_proxy_can_be_stopped_while_it_is_paused_idle_or_not_yet_polled() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, handle) = ends.start();
    turns().await;
    handle.pause();
    turns().await;
    handle.stop();
    assert_eq!(task.await.unwrap().end, ProxyEnd::Stopped);

    let (task, handle) = ends.start();
    turns().await;
    handle.stop();
    assert_eq!(task.await.unwrap().end, ProxyEnd::Stopped);

    let mut proxy = ends.proxy();
    proxy.handle().stop();
    assert!(poll_once(&mut proxy).await.is_ready());
    // A stopped proxy cannot be resumed.
    proxy.handle().resume();
    assert!(!proxy.handle().is_paused());
    assert!(poll_once(&mut proxy).await.is_ready());
}

#[tokio::test]
async fn a_dropped_proxy_is_stopped_and_its_handle_has_no_effect() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let mut proxy = ends.proxy();
    let handle = proxy.handle();
    assert_eq!(handle, handle.clone());
    assert_ne!(handle, ends.proxy().handle());
    assert!(poll_once(&mut proxy).await.is_pending());
    assert!(!handle.is_finished());
    drop(proxy);
    assert!(handle.is_finished());
    handle.pause();
    handle.resume();
    handle.stop();
    ends.send_west("for a receiver").await;
    assert_eq!(ends.frontend.recv().await.unwrap(), "for a receiver");
}

/// A method of the handle takes effect before it returns, although the proxy runs on another
/// thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_forwarded_after_a_pause_has_returned() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 100).await;
    let capture = Client::new();
    let proxy = ends.proxy().capture(&capture);
    let handle = proxy.handle();
    let task = tokio::spawn(proxy);
    let (east, id, west) = (ends.east.clone(), ends.frontend_id, ends.west.clone());
    let sender = tokio::spawn(async move { while east.route(id, "message").await.is_ok() {} });
    let receiver = tokio::spawn(async move { while west.recv().await.is_ok() {} });
    for _ in 0..100 {
        handle.pause();
        let paused = handle.stats();
        for _ in 0..100 {
            thread::yield_now();
        }
        assert_eq!(handle.stats(), paused);
        handle.resume();
        task::yield_now().await;
    }
    handle.stop();
    let stopped = handle.stats();
    assert_eq!(task.await.unwrap().stats, stopped);
    assert_eq!(stopped.capture_dropped, stopped.to_backend);
    sender.abort();
    receiver.abort();
}
