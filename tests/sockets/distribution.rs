//! How PUSH and DEALER distribute messages, and what happens to those that a remote leaves.

use std::time::Duration;

use futures::FutureExt;
use tokio::task;
use tokio_zmtp::monitor::{DropCause, EventKind};
use tokio_zmtp::stats::{Dropped, Queued};
use tokio_zmtp::{
    Balance, Builder, Dealer, Multipart, Pull, Push, RecvReturnedError, TryRecvError,
    TryRecvReturnedError, Undelivered,
};

use crate::events;
use crate::one_way::{Numbered, Payload};
use crate::remote::{LONGER_THAN_BUFFERS, MORE, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

/// The remotes do not listen yet, so that the lengths of the queues are known.
#[tokio::test]
async fn the_remote_with_the_shortest_queue_is_preferred() {
    let _watchdog = Watchdog::start();
    let [first, second] = [(); 2].map(|()| ReservedPort::reserve());
    let push = Push::builder().balance(Balance::ShortestQueue).build();
    push.connect(first.endpoint()).await.unwrap();
    for number in 0..3 {
        push.send(Multipart::numbered(number)).await.unwrap();
    }
    push.connect(second.endpoint()).await.unwrap();
    for number in 3..8 {
        push.send(Multipart::numbered(number)).await.unwrap();
    }
    for (place, expected) in [(first, [0, 1, 2, 6]), (second, [3, 4, 5, 7])] {
        let pull = Pull::builder().bind(place.release()).await.unwrap();
        for number in expected {
            assert_eq!(pull.recv().await.unwrap().number(), number);
        }
    }
}

#[tokio::test]
async fn a_dealer_prefers_the_shortest_queue_if_configured() {
    let _watchdog = Watchdog::start();
    let stalled = ReservedPort::reserve();
    let dealer = Dealer::builder().balance(Balance::ShortestQueue).build();
    dealer.connect(stalled.endpoint()).await.unwrap();
    dealer.send("for a remote that does not listen").await.unwrap();
    let echo = Dealer::new();
    dealer.connect(echo.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    // Each message is taken from its queue before the next is sent.
    for number in 0..10 {
        dealer.send(Multipart::numbered(number)).await.unwrap();
        assert_eq!(echo.recv().await.unwrap().number(), number);
    }
}

over_every_transport!(tasks_that_wait_are_served_by_the_shortest_queue);

async fn tasks_that_wait_are_served_by_the_shortest_queue(transport: Transport) {
    const MESSAGES: u32 = 1_000;
    let _watchdog = Watchdog::start();
    let push = Push::builder().balance(Balance::ShortestQueue).send_hwm(2).build();
    let endpoint = push.bind(transport.any()).await.unwrap();
    let pulls = [(); 3].map(|()| Pull::builder().recv_hwm(2).build());
    let mut receivers = Vec::new();
    for pull in pulls {
        pull.connect(&endpoint).await.unwrap();
        receivers.push(tokio::spawn(async move {
            let mut received = Vec::new();
            while let Ok(message) = pull.recv_timeout(Duration::from_secs(20)).await {
                if message == ["end"] {
                    break;
                }
                received.push(message.number());
            }
            received
        }));
    }
    push.remotes().at_least(3).await.unwrap();
    for number in 0..MESSAGES {
        push.send(Multipart::numbered(number)).await.unwrap();
    }
    // The remotes have received everything, so that each is sent one of these.
    while push.stats().sent.messages < u64::from(MESSAGES) {
        task::yield_now().await;
    }
    for _ in 0..3 {
        push.send("end").await.unwrap();
    }
    let mut received = Vec::new();
    for receiver in receivers {
        received.extend(receiver.await.unwrap());
    }
    received.sort_unstable();
    assert!(received.into_iter().eq(0..MESSAGES));
}

#[tokio::test]
async fn messages_of_a_remote_that_left_are_returned_in_order() {
    let _watchdog = Watchdog::start();
    let push = Push::builder().undelivered(Undelivered::Return).build();
    let waiting = tokio::spawn({
        let push = push.clone();
        async move { push.recv_returned().await }
    });
    leave_eleven(&push).await;
    assert_eq!(waiting.await.unwrap().unwrap(), long());
    for number in 0..10 {
        assert_eq!(push.recv_returned().await.unwrap().number(), number);
    }
    assert_eq!(push.try_recv_returned(), Err(TryRecvReturnedError::Empty));
    let stats = push.stats();
    assert_eq!((stats.dropped, stats.queued), (Dropped::default(), Queued::default()));
    assert_eq!((stats.returned, stats.redirected, stats.sent.messages), (11, 0, 0));
    let report = push.close().await;
    assert_eq!((report.written, report.undelivered), (0, 0));
    assert_eq!(push.recv_returned().await, Err(RecvReturnedError::Closed));
    assert_eq!(push.try_recv_returned(), Err(TryRecvReturnedError::Closed));
}

/// With `Redirect` it would take messages that are for other remotes, and with `Drop` it would wait
/// indefinitely.
#[tokio::test]
async fn a_socket_that_returns_no_messages_reports_it() {
    let _watchdog = Watchdog::start();
    for undelivered in [Undelivered::Drop, Undelivered::Redirect] {
        let push = Push::builder().undelivered(undelivered).build();
        let endpoint = leave_eleven(&push).await;
        assert_eq!(push.recv_returned().await, Err(RecvReturnedError::NotReturned));
        assert_eq!(push.try_recv_returned(), Err(TryRecvReturnedError::NotReturned));
        if undelivered == Undelivered::Redirect {
            let pull = Pull::builder().connect(endpoint).await.unwrap();
            assert_eq!(pull.recv().await.unwrap(), long());
        }
    }
}

#[tokio::test]
async fn a_dealer_returns_messages_and_still_receives_others() {
    let _watchdog = Watchdog::start();
    let dealer = Dealer::builder().undelivered(Undelivered::Return).build();
    let endpoint = dealer.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("ROUTER").await;
    remote.write(b"\x00\x04last").await;
    dealer.send(long()).await.unwrap();
    remote.peek().await;
    dealer.send(["queued", "message"]).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), ["last"]);
    drop(remote);
    assert_eq!(dealer.recv_returned().await.unwrap(), long());
    assert_eq!(dealer.recv_returned().await.unwrap(), ["queued", "message"]);
}

