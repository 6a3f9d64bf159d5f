//! SCATTER and GATHER (RFC 49).

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_test::assert_pending;
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Gather, Message, NoRemoteError, RecvError, Scatter, TrySendError};

use crate::events;
use crate::remote::{LONGER_THAN_BUFFERS, MORE, Remote, ReservedPort, message};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(a_scatter_sends_to_three_gathers_in_turn);

async fn a_scatter_sends_to_three_gathers_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    let mut gathers = Vec::new();
    for _ in 0..3 {
        let gather = Gather::new();
        scatter.connect(gather.bind(transport.any()).await.unwrap()).await.unwrap();
        gathers.push(gather);
    }
    for number in 0..30_u8 {
        scatter.send([number]).await.unwrap();
    }
    for (turn, gather) in (0_u8..).zip(&gathers) {
        for number in (turn..30).step_by(3) {
            assert_eq!(gather.recv().await.unwrap(), [number]);
        }
    }
}

over_every_transport!(a_gather_receives_from_its_scatters_in_turn);

async fn a_gather_receives_from_its_scatters_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let gather = Gather::new();
    let endpoint = gather.bind(transport.any()).await.unwrap();
    let scatters = [Scatter::new(), Scatter::new(), Scatter::new()];
    for (number, scatter) in (0_u8..).zip(&scatters) {
        scatter.connect(&endpoint).await.unwrap();
        for _ in 0..10 {
            scatter.send([number]).await.unwrap();
        }
        scatter.close().await;
    }
    while gather.stats().received.messages < 30 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        let mut turn = Vec::new();
        for _ in 0..3 {
            turn.push(gather.recv().await.unwrap()[0]);
        }
        turn.sort_unstable();
        assert_eq!(turn, [0, 1, 2]);
    }
}

#[tokio::test]
async fn a_scatter_without_remotes_is_mute() {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    assert_eq!(scatter.try_send("one"), Err(TrySendError::Full(Message::from("one"))));
    let mut sending = Box::pin(scatter.send("two"));
    assert_pending!(futures::poll!(&mut sending));
    let gather = Gather::new();
    scatter.connect(gather.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    sending.await.unwrap();
    assert_eq!(gather.recv().await.unwrap(), "two");
}

#[tokio::test]
async fn messages_queue_for_a_gather_before_it_listens() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let scatter = Scatter::builder().send_hwm(3).connect(place.endpoint()).await.unwrap();
    for number in 0..3 {
        scatter.try_send([number]).unwrap();
    }
    assert_eq!(scatter.try_send("more"), Err(TrySendError::Full(Message::from("more"))));
    let gather = Gather::new();
    gather.bind(place.release()).await.unwrap();
    for number in 0..3 {
        assert_eq!(gather.recv().await.unwrap(), [number]);
    }
}

#[tokio::test]
async fn messages_queued_for_a_gather_that_left_are_dropped_and_counted() {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    let endpoint = scatter.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = scatter.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("GATHER").await;
    let established = events::until_established(&mut monitor).await;
    scatter.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    for _ in 0..10 {
        scatter.try_send("x").unwrap();
    }

    drop(remote);

    let subject = events::until_dropped(&mut monitor, 11, DropCause::Undelivered).await;
    assert_eq!(subject, events::about(&established));
    assert_eq!(scatter.stats().dropped.undelivered, 11);
    assert_eq!(scatter.try_send("mute"), Err(TrySendError::Full(Message::from("mute"))));
    let report = scatter.close().await;
    assert_eq!((report.written, report.undelivered), (0, 11));
}

