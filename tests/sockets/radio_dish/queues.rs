//! The queues of a socket: concurrent use, fair queuing, and the end of a remote.

use std::collections::BTreeSet;

use tokio::task::{self, JoinSet};
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Dish, Radio};

use super::{group, until_joined};
use crate::events;
use crate::over_transport::OverTransport;
use crate::remote::{LONGER_THAN_BUFFERS, Remote, command};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_send_on_one_radio_and_receive_on_each_dish() {
    const DISHES: usize = 3;
    const TASKS: u32 = 4;
    const EACH: u32 = 500;
    let _watchdog = Watchdog::start();
    for endpoint in ["tcp://127.0.0.1:*", "inproc://many-threads-of-a-radio"] {
        let radio = Radio::builder().no_drop(true).send_hwm(10).build();
        let endpoint = radio.bind(endpoint).await.unwrap();
        let mut receivers = JoinSet::new();
        for number in 0..DISHES {
            let dish = Dish::builder().recv_hwm(10).join(&group("a")).connect(&endpoint);
            let dish = dish.await.unwrap();
            for _ in 0..TASKS {
                let dish = dish.clone();
                receivers.spawn(async move {
                    let mut received = Vec::new();
                    for _ in 0..EACH {
                        let message = dish.recv().await.unwrap();
                        received.push(u32::from_be_bytes(*message.first_chunk().unwrap()));
                    }
                    (number, received)
                });
            }
        }
        until_joined(&radio, "a", DISHES).await;
        let mut senders = JoinSet::new();
        for task in 0..TASKS {
            let radio = radio.clone();
            senders.spawn(async move {
                for number in 0..EACH {
                    let body = (task * EACH + number).to_be_bytes();
                    radio.send(&group("a"), body).await.unwrap();
                }
            });
        }
        senders.join_all().await;
        let mut received = [(); DISHES].map(|()| BTreeSet::new());
        for (dish, numbers) in receivers.join_all().await {
            received[dish].extend(numbers);
        }
        for numbers in received {
            assert!(numbers.into_iter().eq(0..TASKS * EACH));
        }
        assert_eq!(radio.stats().dropped.missed, 0);
    }
}

over_every_transport_and_streams!(a_dish_receives_from_its_radios_in_turn);

async fn a_dish_receives_from_its_radios_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().over(transport).join(&group("a")).build();
    let endpoint = dish.bind(transport.any()).await.unwrap();
    for number in 0..3_u8 {
        let radio = Radio::builder().over(transport).build();
        transport.connect(&radio, &dish, endpoint.clone()).await;
        until_joined(&radio, "a", 1).await;
        for _ in 0..10 {
            radio.send(&group("a"), [number]).await.unwrap();
        }
        radio.close().await;
    }
    while dish.stats().received.messages < 30 {
        task::yield_now().await;
    }
    for _ in 0..10 {
        let mut turn = Vec::new();
        for _ in 0..3 {
            turn.push(dish.recv().await.unwrap()[0]);
        }
        turn.sort_unstable();
        assert_eq!(turn, [0, 1, 2]);
    }
}

#[tokio::test]
async fn messages_queued_for_a_dish_that_left_are_dropped_and_counted() {
    let _watchdog = Watchdog::start();
    let radio = Radio::new();
    let endpoint = radio.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = radio.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("DISH").await;
    let established = events::until_established(&mut monitor).await;
    remote.write(&command("JOIN", b"a")).await;
    until_joined(&radio, "a", 1).await;
    radio.send(&group("a"), vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    for _ in 0..10 {
        radio.send(&group("a"), "x").await.unwrap();
    }

    drop(remote);

    let subject = events::until_dropped(&mut monitor, 11, DropCause::Undelivered).await;
    assert_eq!(subject, events::about(&established));
    assert_eq!(radio.stats().dropped.undelivered, 11);
    assert_eq!(radio.stats().dropped.missed, 0);
    let report = radio.close().await;
    assert_eq!((report.written, report.undelivered), (0, 11));
}
