//! Messages in both directions.

use std::collections::BTreeSet;

use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Dealer, Multipart, Pull, Push, SocketType};

use crate::events;
use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(dealers_exchange_messages_in_both_directions);

async fn dealers_exchange_messages_in_both_directions(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (bound, connected) =
        (Dealer::builder().over(transport).build(), Dealer::builder().over(transport).build());
    let endpoint = bound.bind(transport.any()).await.unwrap();
    transport.connect(&connected, &bound, endpoint).await;
    for number in 0..100_u32 {
        let message = Multipart::from([&number.to_be_bytes()[..], b"", &vec![7; number as usize]]);
        connected.send(&message).await.unwrap();
        assert_eq!(bound.recv().await.unwrap(), message);
        bound.send(&message).await.unwrap();
        assert_eq!(connected.recv().await.unwrap(), message);
    }
}

#[tokio::test]
async fn a_dealer_is_a_stream_and_a_sink_of_messages_with_parts() {
    let _watchdog = Watchdog::start();
    let echo = Dealer::new();
    let endpoint = echo.bind("tcp://127.0.0.1:*").await.unwrap();
    let (sink, stream) = StreamExt::split::<Multipart>(echo);
    tokio::spawn(stream.map(Ok).forward(sink));

    let mut dealer = Dealer::builder().connect(endpoint).await.unwrap();
    let messages = [1, 2, 3].map(|number: u8| Multipart::from([&[number][..], b"", b"last"]));
    let mut sent = futures::stream::iter(messages.clone().map(Ok));
    dealer.send_all(&mut sent).await.unwrap();
    assert_eq!(dealer.take(3).collect::<Vec<_>>().await, messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_use_handles_of_one_dealer_in_both_directions() {
    const TASKS: u32 = 8;
    const EACH: u32 = 500;
    let _watchdog = Watchdog::start();
    let echo = Dealer::new();
    let endpoint = echo.bind("tcp://127.0.0.1:*").await.unwrap();
    let dealer = Dealer::builder().send_hwm(10).connect(endpoint).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (dealer, echo) = (dealer.clone(), echo.clone());
        tasks.spawn(async move {
            for _ in 0..EACH {
                echo.send(echo.recv().await.unwrap()).await.unwrap();
            }
            Vec::new()
        });
        tasks.spawn(async move {
            let mut received = Vec::new();
            for number in task * EACH..(task + 1) * EACH {
                dealer.send([&number.to_be_bytes()[..], b"part"]).await.unwrap();
                let reply = dealer.recv().await.unwrap();
                assert_eq!((reply.len(), &reply[1]), (2, &b"part"[..]));
                received.push(u32::from_be_bytes(reply[0].try_into().unwrap()));
            }
            received
        });
    }
    let received: BTreeSet<u32> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(received.into_iter().eq(0..TASKS * EACH));
}

over_every_transport_and_streams!(incompatible_types_are_refused);

async fn incompatible_types_are_refused(transport: Transport) {
    let _watchdog = Watchdog::start();
    let dealer = Dealer::builder().over(transport).build();
    let endpoint = dealer.bind(transport.any()).await.unwrap();
    let mut monitor = dealer.monitor();
    let push = Push::builder().over(transport).build();
    transport.connect(&push, &dealer, endpoint.clone()).await;
    let failed = |kind: &EventKind| {
        let EventKind::HandshakeFailed { reason } = kind else { return false };
        let HandshakeFailure::IncompatibleSocketType { local, remote } = *reason else {
            panic!("{reason:?}")
        };
        assert_eq!(local, SocketType::Dealer);
        assert!([SocketType::Push, SocketType::Pull].contains(&remote));
        true
    };
    events::until(&mut monitor, failed).await;
    push.close().await;
    let pull = Pull::builder().over(transport).build();
    transport.connect(&pull, &dealer, endpoint).await;
    events::until(&mut monitor, failed).await;
    assert!(dealer.remotes().list().is_empty());
}
