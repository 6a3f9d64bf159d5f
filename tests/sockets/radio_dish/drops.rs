//! Remotes that do not read.

use std::env;
use std::time::Duration;

use futures::FutureExt;
use tokio::task;
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{ConnectionId, Dish, GroupMessage, Radio, SendError, TrySendError};

use super::{connect_to_a_member_that_closes, group, pair, recv, until_joined};
use crate::events;
use crate::over_transport::OverTransport;
use crate::remote::{Remote, command};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(a_full_member_misses_messages_which_are_counted);

async fn a_full_member_misses_messages_which_are_counted(transport: Transport) {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().over(transport).send_hwm(1).build();
    let endpoint = radio.bind(transport.any()).await.unwrap();
    let mut monitor = radio.monitor();
    let [slow, quick] =
        [(); 2].map(|()| Dish::builder().over(transport).recv_hwm(1).join(&group("a")).build());
    transport.connect(&slow, &radio, endpoint.clone()).await;
    let slow_id = events::until_established(&mut monitor).await.connection_id.unwrap();
    transport.connect(&quick, &radio, endpoint.clone()).await;
    until_joined(&radio, "a", 2).await;
    let body = vec![b'x'; 0x10_0000];
    let mut sent = 0;
    while missed(&radio, slow_id) < 3 {
        radio.send(&group("a"), &body).await.unwrap();
        sent += 1;
        assert_eq!(quick.recv().await.unwrap().len(), body.len());
    }
    let (_, reported, _) = events::until_dropped(&mut monitor, 1, DropCause::QueueFull).await;
    assert_eq!(reported, Some(slow_id));
    assert_eq!(radio.stats().dropped.missed, 3);
    let delivered = sent - 3;
    for _ in 0..delivered {
        slow.recv().await.unwrap();
    }
    assert!(slow.recv().now_or_never().is_none());
}

over_every_transport_and_streams!(without_drops_a_sender_waits_for_the_slowest_member);

async fn without_drops_a_sender_waits_for_the_slowest_member(transport: Transport) {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().over(transport).no_drop(true).send_hwm(1).build();
    let endpoint = radio.bind(transport.any()).await.unwrap();
    let [slow, quick] =
        [(); 2].map(|()| Dish::builder().over(transport).recv_hwm(1).join(&group("a")).build());
    transport.connect(&slow, &radio, endpoint.clone()).await;
    until_joined(&radio, "a", 1).await;
    let slow_id = radio.members(&group("a"))[0].connection_id();
    transport.connect(&quick, &radio, endpoint.clone()).await;
    until_joined(&radio, "a", 2).await;
    let body = vec![b'x'; 0x10_0000];
    let receiving = tokio::spawn(async move {
        let mut received = 0;
        while quick.recv().await.is_ok() {
            received += 1;
        }
        received
    });
    let mut sent = 0;
    let message = loop {
        match radio.try_send(&group("a"), &body) {
            Ok(()) => sent += 1,
            Err(TrySendError::Full(message)) => {
                let full = radio.full_members(&group("a"));
                if full.len() == 1 && full[0].connection_id() == slow_id && is_stuck(&radio).await {
                    break message;
                }
            }
            Err(error) => panic!("{error}"),
        }
        task::yield_now().await;
    };
    assert_eq!(message, GroupMessage::new(&group("a"), &body));
    let timeout = radio.send_timeout(&group("a"), &body, Duration::ZERO).await;
    assert_eq!(timeout, Err(SendError::Timeout(message)));
    let a = group("a");
    let sending = radio.send(&a, &body);
    let reading = async {
        for _ in 0..=sent {
            slow.recv().await.unwrap();
        }
    };
    let (result, ()) = tokio::join!(sending, reading);
    result.unwrap();
    assert_eq!(radio.stats().dropped.missed, 0);
    radio.close().await;
    drop(slow);
    // The dish does not end with its radio, which may reconnect.
    receiving.abort();
}

/// Yields many times, and returns whether the radio has sent no messages meanwhile.
async fn is_stuck(radio: &Radio) -> bool {
    let before = radio.stats().sent;
    for _ in 0..1_000 {
        task::yield_now().await;
    }
    radio.stats().sent == before
}

#[tokio::test]
async fn a_sender_that_waits_is_released_when_the_full_member_leaves() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().no_drop(true).send_hwm(1).build();
    let endpoint = radio.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut stuck = Remote::dial(&endpoint).await;
    stuck.shake_hands("DISH").await;
    stuck.write(&command("JOIN", b"a")).await;
    until_joined(&radio, "a", 1).await;
    let body = vec![b'x'; 0x100_0000];
    let mut sending = Box::pin(async {
        for _ in 0..3 {
            radio.send(&group("a"), &body).await.unwrap();
        }
    });
    assert!(futures::poll!(&mut sending).is_pending());
    drop(stuck);
    sending.await;
    let sent = radio.send(&group("a"), "no member left").now_or_never();
    assert_eq!(sent, Some(Ok(())));
}

