//! The bytes between a RADIO or DISH and remotes of other implementations.

use std::time::Duration;

use tokio::task;
use tokio_zmtp::monitor::{DisconnectReason, DropCause};
use tokio_zmtp::stats::RefusedRemotes;
use tokio_zmtp::{Dish, Radio};

use super::{group, pair, recv, until_joined};
use crate::events;
use crate::remote::{
    COMMAND, GREETING, MORE, Remote, RemoteListener, command, message, ping, property,
};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_dish_joins_and_leaves_by_commands_without_a_length() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let dish = Dish::builder().join(&group("a")).join(&group("")).build();
    dish.connect(listener.endpoint()).await.unwrap();
    let mut radio = listener.accept_as("RADIO").await;
    assert_eq!(radio.read_frame().await, (COMMAND, b"\x04JOIN".to_vec()));
    assert_eq!(radio.read_frame().await, (COMMAND, b"\x04JOINa".to_vec()));
    dish.leave(&group("a"));
    assert_eq!(radio.read_frame().await, (COMMAND, b"\x05LEAVEa".to_vec()));
    dish.join(&group("b"));
    assert_eq!(radio.read_frame().await, (COMMAND, b"\x04JOINb".to_vec()));
}

#[tokio::test]
async fn a_dish_discards_messages_of_groups_that_it_has_not_joined() {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().join(&group("a")).build();
    let endpoint = dish.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut radio = Remote::dial(&endpoint).await;
    radio.shake_hands("RADIO").await;
    radio.write(&[message_of("other", b"x"), message_of("a", b"y")].concat()).await;
    assert_eq!(recv(&dish).await, pair("a", "y"));
}

/// A receiver that discards messages takes part in cooperative scheduling.
#[tokio::test]
async fn messages_that_are_discarded_do_not_starve_other_tasks() {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().recv_hwm(0).join(&group("a")).build();
    let endpoint = dish.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut radio = Remote::dial(&endpoint).await;
    radio.shake_hands("RADIO").await;
    let many = 100_000;
    radio.write(&message_of("other", b"x").repeat(many)).await;
    radio.write(&message_of("a", b"y")).await;
    while dish.stats().received.messages <= many as u64 {
        task::yield_now().await;
    }
    let mut receiving = Box::pin(dish.recv());
    let mut turns = 0;
    while futures::poll!(&mut receiving).is_pending() {
        turns += 1;
        task::yield_now().await;
    }
    assert!(turns > 10, "{turns}");
}

#[tokio::test]
async fn a_message_of_another_shape_ends_the_connection() {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().join(&group("a")).bind("tcp://127.0.0.1:*").await.unwrap();
    let three = [part(b"a"), part(b"b"), message(b"c")].concat();
    let long = [part(&[b'x'; 256]), message(b"c")].concat();
    for broken in [message(b"no group"), three, long] {
        let mut monitor = dish.monitor();
        let mut radio = Remote::dial(&dish.last_endpoint().unwrap()).await;
        radio.shake_hands("RADIO").await;
        radio.write(&[message_of("a", b"before"), broken].concat()).await;
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Protocol(_)), "{reason:?}");
        assert_eq!(recv(&dish).await, pair("a", "before"));
    }
}

#[tokio::test]
async fn the_longest_message_is_measured_without_its_group() {
    let _watchdog = Watchdog::start();
    let builder = Dish::builder().max_message_size(5).join(&group("a long name of a group"));
    let dish = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = dish.monitor();
    let mut radio = Remote::dial(&dish.last_endpoint().unwrap()).await;
    radio.shake_hands("RADIO").await;
    radio.write(&message_of("a long name of a group", b"12345")).await;
    assert_eq!(recv(&dish).await, pair("a long name of a group", "12345"));
    radio.write(&message_of("a long name of a group", b"123456")).await;
    let reason = events::until_disconnected(&mut monitor).await;
    let is_expected = matches!(reason, DisconnectReason::MessageTooLarge { size: 6, limit: 5 });
    assert!(is_expected, "{reason:?}");
}

#[tokio::test]
async fn a_join_that_is_not_valid_ends_the_connection() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().max_groups_per_remote(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = radio.last_endpoint().unwrap();
    for data in [vec![b'x'; 256], b"a\0b".to_vec()] {
        let mut monitor = radio.monitor();
        let mut dish = Remote::dial(&endpoint).await;
        dish.shake_hands("DISH").await;
        dish.write(&command("JOIN", &data)).await;
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Protocol(_)), "{reason:?}");
    }
    let mut monitor = radio.monitor();
    let mut dish = Remote::dial(&endpoint).await;
    dish.shake_hands("DISH").await;
    for name in ["a", "b", "a", "c"] {
        dish.write(&command("JOIN", name.as_bytes())).await;
    }
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooManyGroups), "{reason:?}");
    assert!(radio.members(&group("a")).is_empty());
    assert_eq!(radio.stats().refused.too_many_groups, 1);
}

