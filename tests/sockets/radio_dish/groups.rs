//! Groups, and the messages that their members receive.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::task;
use tokio_zmtp::{Dish, GroupMessage, Radio, RecvError, SendError, TryRecvError, TrySendError};

use super::{close_member, connect_to_a_member_that_closes, group, pair, recv, text, until_joined};
use crate::over_transport::OverTransport;
use crate::remote::ReservedPort;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(a_message_is_received_by_the_members_of_its_group);

async fn a_message_is_received_by_the_members_of_its_group(transport: Transport) {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().over(transport).build();
    let endpoint = radio.bind(transport.any()).await.unwrap();
    let [movies, tv] = ["Movies", "TV"].map(|name| {
        let dish = Dish::builder().over(transport).build();
        assert!(dish.join(&group(name)));
        dish.join(&group("both"));
        dish
    });
    for dish in [&movies, &tv] {
        transport.connect(dish, &radio, endpoint.clone()).await;
    }
    until_joined(&radio, "both", 2).await;
    for (name, body) in [("TV", "Friends"), ("none", "x"), ("Movies", "Godfather"), ("both", "end")]
    {
        radio.send(&group(name), body).await.unwrap();
    }
    assert_eq!(recv(&movies).await, pair("Movies", "Godfather"));
    assert_eq!(recv(&movies).await, pair("both", "end"));
    assert_eq!(recv(&tv).await, pair("TV", "Friends"));
    assert_eq!(recv(&tv).await, pair("both", "end"));
    assert_eq!(radio.stats().dropped.missed, 0);
}

over_every_transport_and_streams!(groups_can_be_joined_and_left_at_any_time);

async fn groups_can_be_joined_and_left_at_any_time(transport: Transport) {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().over(transport).join(&group("first")).build();
    let endpoint = dish.bind(transport.any()).await.unwrap();
    let radio = Radio::builder().over(transport).build();
    transport.connect(&radio, &dish, endpoint.clone()).await;
    until_joined(&radio, "first", 1).await;
    assert!(dish.join(&group("")));
    assert!(!dish.join(&group("")), "it is joined already");
    assert!(!dish.leave(&group("other")), "it is not joined");
    until_joined(&radio, "", 1).await;
    assert_eq!(dish.joined(), [group(""), group("first")]);
    assert!(dish.leave(&group("first")));
    until_joined(&radio, "first", 0).await;
    radio.send(&group(""), "x").await.unwrap();
    assert_eq!(recv(&dish).await, pair("", "x"));
}

over_every_transport_and_streams!(no_message_of_a_group_is_received_after_it_was_left);

async fn no_message_of_a_group_is_received_after_it_was_left(transport: Transport) {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().over(transport).build();
    for name in ["a", "b"] {
        dish.join(&group(name));
    }
    let radio = Radio::builder().over(transport).build();
    let endpoint = radio.bind(transport.any()).await.unwrap();
    transport.connect(&dish, &radio, endpoint).await;
    until_joined(&radio, "b", 1).await;
    for number in 0..100 {
        radio.send(&group("a"), number.to_string()).await.unwrap();
    }
    radio.send(&group("b"), "end").await.unwrap();
    // Over `inproc`, most messages wait in the queue of the radio.
    while transport != Transport::Inproc && dish.stats().received.messages < 101 {
        task::yield_now().await;
    }
    assert_eq!(text(&dish.try_recv().unwrap()), pair("a", "0"));
    dish.leave(&group("a"));
    let (message, remote) = dish.recv_from().await.unwrap();
    assert_eq!(text(&message), pair("b", "end"));
    assert_eq!(remote.connection_id(), dish.remotes().iter().next().unwrap().connection_id());
    assert_eq!(dish.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(dish.stats().queued.incoming, 0);
}

/// Unwanted messages may continue to arrive, so discarding them counts as waiting.
#[tokio::test]
async fn a_receiver_that_discards_many_messages_observes_its_time_limit() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().send_hwm(0).bind("tcp://127.0.0.1:*").await.unwrap();
    let dish = Dish::builder().recv_hwm(0).join(&group("left")).join(&group("kept")).build();
    dish.connect(radio.last_endpoint().unwrap()).await.unwrap();
    until_joined(&radio, "kept", 1).await;
    for _ in 0..10_000 {
        radio.send(&group("left"), "x").await.unwrap();
    }
    radio.send(&group("kept"), "y").await.unwrap();
    while dish.stats().received.messages < 10_001 {
        task::yield_now().await;
    }
    dish.leave(&group("left"));
    let received = dish.recv_timeout(Duration::ZERO).now_or_never();
    assert_eq!(received.unwrap().unwrap_err(), RecvError::Timeout);
    assert_eq!(dish.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(recv(&dish).await, pair("kept", "y"));
}

#[tokio::test]
async fn every_reconnect_joins_the_groups_again() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let endpoint = port.endpoint();
    let dish = Dish::builder().reconnect_interval(Duration::from_millis(1)).build();
    dish.connect(&endpoint).await.unwrap();
    dish.join(&group("kept"));
    dish.join(&group("left"));
    port.release();
    let radio = Radio::builder().bind(&endpoint).await.unwrap();
    until_joined(&radio, "left", 1).await;
    radio.close().await;
    dish.leave(&group("left"));
    dish.join(&group("new"));
    let radio = Radio::builder().bind(&endpoint).await.unwrap();
    until_joined(&radio, "new", 1).await;
    assert_eq!(radio.members(&group("kept")).len(), 1);
    assert_eq!(radio.members(&group("left")).len(), 0);
    radio.send(&group("kept"), "again").await.unwrap();
    assert_eq!(recv(&dish).await, pair("kept", "again"));
}