#[tokio::test]
async fn a_sender_that_waits_is_released_when_the_full_member_returns_without_groups() {
    let _watchdog = Watchdog::start();
    let builder = Radio::builder().no_drop(true).send_hwm(1);
    let radio = builder.reconnect_interval(Duration::from_millis(1)).build();
    let endpoint = connect_to_a_member_that_closes(&radio, "a").await;
    radio.try_send(&group("a"), "queued").unwrap();
    let a = group("a");
    let mut sending = Box::pin(radio.send(&a, "waits"));
    assert!(futures::poll!(&mut sending).is_pending());
    assert_eq!(radio.full_members(&a).len(), 1);
    let _dish = Dish::builder().bind(&endpoint).await.unwrap();
    sending.await.unwrap();
    assert!(radio.members(&a).is_empty());
    assert!(radio.full_members(&a).is_empty());
}

#[tokio::test]
async fn a_cancelled_send_is_sent_to_no_member() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().no_drop(true).send_hwm(1).build();
    let endpoint = radio.bind("inproc://a-cancelled-send").await.unwrap();
    let [slow, quick] = [(); 2].map(|()| Dish::builder().recv_hwm(1).join(&group("a")).build());
    slow.join(&group("slow"));
    for dish in [&slow, &quick] {
        dish.connect(&endpoint).await.unwrap();
    }
    until_joined(&radio, "a", 2).await;
    for _ in 0..2 {
        radio.try_send(&group("slow"), "fill").unwrap();
    }
    let a = group("a");
    let mut sending = Box::pin(radio.send(&a, "cancelled"));
    assert!(futures::poll!(&mut sending).is_pending());
    drop(sending);
    for _ in 0..2 {
        assert_eq!(recv(&slow).await, pair("slow", "fill"));
    }
    radio.send(&group("a"), "sent").await.unwrap();
    assert_eq!(recv(&slow).await, pair("a", "sent"));
    assert_eq!(recv(&quick).await, pair("a", "sent"));
}

/// The other members receive every message, and missed messages are counted for each member.
#[tokio::test]
async fn members_that_do_not_read_cost_the_others_nothing() {
    let _watchdog = Watchdog::start();
    let members = env::var("MEMBERS").map_or(MEMBERS, |members| members.parse().unwrap());
    let (stuck_members, messages, hwm) = (10, 100, 10);
    assert!(members > stuck_members, "no member would read");
    let radio = Radio::builder().send_hwm(hwm).build();
    let endpoint = radio.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut stuck = Vec::new();
    for _ in 0..stuck_members {
        let mut dish = Remote::dial(&endpoint).await;
        dish.shake_hands("DISH").await;
        dish.write(&command("JOIN", b"a")).await;
        stuck.push(dish);
    }
    until_joined(&radio, "a", stuck_members).await;
    let stuck_ids: Vec<_> = radio.remotes().iter().map(|remote| remote.connection_id()).collect();
    let mut readers = Vec::new();
    for _ in stuck_members..members {
        let dish = Dish::builder().join(&group("a")).connect(&endpoint).await.unwrap();
        readers.push(dish);
    }
    until_joined(&radio, "a", members).await;
    // One message of this size fills the buffers of a connection.
    let first = vec![b'x'; 0x60_0000];
    let mut filled = 0;
    while !stuck_ids.iter().all(|id| radio.remotes().stats(*id).unwrap().queued.outgoing >= 1) {
        radio.send(&group("a"), &first[..0x4_0000]).await.unwrap();
        filled += 1;
        for dish in &readers {
            assert_eq!(dish.recv().await.unwrap().len(), 0x4_0000);
        }
    }
    let before: Vec<_> = stuck_ids.iter().map(|id| missed(&radio, *id)).collect();
    let taken: Vec<_> = stuck_ids.iter().map(|id| queued(&radio, *id)).collect();
    for number in 0..messages {
        radio.send(&group("a"), number.to_string()).await.unwrap();
        for dish in &readers {
            assert_eq!(recv(dish).await, pair("a", &number.to_string()));
        }
    }
    let mut all = 0;
    for (at, id) in stuck_ids.iter().enumerate() {
        let queued = queued(&radio, *id);
        assert!(queued <= hwm, "the queue exceeds its limit");
        let expected = messages - (queued - taken[at]);
        assert_eq!(missed(&radio, *id) - before[at], expected as u64);
        all += missed(&radio, *id);
    }
    assert_eq!(radio.stats().dropped.missed, all);
    let is_reader = |id: &ConnectionId| !stuck_ids.contains(id);
    for remote in radio.remotes() {
        if is_reader(&remote.connection_id()) {
            assert_eq!(missed(&radio, remote.connection_id()), 0);
            let sent = radio.remotes().stats(remote.connection_id()).unwrap().sent.messages;
            assert_eq!(sent, (filled + messages) as u64);
        }
    }
}

fn missed(radio: &Radio, id: ConnectionId) -> u64 {
    radio.remotes().stats(id).unwrap().missed
}

fn queued(radio: &Radio, id: ConnectionId) -> usize {
    radio.remotes().stats(id).unwrap().queued.outgoing
}

/// The number of members, ten of which do not read. The environment variable `MEMBERS` sets another
/// number. Each member takes two file descriptors.
const MEMBERS: usize = 50;
