//! What is sent is received: in turn, in order, whole, and within the high-water marks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_test::assert_pending;
use tokio_zmtp::monitor::{DropCause, EventKind};
use tokio_zmtp::{Multipart, Pull, Push, RecvError, SendError, TrySendError};

use crate::events;
use crate::remote::{LONGER_THAN_BUFFERS, Remote, ReservedPort, message};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(a_push_sends_to_three_pulls_in_turn);

async fn a_push_sends_to_three_pulls_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let push = Push::new();
    let mut pulls = Vec::new();
    for _ in 0..3 {
        let pull = Pull::new();
        push.connect(pull.bind(transport.any()).await.unwrap()).await.unwrap();
        pulls.push(pull);
    }
    for number in 0..30_u8 {
        push.send([[number], [1], [2]]).await.unwrap();
    }
    for (turn, pull) in (0_u8..).zip(&pulls) {
        for number in (turn..30).step_by(3) {
            assert_eq!(pull.recv().await.unwrap(), [[number], [1], [2]]);
        }
    }
}

over_every_transport!(a_pull_receives_from_its_pushes_in_turn);

async fn a_pull_receives_from_its_pushes_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let pull = Pull::new();
    let endpoint = pull.bind(transport.any()).await.unwrap();
    let pushes = [Push::new(), Push::new(), Push::new()];
    for (number, push) in (0_u8..).zip(&pushes) {
        push.connect(&endpoint).await.unwrap();
        for _ in 0..10 {
            push.send(["part".into(), vec![number]]).await.unwrap();
        }
        push.close().await;
    }
    while pull.stats().received.messages < 30 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        let mut turn = Vec::new();
        for _ in 0..3 {
            turn.push(pull.recv().await.unwrap()[1][0]);
        }
        turn.sort_unstable();
        assert_eq!(turn, [0, 1, 2]);
    }
}

over_every_transport!(parts_of_every_number_and_size_arrive_unchanged);

async fn parts_of_every_number_and_size_arrive_unchanged(transport: Transport) {
    let _watchdog = Watchdog::start();
    let pull = Pull::builder().recv_hwm(0).build();
    let endpoint = pull.bind(transport.any()).await.unwrap();
    let push = Push::builder().send_hwm(0).connect(endpoint).await.unwrap();
    let sizes = [0, 1, 68, 69, 70, 71, 253, 255, 256, 5_000, 32_767, 32_768, 70_000, 300_000];
    let mut sent = Vec::new();
    for (fill, size) in (0_u8..).zip(sizes) {
        for parts in [1, 2, 3, 17] {
            sent.push(Multipart::from(vec![vec![fill; size]; parts]));
            sent.push(Multipart::from(vec![vec![], vec![fill; size], vec![]]));
        }
    }
    sent.push((0..1_000).map(|_| "").collect());
    for message in &sent {
        push.send(message).await.unwrap();
    }
    for message in sent {
        assert_eq!(pull.recv().await.unwrap(), message);
    }
}

#[tokio::test]
async fn a_push_without_remotes_is_mute() {
    let _watchdog = Watchdog::start();
    let push = Push::new();
    let parts = ["one", "two"];
    assert_eq!(push.try_send(parts), Err(TrySendError::Full(Multipart::from(parts))));
    assert_eq!(push.try_reserve().unwrap_err(), TrySendError::Full(()));
    let refused = push.send_timeout(parts, Duration::ZERO).await;
    assert_eq!(refused, Err(SendError::Timeout(Multipart::from(parts))));
    let mut sending = Box::pin(push.send(["three", "four"]));
    assert_pending!(futures::poll!(&mut sending));
    let pull = Pull::new();
    push.connect(pull.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    sending.await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["three", "four"]);
    push.close().await;
    assert_eq!(push.try_send(parts), Err(TrySendError::Closed(Multipart::from(parts))));
}

#[tokio::test]
async fn messages_queue_for_a_pull_before_it_listens_and_count_whole() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let push = Push::builder().send_hwm(3).connect(place.endpoint()).await.unwrap();
    for number in 0..3 {
        push.try_send([[number]; 10]).unwrap();
    }
    let more = Multipart::from(["more", "of it"]);
    assert_eq!(push.try_send(&more), Err(TrySendError::Full(more)));
    let pull = Pull::new();
    pull.bind(place.release()).await.unwrap();
    for number in 0..3 {
        assert_eq!(pull.recv().await.unwrap(), [[number]; 10]);
    }
}

#[tokio::test]
async fn the_limit_in_bytes_counts_all_parts() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let push = Push::builder().send_hwm_bytes(1_000).connect(place.endpoint()).await.unwrap();
    push.try_send("short").unwrap();
    push.try_send([[7; 100]; 10]).unwrap();
    assert!(matches!(push.try_send("more"), Err(TrySendError::Full(_))));
}