/// No mark applies to groups: there are more than the queues of either end hold.
#[tokio::test]
async fn every_reconnect_joins_thousands_of_groups_again() {
    const GROUPS: usize = 3_000;
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let builder = Dish::builder().recv_hwm(1).reconnect_interval(Duration::from_millis(1));
    let dish = builder.connect(port.endpoint()).await.unwrap();
    let groups: Vec<_> = (0..GROUPS).map(|number| group(&number.to_string())).collect();
    for group in &groups {
        dish.join(group);
    }
    let endpoint = port.release();
    for _ in 0..2 {
        let radio = Radio::builder().send_hwm(1).bind(&endpoint).await.unwrap();
        for group in &groups {
            while radio.members(group).is_empty() {
                task::yield_now().await;
            }
        }
        for group in [&groups[0], &groups[GROUPS - 1]] {
            radio.send(group, "x").await.unwrap();
            assert_eq!(dish.recv().await, Ok(GroupMessage::new(group, "x")));
        }
        radio.close().await;
    }
}

#[tokio::test]
async fn messages_are_queued_for_the_groups_of_a_remote_while_it_is_away() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().reconnect_interval(Duration::from_millis(1)).build();
    let endpoint = connect_to_a_member_that_closes(&radio, "a").await;
    radio.send(&group("a"), "while away").await.unwrap();
    let builder = Dish::builder().join(&group("a")).join(&group("b"));
    let dish = builder.bind(&endpoint).await.unwrap();
    assert_eq!(recv(&dish).await, pair("a", "while away"));
    until_joined(&radio, "b", 1).await;
    assert_eq!(radio.members(&group("a")).len(), 1);
}

#[tokio::test]
async fn a_dish_that_returns_without_groups_is_sent_no_messages() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let radio = Radio::builder().reconnect_interval(Duration::from_millis(1)).build();
    radio.connect(port.endpoint()).await.unwrap();
    let endpoint = port.release();
    a_dish_returns_without_groups(&radio, &endpoint.to_string()).await;
}

#[tokio::test]
async fn a_dish_in_this_process_that_returns_without_groups_is_sent_no_messages() {
    let _watchdog = Watchdog::start();
    let endpoint = "inproc://returns-without-groups";
    let radio = Radio::builder().reconnect_interval(Duration::from_millis(1)).build();
    radio.connect(endpoint).await.unwrap();
    a_dish_returns_without_groups(&radio, endpoint).await;
}

async fn a_dish_returns_without_groups(radio: &Radio, endpoint: &str) {
    let dish = Dish::builder().join(&group("a")).join(&group("b")).bind(endpoint).await.unwrap();
    until_joined(radio, "b", 1).await;
    close_member(radio, dish).await;
    let dish = Dish::builder().bind(endpoint).await.unwrap();
    until_joined(radio, "a", 0).await;
    until_joined(radio, "b", 0).await;
    radio.remotes().connected().await.unwrap();
    let before = radio.stats().sent.messages;
    radio.send(&group("a"), "not wanted").await.unwrap();
    assert_eq!(radio.stats().queued.outgoing, 0);
    dish.join(&group("b"));
    until_joined(radio, "b", 1).await;
    radio.send(&group("b"), "wanted").await.unwrap();
    assert_eq!(recv(&dish).await, pair("b", "wanted"));
    assert_eq!(radio.stats().sent.messages, before + 1);
    assert!(radio.members(&group("a")).is_empty());
}

