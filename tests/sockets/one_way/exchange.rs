//! Messages are received as they were sent: in turn, in order, whole, and within the high-water
//! marks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::task::{self, JoinSet};
use tokio_test::assert_pending;
use tokio_zmtp::monitor::{DropCause, EventKind, Monitor};
use tokio_zmtp::{NoRemoteError, RecvError, SendError, Socket, TrySendError};

use super::{Numbered, Payload, Receiver, Sender, for_every_one_way_pair, for_every_pair};
use crate::events;
use crate::over_transport::OverTransport;
use crate::remote::{LONGER_THAN_BUFFERS, Remote, ReservedPort, message};
use crate::transports::Transport;
use crate::watchdog::Watchdog;

for_every_pair!(a_sender_sends_to_three_receivers_in_turn, over every transport and streams);

async fn a_sender_sends_to_three_receivers_in_turn<S: Sender>(transport: Transport) {
    three_receivers_receive_in_turn(transport, async |sender: &S| {
        for number in 0..30 {
            sender.send(S::Message::numbered(number)).await.unwrap();
        }
    })
    .await;
}

/// Expects that three receivers receive thirty numbered messages in turn.
pub(super) async fn three_receivers_receive_in_turn<S: Sender>(
    transport: Transport,
    send: impl AsyncFnOnce(&S),
) {
    let _watchdog = Watchdog::start();
    let sender = S::builder().over(transport).build();
    let mut receivers = Vec::new();
    for _ in 0..3 {
        let receiver = S::Receiver::builder().over(transport).build();
        let endpoint = receiver.bind(transport.any()).await.unwrap();
        transport.connect(&sender, &receiver, endpoint).await;
        receivers.push(receiver);
    }
    send(&sender).await;
    for (turn, receiver) in (0..).zip(&receivers) {
        for number in (turn..30).step_by(3) {
            assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
        }
    }
}

for_every_pair!(a_receiver_receives_from_its_senders_in_turn, over every transport and streams);

async fn a_receiver_receives_from_its_senders_in_turn<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::builder().over(transport).build();
    let endpoint = receiver.bind(transport.any()).await.unwrap();
    let senders = [(); 3].map(|()| S::builder().over(transport).build());
    for (number, sender) in (0..).zip(&senders) {
        transport.connect(sender, &receiver, endpoint.clone()).await;
        for _ in 0..10 {
            sender.send(S::Message::numbered(number)).await.unwrap();
        }
        sender.close().await;
    }
    while receiver.stats().received.messages < 30 {
        task::yield_now().await;
    }
    for _ in 0..10 {
        let mut turn = Vec::new();
        for _ in 0..3 {
            turn.push(receiver.recv().await.unwrap().number());
        }
        turn.sort_unstable();
        assert_eq!(turn, [0, 1, 2]);
    }
}

for_every_pair!(a_sender_without_remotes_is_mute);

async fn a_sender_without_remotes_is_mute<S: Sender>() {
    let _watchdog = Watchdog::start();
    let sender = S::new();
    let one = S::Message::numbered(1);
    assert_eq!(sender.try_send(one.clone()), Err(TrySendError::Full(one.clone())));
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Full(()));
    let refused = sender.send_timeout(one.clone(), Duration::ZERO).await;
    assert_eq!(refused, Err(SendError::Timeout(one.clone())));
    let mut sending = Box::pin(sender.send(S::Message::numbered(2)));
    assert_pending!(futures::poll!(&mut sending));
    let receiver = S::Receiver::new();
    sender.connect(receiver.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    sending.await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(2));
    sender.close().await;
    assert_eq!(sender.try_send(one.clone()), Err(TrySendError::Closed(one)));
}

for_every_pair!(messages_queue_for_a_receiver_before_it_listens);

/// A message counts as one, whatever the number of its parts.
async fn messages_queue_for_a_receiver_before_it_listens<S: Sender>() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let sender = S::builder().send_hwm(3).connect(place.endpoint()).await.unwrap();
    for number in 0..3 {
        sender.try_send(S::Message::numbered(number)).unwrap();
    }
    let more = S::Message::numbered(3);
    assert_eq!(sender.try_send(more.clone()), Err(TrySendError::Full(more)));
    let receiver = S::Receiver::new();
    receiver.bind(place.release()).await.unwrap();
    for number in 0..3 {
        assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
    }
}