#[tokio::test]
async fn a_permit_sends_all_parts() {
    let _watchdog = Watchdog::start();
    let pull = Pull::new();
    let push = Push::builder().send_hwm(1).build();
    push.connect(pull.bind("inproc://permits").await.unwrap()).await.unwrap();
    let permit = push.reserve().await.unwrap();
    permit.send(["a", "b"]).unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn messages_queued_for_a_pull_that_left_are_dropped_and_counted() {
    let _watchdog = Watchdog::start();
    let push = Push::new();
    let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = push.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("PULL").await;
    let established = events::until_established(&mut monitor).await;
    push.send([vec![0; LONGER_THAN_BUFFERS], vec![0; 10]]).await.unwrap();
    remote.peek().await;
    for _ in 0..10 {
        push.try_send(["x", "y"]).unwrap();
    }

    drop(remote);

    let subject = events::until_dropped(&mut monitor, 11, DropCause::Undelivered).await;
    assert_eq!(subject, events::about(&established));
    assert_eq!(push.stats().dropped.undelivered, 11);
    assert!(matches!(push.try_send("mute"), Err(TrySendError::Full(_))));
    let report = push.close().await;
    assert_eq!((report.written, report.undelivered), (0, 11));
}

#[tokio::test]
async fn closing_returns_the_messages_that_no_pull_took() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let push = Push::builder().linger(Duration::ZERO).connect(place.endpoint()).await.unwrap();
    for number in 0..3 {
        push.send([[number], [7]]).await.unwrap();
    }
    let (report, returned) = push.close_with_undelivered().await;
    assert_eq!(returned, [[[0], [7]], [[1], [7]], [[2], [7]]]);
    assert_eq!(report.undelivered, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_send_and_receive_on_handles_of_one_socket() {
    const TASKS: u32 = 8;
    const EACH: u32 = 1_000;
    let _watchdog = Watchdog::start();
    let pull = Pull::new();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let push = Push::builder().send_hwm(10).connect(endpoint).await.unwrap();
    let mut senders = JoinSet::new();
    let mut receivers = JoinSet::new();
    for task in 0..TASKS {
        let (push, pull) = (push.clone(), pull.clone());
        senders.spawn(async move {
            for number in 0..EACH {
                push.send([task, task * EACH + number].map(u32::to_be_bytes)).await.unwrap();
            }
        });
        receivers.spawn(async move {
            let mut received = Vec::new();
            for _ in 0..EACH {
                let message = pull.recv().await.unwrap();
                let [task, number] =
                    [0, 1].map(|at| u32::from_be_bytes(message[at].try_into().unwrap()));
                assert_eq!((message.len(), number / EACH), (2, task));
                received.push(number);
            }
            received
        });
    }
    senders.join_all().await;
    let received: BTreeSet<u32> = receivers.join_all().await.into_iter().flatten().collect();
    assert!(received.into_iter().eq(0..TASKS * EACH));
}

over_every_transport!(a_push_waits_for_a_pull_that_does_not_receive);

async fn a_push_waits_for_a_pull_that_does_not_receive(transport: Transport) {
    let _watchdog = Watchdog::start();
    let pull = Pull::builder().recv_hwm(1).build();
    let endpoint = pull.bind(transport.any()).await.unwrap();
    let push = Push::builder().send_hwm(1).connect(endpoint).await.unwrap();
    let message = Multipart::from(vec![vec![7; LONGER_THAN_BUFFERS / 2]; 2]);
    let mut sent = 0;
    // Long messages soon fill the system's buffers, and then the queues.
    while push.send(&message).now_or_never().is_some() {
        sent += 1;
        tokio::task::yield_now().await;
        assert!(sent < 1_000, "the sender never waits");
    }
    for _ in 0..sent {
        assert_eq!(pull.recv().await.unwrap(), message);
    }
    push.send("more").await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["more"]);
}

#[tokio::test]
async fn a_push_is_a_sink_and_a_pull_a_stream() {
    let _watchdog = Watchdog::start();
    let pull = Pull::new();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut push = Push::builder().connect(endpoint).await.unwrap();
    let numbers = [["one", "1"], ["two", "2"], ["three", "3"]].map(Multipart::from);
    let mut messages = futures::stream::iter(numbers.clone().map(Ok));
    push.send_all(&mut messages).await.unwrap();
    assert_eq!(pull.clone().take(3).collect::<Vec<_>>().await, numbers);
    pull.close().await;
    assert_eq!(pull.recv().await, Err(RecvError::Closed));
}

#[tokio::test]
async fn messages_to_a_push_are_counted_as_unread() {
    let _watchdog = Watchdog::start();
    let push = Push::new();
    let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = push.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("PULL").await;
    remote.write(&message(b"one").repeat(5)).await;
    remote.sync().await;
    // The connection remains usable.
    push.send("for the pull").await.unwrap();
    assert_eq!(remote.read_message().await, b"for the pull");
    remote.shut_down().await;
    events::until_dropped(&mut monitor, 5, DropCause::Unread).await;
    assert_eq!(push.stats().dropped.unread, 5);
}

#[tokio::test]
async fn sockets_of_other_types_are_refused() {
    let _watchdog = Watchdog::start();
    let push = Push::new();
    let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
    let refusing = Push::builder().connect(endpoint).await.unwrap();
    let mut monitor = refusing.monitor();
    events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    assert_eq!(push.remotes().list().len(), 0);
}