/// Over `inproc`, the radio also ends the connection, whichever side dialed.
#[tokio::test]
async fn a_dish_in_this_process_that_joins_too_many_groups_is_disconnected() {
    let _watchdog = Watchdog::start();
    for radio_dials in [false, true] {
        let radio = Radio::builder().max_groups_per_remote(1).build();
        let dish = Dish::builder().join(&group("a")).join(&group("b")).build();
        let (mut refusing, mut refused) = (radio.monitor(), dish.monitor());
        let endpoint = format!("inproc://too-many-groups-{radio_dials}");
        if radio_dials {
            dish.bind(&*endpoint).await.unwrap();
            radio.connect(&*endpoint).await.unwrap();
        } else {
            radio.bind(&*endpoint).await.unwrap();
            dish.connect(&*endpoint).await.unwrap();
        }
        let reason = events::until_disconnected(&mut refusing).await;
        assert!(matches!(reason, DisconnectReason::TooManyGroups), "{reason:?}");
        assert!(radio.stats().refused.too_many_groups > 0);
        let reason = events::until_disconnected(&mut refused).await;
        assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
        assert_eq!(dish.stats().refused, RefusedRemotes::default());
    }
}

#[tokio::test]
async fn a_group_that_was_joined_twice_is_left_by_one_leave() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut dish = Remote::dial(&radio.last_endpoint().unwrap()).await;
    dish.shake_hands("DISH").await;
    for (name, data) in
        [("LEAVE", "a"), ("JOIN", "a"), ("JOIN", "a"), ("LEAVE", "a"), ("JOIN", "b")]
    {
        dish.write(&command(name, data.as_bytes())).await;
    }
    until_joined(&radio, "b", 1).await;
    assert!(radio.members(&group("a")).is_empty());
    radio.send(&group("a"), "x").await.unwrap();
    radio.send(&group("b"), "y").await.unwrap();
    assert_eq!(dish.read(6).await, message_of("b", b"y"));
}

#[tokio::test]
async fn messages_to_a_radio_are_counted_and_dropped() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = radio.monitor();
    let mut dish = Remote::dial(&radio.last_endpoint().unwrap()).await;
    dish.shake_hands("DISH").await;
    dish.write(&message_of("a", b"x").repeat(3)).await;
    drop(dish);
    events::until_dropped(&mut monitor, 3, DropCause::Unread).await;
    assert_eq!(radio.stats().dropped.unread, 3);
}

/// A PING or PONG would end the connection of a libzmq DISH.
#[tokio::test(start_paused = true)]
async fn a_dish_of_another_implementation_is_sent_no_ping_and_no_pong() {
    let _watchdog = Watchdog::start();
    let builder = Radio::builder().heartbeat_interval(Duration::from_millis(10));
    let radio = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut dish = Remote::dial(&radio.last_endpoint().unwrap()).await;
    dish.shake_hands("DISH").await;
    dish.write(&[ping(b"context"), command("JOIN", b"a")].concat()).await;
    until_joined(&radio, "a", 1).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    radio.send(&group("a"), "x").await.unwrap();
    assert_eq!(dish.read(6).await, message_of("a", b"x"), "nothing precedes the message");
}

#[tokio::test]
async fn a_dish_that_announces_support_is_sent_ping_and_pong() {
    let _watchdog = Watchdog::start();
    let builder = Radio::builder().heartbeat_interval(Duration::from_millis(1));
    let radio = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut dish = Remote::dial(&radio.last_endpoint().unwrap()).await;
    dish.write(&GREETING).await;
    let properties = [property("Socket-Type", b"DISH"), property("X-Accepts-Ping", b"1")].concat();
    dish.write(&command("READY", &properties)).await;
    dish.read(GREETING.len()).await;
    dish.read_frame().await;
    dish.write(&ping(b"context")).await;
    let mut names = Vec::new();
    while names.len() < 2 {
        let (flags, body) = dish.read_frame().await;
        assert_eq!(flags, COMMAND);
        names.push(body[1..5].to_vec());
        names.sort();
        names.dedup();
    }
    assert_eq!(names, [b"PING", b"PONG"]);
}

#[tokio::test]
async fn a_dish_and_a_radio_of_this_crate_keep_each_other_alive() {
    let _watchdog = Watchdog::start();
    let interval = Duration::from_millis(5);
    let dish = Dish::builder().heartbeat_interval(interval).join(&group("a")).build();
    let endpoint = dish.bind("tcp://127.0.0.1:*").await.unwrap();
    let radio = Radio::builder().heartbeat_interval(interval).connect(endpoint).await.unwrap();
    until_joined(&radio, "a", 1).await;
    for remotes in [radio.remotes(), dish.remotes()] {
        let id = remotes.iter().next().unwrap().connection_id();
        while remotes.stats(id).unwrap().heartbeat_round_trip.is_none() {
            task::yield_now().await;
        }
    }
}

/// Returns the frame of a part that is followed by others.
fn part(body: &[u8]) -> Vec<u8> {
    let mut frame = message(body);
    frame[0] |= MORE;
    frame
}

fn message_of(group: &str, body: &[u8]) -> Vec<u8> {
    [part(group.as_bytes()), message(body)].concat()
}