/// Corresponds to `test_long_group` of libzmq.
#[tokio::test]
async fn a_group_has_up_to_255_bytes() {
    let _watchdog = Watchdog::start();
    let name = "x".repeat(255);
    let dish = Dish::builder().join(&group(&name)).build();
    let endpoint = dish.bind("tcp://127.0.0.1:*").await.unwrap();
    let radio = Radio::builder().connect(endpoint).await.unwrap();
    until_joined(&radio, &name, 1).await;
    radio.send(&group(&name), "HELLO").await.unwrap();
    assert_eq!(recv(&dish).await, pair(&name, "HELLO"));
}

over_every_transport_and_streams!(bodies_of_every_frame_size_pass);

async fn bodies_of_every_frame_size_pass(transport: Transport) {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().over(transport).join(&group("sizes")).build();
    let endpoint = dish.bind(transport.any()).await.unwrap();
    let radio = Radio::builder().over(transport).build();
    transport.connect(&radio, &dish, endpoint).await;
    until_joined(&radio, "sizes", 1).await;
    for len in [0, 1, 61, 62, 63, 255, 256, 0x7FF0, 0x8000, 0x10_0000] {
        let body = vec![0x55; len];
        radio.send(&group("sizes"), &body).await.unwrap();
        let message = dish.recv().await.unwrap();
        assert_eq!((message.group(), message.len()), (group("sizes"), len));
        assert!(message.into_body() == body);
    }
}

#[tokio::test]
async fn streams_and_sinks_carry_messages_with_their_groups() {
    let _watchdog = Watchdog::start();
    let mut dish = Dish::builder().join(&group("a")).join(&group("b")).build();
    let endpoint = dish.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut radio = Radio::builder().connect(endpoint).await.unwrap();
    until_joined(&radio, "b", 1).await;
    for name in ["a", "b"] {
        let message = GroupMessage::new(&group(name), "body");
        SinkExt::send(&mut radio, message).await.unwrap();
    }
    for name in ["a", "b"] {
        assert_eq!(text(&dish.next().await.unwrap()), pair(name, "body"));
    }
    SinkExt::close(&mut radio).await.unwrap();
}

#[tokio::test]
async fn many_messages_are_received_together() {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().join(&group("a")).join(&group("b")).build();
    let endpoint = dish.bind("tcp://127.0.0.1:*").await.unwrap();
    let radio = Radio::builder().connect(endpoint).await.unwrap();
    until_joined(&radio, "b", 1).await;
    for name in ["a", "b", "a", "b", "a"] {
        radio.try_send(&group(name), name).unwrap();
    }
    while dish.stats().received.messages < 5 {
        task::yield_now().await;
    }
    dish.leave(&group("b"));
    let mut buffer = Vec::new();
    assert_eq!(dish.recv_many(&mut buffer, 2).await, Ok(2));
    assert_eq!(dish.recv_many(&mut buffer, 2).await, Ok(1));
    assert!(buffer.iter().all(|message| text(message) == pair("a", "a")));
}

#[tokio::test]
async fn a_closed_socket_returns_messages() {
    let _watchdog = Watchdog::start();
    let radio = Radio::new();
    radio.close().await;
    let message = GroupMessage::new(&group("a"), "x");
    assert_eq!(radio.send(&group("a"), "x").await, Err(SendError::Closed(message.clone())));
    assert_eq!(radio.try_send(&group("a"), "x"), Err(TrySendError::Closed(message)));
    let dish = Dish::new();
    dish.close().await;
    assert_eq!(dish.recv().await, Err(RecvError::Closed));
    assert!(dish.join(&group("a")), "joining has no effect, and is not an error");
}

#[tokio::test]
async fn messages_that_cannot_be_written_are_returned_with_their_groups() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().linger(Duration::ZERO).build();
    connect_to_a_member_that_closes(&radio, "a").await;
    radio.send(&group("a"), "late").await.unwrap();
    let (report, undelivered) = radio.close_with_undelivered().await;
    assert_eq!(report.undelivered, 1);
    assert_eq!(undelivered, [GroupMessage::new(&group("a"), "late")]);
}