#[tokio::test]
async fn messages_above_the_limit_are_counted() {
    let _watchdog = Watchdog::start();
    // The first message exceeds the limit in bytes, and is kept.
    let in_bytes = returning().returned_hwm(0).returned_hwm_bytes(1);
    for (builder, kept) in [(returning().returned_hwm(3), 3), (in_bytes, 1)] {
        let push = builder.build();
        let mut monitor = push.monitor();
        leave_eleven(&push).await;
        events::until_dropped(&mut monitor, 11 - kept, DropCause::Undelivered).await;
        for _ in 0..kept {
            push.try_recv_returned().unwrap();
        }
        assert_eq!(push.try_recv_returned(), Err(TryRecvReturnedError::Empty));
        assert_eq!(push.stats().dropped.undelivered, 11 - kept);
    }
}

#[tokio::test]
async fn messages_above_the_limit_do_not_wait_for_a_disconnected_endpoint() {
    let _watchdog = Watchdog::start();
    let push = || Push::builder().undelivered(Undelivered::Return).returned_hwm(1);
    let pull = Pull::builder().recv_hwm(1).build();
    let endpoint = pull.bind(Transport::Inproc.any()).await.unwrap();
    let local = push().connect(&endpoint).await.unwrap();
    local.remotes().connected().await.unwrap();
    local.send("received").await.unwrap();
    let listener = RemoteListener::bind();
    let dialed = push().connect(listener.endpoint()).await.unwrap();
    let remote = listener.accept_as("PULL").await;
    dialed.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    for (push, messages) in [(&local, 3), (&dialed, 2)] {
        for _ in 0..messages {
            push.send("queued").await.unwrap();
        }
    }

    let mut monitors = [local.monitor(), dialed.monitor()];
    local.disconnect(&endpoint).await.unwrap();
    dialed.disconnect(listener.endpoint()).await.unwrap();
    pull.close().await;
    drop(remote);
    for monitor in &mut monitors {
        events::until_dropped(monitor, 2, DropCause::Undelivered).await;
    }

    let pull = Pull::builder().bind(endpoint).await.unwrap();
    for push in [local, dialed] {
        push.recv_returned().await.unwrap();
        assert_eq!(push.close().await.undelivered, 2);
    }
    assert_eq!(pull.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(listener.backlog(), 0);
}

#[tokio::test]
async fn messages_that_were_not_taken_are_undelivered_when_the_socket_is_closed() {
    let _watchdog = Watchdog::start();
    for undelivered in [Undelivered::Return, Undelivered::Redirect] {
        let push = Push::builder().undelivered(undelivered).build();
        let mut monitor = push.monitor();
        leave_eleven(&push).await;
        events::until_disconnected(&mut monitor).await;
        // The pipe ends soon after its connection.
        while push.stats().queued.returned < 11 {
            task::yield_now().await;
        }
        assert_eq!(push.stats().queued.outgoing, 0);
        if undelivered == Undelivered::Return {
            assert_eq!(push.recv_returned().await.unwrap(), long());
        }
        let (report, messages) = push.close_with_undelivered().await;
        let expected = 11 - u64::from(undelivered == Undelivered::Return);
        assert_eq!((report.written, report.undelivered), (0, expected));
        assert_eq!(messages.len() as u64, expected);
        assert_eq!(messages.last().unwrap().number(), 9);
    }
}

#[tokio::test]
async fn a_wait_for_returned_messages_ends_with_the_socket_and_loses_none() {
    let _watchdog = Watchdog::start();
    let push = returning().build();
    assert!(push.recv_returned().now_or_never().is_none());
    leave_eleven(&push).await;
    // Dropped as soon as the message has been returned, or before.
    while push.recv_returned().now_or_never().is_none() {
        task::yield_now().await;
    }
    for number in 0..10 {
        assert_eq!(push.recv_returned().await.unwrap().number(), number);
    }
    let mut waiting = Box::pin(push.recv_returned());
    assert!(futures::poll!(&mut waiting).is_pending());
    push.close().await;
    assert_eq!(waiting.await, Err(RecvReturnedError::Closed));
}

#[tokio::test]
async fn messages_of_a_remote_that_left_are_redirected_to_others() {
    let _watchdog = Watchdog::start();
    let push = Push::builder().undelivered(Undelivered::Redirect).build();
    let endpoint = leave_eleven(&push).await;
    // The next remote may connect before or after the messages are redirected.
    let pull = Pull::builder().recv_hwm(0).connect(endpoint).await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), long());
    for number in 0..10 {
        assert_eq!(pull.recv().await.unwrap().number(), number);
    }
    push.send("next").await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["next"]);
    let stats = push.stats();
    assert_eq!((stats.dropped, stats.queued), (Dropped::default(), Queued::default()));
    assert_eq!((stats.redirected, stats.returned, stats.sent.messages), (11, 0, 12));
}