#[tokio::test]
async fn closing_returns_the_messages_that_no_gather_took() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let scatter = Scatter::builder().linger(Duration::ZERO).connect(place.endpoint());
    let scatter = scatter.await.unwrap();
    for number in 0..3 {
        scatter.send([number]).await.unwrap();
    }
    let (report, returned) = scatter.close_with_undelivered().await;
    assert_eq!(returned, [[0], [1], [2]]);
    assert_eq!(report.undelivered, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_send_and_receive_on_handles_of_one_socket() {
    const TASKS: u32 = 8;
    const EACH: u32 = 1_000;
    let _watchdog = Watchdog::start();
    let gather = Gather::new();
    let endpoint = gather.bind("tcp://127.0.0.1:*").await.unwrap();
    let scatter = Scatter::builder().send_hwm(10).connect(endpoint).await.unwrap();
    let mut senders = JoinSet::new();
    let mut receivers = JoinSet::new();
    for task in 0..TASKS {
        let (scatter, gather) = (scatter.clone(), gather.clone());
        senders.spawn(async move {
            for number in 0..EACH {
                scatter.send((task * EACH + number).to_be_bytes()).await.unwrap();
            }
        });
        receivers.spawn(async move {
            let mut received = Vec::new();
            for _ in 0..EACH {
                let message = gather.recv().await.unwrap();
                received.push(u32::from_be_bytes(*message.first_chunk().unwrap()));
            }
            received
        });
    }
    senders.join_all().await;
    let received: BTreeSet<u32> = receivers.join_all().await.into_iter().flatten().collect();
    assert!(received.into_iter().eq(0..TASKS * EACH));
}

over_every_transport!(a_scatter_waits_for_a_gather_that_does_not_receive);

async fn a_scatter_waits_for_a_gather_that_does_not_receive(transport: Transport) {
    let _watchdog = Watchdog::start();
    let gather = Gather::builder().recv_hwm(1).build();
    let endpoint = gather.bind(transport.any()).await.unwrap();
    let scatter = Scatter::builder().send_hwm(1).connect(endpoint).await.unwrap();
    let body = Message::from(vec![7; LONGER_THAN_BUFFERS]);
    let mut sent = 0;
    // Long bodies soon fill the system's buffers, and then the queues.
    while scatter.send(body.clone()).now_or_never().is_some() {
        sent += 1;
        tokio::task::yield_now().await;
        assert!(sent < 1_000, "the sender never waits");
    }
    for _ in 0..sent {
        assert_eq!(gather.recv().await.unwrap(), body);
    }
    scatter.send("more").await.unwrap();
    assert_eq!(gather.recv().await.unwrap(), "more");
}

over_every_transport!(messages_go_to_all_gathers_that_were_awaited);

async fn messages_go_to_all_gathers_that_were_awaited(transport: Transport) {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    let endpoint = scatter.bind(transport.any()).await.unwrap();
    let mut waiting = tokio_test::task::spawn(scatter.remotes().at_least(3));
    let mut gathers = Vec::new();
    for _ in 0..3 {
        assert_pending!(waiting.poll());
        gathers.push(Gather::builder().connect(&endpoint).await.unwrap());
        gathers.last().unwrap().remotes().connected().await.unwrap();
    }
    waiting.await.unwrap();
    for _ in 0..3 {
        scatter.send("one each").await.unwrap();
    }
    for gather in &gathers {
        assert_eq!(gather.recv().await.unwrap(), "one each");
    }
    scatter.close().await;
    let closed = scatter.remotes().at_least(4).await;
    assert!(matches!(closed, Err(NoRemoteError::Closed)));
}

#[tokio::test]
async fn a_scatter_is_a_sink_and_a_gather_a_stream() {
    let _watchdog = Watchdog::start();
    let gather = Gather::new();
    let endpoint = gather.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut scatter = Scatter::builder().connect(endpoint).await.unwrap();
    let numbers = ["one", "two", "three"].map(Message::from);
    let mut messages = futures::stream::iter(numbers.clone().map(Ok));
    scatter.send_all(&mut messages).await.unwrap();
    assert_eq!(gather.clone().take(3).collect::<Vec<_>>().await, numbers);
    gather.close().await;
    assert_eq!(gather.recv().await, Err(RecvError::Closed));
}

#[tokio::test]
async fn a_gather_discards_multipart_messages_entirely() {
    let _watchdog = Watchdog::start();
    let gather = Gather::new();
    let endpoint = gather.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = gather.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("SCATTER").await;
    remote.write(&[&[MORE, 1][..], b"a", &message(b"b"), &message(b"whole")].concat()).await;
    assert_eq!(gather.recv().await.unwrap(), "whole");
    events::until_dropped(&mut monitor, 1, DropCause::Multipart).await;
}

#[tokio::test]
async fn messages_to_a_scatter_are_counted_as_unread() {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    let endpoint = scatter.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = scatter.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("GATHER").await;
    remote.write(&message(b"one").repeat(5)).await;
    remote.sync().await;
    // The connection remains usable.
    scatter.send("for the gather").await.unwrap();
    assert_eq!(remote.read_message().await, b"for the gather");
    remote.shut_down().await;
    events::until_dropped(&mut monitor, 5, DropCause::Unread).await;
    assert_eq!(scatter.stats().dropped.unread, 5);
}

#[tokio::test]
async fn sockets_of_other_types_are_refused() {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    let endpoint = scatter.bind("tcp://127.0.0.1:*").await.unwrap();
    let refusing = Scatter::builder().connect(endpoint).await.unwrap();
    let mut monitor = refusing.monitor();
    let failed = events::until(&mut monitor, |kind| {
        matches!(kind, tokio_zmtp::monitor::EventKind::HandshakeFailed { .. })
    });
    failed.await;
    assert_eq!(scatter.remotes().list().len(), 0);
}