for_every_pair!(with_immediate_messages_go_only_to_connected_receivers);

/// Corresponds to `test_immediate` of libzmq.
async fn with_immediate_messages_go_only_to_connected_receivers<S: Sender>() {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let (place, receiver) = (ReservedPort::reserve(), S::Receiver::new());
        let sender = S::builder().immediate(immediate).connect(place.endpoint()).await.unwrap();
        sender.connect(receiver.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
        sender.remotes().connected().await.unwrap();
        for number in 0..10 {
            sender.send(S::Message::numbered(number)).await.unwrap();
        }
        // Otherwise every other message waits for the receiver that does not listen.
        let step = if immediate { 1 } else { 2 };
        for number in (step - 1..10).step_by(step as usize) {
            assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
        }

        let mut monitor = sender.monitor();
        receiver.close().await;
        events::until_disconnected(&mut monitor).await;
        // The event is published before the pipe is removed.
        while sender.try_send(S::Message::numbered(10)).is_ok() == immediate {
            task::yield_now().await;
        }
    }
}

for_every_pair!(messages_queued_for_a_receiver_that_left_are_dropped_and_counted);

async fn messages_queued_for_a_receiver_that_left_are_dropped_and_counted<S: Sender>() {
    let _watchdog = Watchdog::start();
    let (sender, mut monitor, remote) = sender_and_remote::<S>().await;
    let established = events::until_established(&mut monitor).await;
    sender.send(S::Message::of_len(LONGER_THAN_BUFFERS)).await.unwrap();
    remote.peek().await;
    for number in 0..10 {
        sender.try_send(S::Message::numbered(number)).unwrap();
    }

    drop(remote);

    let subject = events::until_dropped(&mut monitor, 11, DropCause::Undelivered).await;
    assert_eq!(subject, events::about(&established));
    assert_eq!(sender.stats().dropped.undelivered, 11);
    let mute = S::Message::numbered(11);
    assert_eq!(sender.try_send(mute.clone()), Err(TrySendError::Full(mute)));
    let report = sender.close().await;
    assert_eq!((report.written, report.undelivered), (0, 11));
}

for_every_pair!(closing_returns_the_messages_that_no_receiver_took);

async fn closing_returns_the_messages_that_no_receiver_took<S: Sender>() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let sender = S::builder().linger(Duration::ZERO).connect(place.endpoint()).await.unwrap();
    let messages = [0, 1, 2].map(S::Message::numbered);
    for message in messages.clone() {
        sender.send(message).await.unwrap();
    }
    let (report, returned) = sender.close_and_return().await;
    assert_eq!(returned, messages);
    assert_eq!(report.undelivered, 3);
}

for_every_pair!(
    many_tasks_send_and_receive_on_handles_of_one_socket,
    (flavor = "multi_thread", worker_threads = 2)
);

async fn many_tasks_send_and_receive_on_handles_of_one_socket<S: Sender>() {
    const TASKS: u32 = 8;
    const EACH: u32 = 1_000;
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::new();
    let endpoint = receiver.bind("tcp://127.0.0.1:*").await.unwrap();
    let sender = S::builder().send_hwm(10).connect(endpoint).await.unwrap();
    let mut senders = JoinSet::new();
    let mut receivers = JoinSet::new();
    for task in 0..TASKS {
        let (sender, receiver) = (sender.clone(), receiver.clone());
        senders.spawn(async move {
            for number in 0..EACH {
                sender.send(S::Message::numbered(task * EACH + number)).await.unwrap();
            }
        });
        receivers.spawn(async move {
            let mut received = Vec::new();
            for _ in 0..EACH {
                received.push(receiver.recv().await.unwrap().number());
            }
            received
        });
    }
    senders.join_all().await;
    let received: BTreeSet<u32> = receivers.join_all().await.into_iter().flatten().collect();
    assert!(received.into_iter().eq(0..TASKS * EACH));
}

for_every_pair!(a_sender_waits_for_a_receiver_that_does_not_receive, over every transport and streams);