#[tokio::test]
async fn redirected_messages_wait_in_line_for_room() {
    let _watchdog = Watchdog::start();
    let push = Push::builder().undelivered(Undelivered::Redirect).build();
    let endpoint = leave_eleven(&push).await;
    push.set_send_hwm(1);
    let pull = Pull::builder().recv_hwm(1).connect(endpoint).await.unwrap();
    let sending = async {
        for number in 100..200 {
            push.send(Multipart::numbered(number)).await.unwrap();
        }
    };
    let receiving = async {
        let mut numbers = Vec::new();
        for _ in 0..111 {
            let message = pull.recv().await.unwrap();
            numbers.push(if message == long() { u32::MAX } else { message.number() });
        }
        numbers
    };
    let ((), numbers) = tokio::join!(sending, receiving);
    let (sent, redirected): (Vec<_>, Vec<_>) =
        numbers.into_iter().partition(|number| (100..200).contains(number));
    assert!(sent.into_iter().eq(100..200));
    assert_eq!(redirected[0], u32::MAX);
    assert!(redirected[1..].iter().copied().eq(0..10));
}

/// Otherwise it would end the connection of one remote after the other.
#[tokio::test]
async fn a_message_that_two_remotes_refuse_is_not_redirected_again() {
    let _watchdog = Watchdog::start();
    let push = Push::builder().undelivered(Undelivered::Redirect).build();
    let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = push.monitor();
    let pull = Pull::builder()
        .max_message_parts(2)
        .reconnect_interval(Duration::from_millis(1))
        .reconnect_interval_max(Duration::from_millis(1))
        .connect(endpoint)
        .await
        .unwrap();
    // Longer than the system's buffers, so that the remote ends the connection within the message.
    push.send(vec![vec![7; LONGER_THAN_BUFFERS]; 4]).await.unwrap();
    push.send(["fits", "well"]).await.unwrap();
    let is_refused = |kind: &EventKind| {
        matches!(kind, EventKind::MessagesDropped { messages: 1, cause: DropCause::Refused { .. } })
    };
    events::until(&mut monitor, is_refused).await;
    assert_eq!(pull.recv().await.unwrap(), ["fits", "well"]);
    assert_eq!(push.stats().dropped.refused, 1);
}

/// A remote that is dialed again keeps its messages, unless `immediate` is set.
#[tokio::test]
async fn messages_of_a_dialed_remote_wait_for_it_or_go_to_others_with_immediate() {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let listener = RemoteListener::bind();
        let push = Push::builder()
            .undelivered(Undelivered::Redirect)
            .immediate(immediate)
            .reconnect_interval(Duration::from_millis(1))
            .connect(listener.endpoint())
            .await
            .unwrap();
        let mut monitor = push.monitor();
        let first = listener.accept_as("PULL").await;
        push.send(long()).await.unwrap();
        first.peek().await;
        push.send("queued").await.unwrap();
        let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
        first.reset();
        events::until_disconnected(&mut monitor).await;
        let mut receiver = if immediate {
            let mut other = Remote::dial(&endpoint).await;
            other.shake_hands("PULL").await;
            other
        } else {
            listener.accept_as("PULL").await
        };
        while receiver.read_frame().await.0 & MORE != 0 {}
        assert_eq!(receiver.read_message().await, b"queued");
    }
}

/// Binds the socket, and sends eleven messages to a remote that does not read and then leaves.
/// Returns the endpoint.
async fn leave_eleven(push: &Push) -> tokio_zmtp::Endpoint {
    let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("PULL").await;
    push.send(long()).await.unwrap();
    remote.peek().await;
    for number in 0..10 {
        push.send(Multipart::numbered(number)).await.unwrap();
    }
    endpoint
}

fn returning() -> Builder<Push> {
    Push::builder().undelivered(Undelivered::Return)
}

fn long() -> Multipart {
    Multipart::of_len(LONGER_THAN_BUFFERS)
}
