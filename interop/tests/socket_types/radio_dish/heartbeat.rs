//! Heartbeats. A PING or PONG ends the connection of a libzmq DISH (libzmq#3551).

use std::time::Duration;

use interop::SocketOption;
use support::transports::Transport;
use tokio_zmtp::{Dish, Radio};

use super::side::{DishSide, RadioSide, join, until_member};
use crate::pairing::{Binds, guarded};
use crate::side::{Ours, Side, Theirs};

#[tokio::test]
async fn heartbeats_of_our_radio_do_not_end_the_connection_of_their_dish() {
    guarded(async {
        let radio = Radio::builder().heartbeat_interval(Duration::from_millis(5)).build();
        let mut monitor = radio.monitor();
        let (radio, dish) = (Ours(radio), Theirs::<Dish>::new());
        join(&radio, &dish, "a", Binds::First, Transport::Tcp).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        radio.send("a", b"alive").await;
        dish.expect("a", b"alive").await;
        radio.0.close().await;
        let mut ends = 0;
        while let Some(event) = monitor.recv().await {
            ends += usize::from(matches!(
                event.unwrap().kind,
                tokio_zmtp::monitor::EventKind::Disconnected { .. }
            ));
        }
        assert_eq!(ends, 1);
    })
    .await;
}

/// libzmq may send a PONG between the two frames of a message.
#[tokio::test]
async fn our_dish_and_their_radio_keep_each_other_alive_while_messages_pass() {
    guarded(async {
        let interval = Duration::from_millis(1);
        let builder = Dish::builder().heartbeat_interval(interval);
        let dish = Ours(builder.heartbeat_timeout(Duration::from_secs(60)).build());
        let radio = Theirs::<Radio>::new();
        radio.socket.set(SocketOption::HeartbeatInterval, 1).unwrap();
        radio.socket.set(SocketOption::HeartbeatTimeout, 60_000).unwrap();
        join(&radio, &dish, "a", Binds::Second, Transport::Tcp).await;
        let remote = dish.0.remotes().iter().next().unwrap().connection_id();
        for number in 0..5_000_u32 {
            radio.send("a", &number.to_be_bytes()).await;
            dish.expect("a", &number.to_be_bytes()).await;
        }
        let stats = dish.0.remotes().stats(remote).unwrap();
        assert!(stats.heartbeat_round_trip.is_some());
        until_member(&radio, &dish, "a").await;
    })
    .await;
}