async fn a_sender_waits_for_a_receiver_that_does_not_receive<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::builder().over(transport).recv_hwm(1).build();
    let endpoint = receiver.bind(transport.any()).await.unwrap();
    let sender = S::builder().over(transport).send_hwm(1).build();
    transport.connect(&sender, &receiver, endpoint).await;
    let long = S::Message::of_len(LONGER_THAN_BUFFERS);
    let mut sent = 0;
    // Long messages soon fill the system's buffers, and then the queues.
    while sender.send(long.clone()).now_or_never().is_some() {
        sent += 1;
        task::yield_now().await;
        assert!(sent < 1_000, "the sender never waits");
    }
    for _ in 0..sent {
        assert_eq!(receiver.recv().await.unwrap(), long);
    }
    sender.send("more".into()).await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), "more".into());
}

for_every_pair!(messages_go_to_all_receivers_that_were_awaited, over every transport and streams);

async fn messages_go_to_all_receivers_that_were_awaited<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let sender = S::builder().over(transport).build();
    let endpoint = sender.bind(transport.any()).await.unwrap();
    let remotes = sender.remotes();
    let mut waiting = tokio_test::task::spawn(remotes.at_least(3));
    let mut receivers = Vec::new();
    for _ in 0..3 {
        assert_pending!(waiting.poll());
        let receiver = S::Receiver::builder().over(transport).build();
        transport.connect(&receiver, &sender, endpoint.clone()).await;
        receiver.remotes().connected().await.unwrap();
        receivers.push(receiver);
    }
    waiting.await.unwrap();
    for _ in 0..3 {
        sender.send("one each".into()).await.unwrap();
    }
    for receiver in &receivers {
        assert_eq!(receiver.recv().await.unwrap(), "one each".into());
    }
    sender.close().await;
    let closed = sender.remotes().at_least(4).await;
    assert!(matches!(closed, Err(NoRemoteError::Closed)));
}

for_every_pair!(a_sender_is_a_sink_and_a_receiver_a_stream);

async fn a_sender_is_a_sink_and_a_receiver_a_stream<S: Sender>() {
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::new();
    let endpoint = receiver.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut sender = S::builder().connect(endpoint).await.unwrap();
    let numbers = [1, 2, 3].map(S::Message::numbered);
    let mut messages = futures::stream::iter(numbers.clone().map(Ok));
    sender.send_all(&mut messages).await.unwrap();
    assert_eq!(receiver.clone().take(3).collect::<Vec<_>>().await, numbers);
    receiver.close().await;
    assert_eq!(receiver.recv().await, Err(RecvError::Closed));
}

for_every_one_way_pair!(messages_to_a_sender_are_counted_as_unread);

async fn messages_to_a_sender_are_counted_as_unread<S: Sender>() {
    let _watchdog = Watchdog::start();
    let (sender, mut monitor, mut remote) = sender_and_remote::<S>().await;
    remote.write(&message(b"one").repeat(5)).await;
    remote.sync().await;
    // The connection remains usable.
    sender.send("for the receiver".into()).await.unwrap();
    assert_eq!(remote.read_message().await, b"for the receiver");
    remote.shut_down().await;
    events::until_dropped(&mut monitor, 5, DropCause::Unread).await;
    assert_eq!(sender.stats().dropped.unread, 5);
}

for_every_one_way_pair!(sockets_of_other_types_are_refused);

async fn sockets_of_other_types_are_refused<S: Sender>() {
    let _watchdog = Watchdog::start();
    let sender = S::new();
    let endpoint = sender.bind("tcp://127.0.0.1:*").await.unwrap();
    let refusing = S::builder().connect(endpoint).await.unwrap();
    let mut monitor = refusing.monitor();
    events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    assert_eq!(sender.remotes().list().len(), 0);
}

/// Creates a monitored sender, and a scripted receiver that has completed its handshake.
async fn sender_and_remote<S: Sender>() -> (S, Monitor, Remote) {
    let sender = S::new();
    let endpoint = sender.bind("tcp://127.0.0.1:*").await.unwrap();
    let monitor = sender.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands(S::Receiver::SOCKET_TYPE.as_str()).await;
    (sender, monitor, remote)
}
