//! Messages between a router and its remotes.

use futures::{SinkExt, StreamExt};
use tokio_zmtp::{Dealer, Multipart, RouteError, Router, RouterMessage};

use super::*;
use crate::transports::over_every_transport;
use crate::watchdog::Watchdog;

over_every_transport!(a_router_answers_the_remotes_that_it_receives_from);

async fn a_router_answers_the_remotes_that_it_receives_from(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let named = connected("named", &endpoint).await;
    let unnamed = Dealer::builder().connect(&endpoint).await.unwrap();

    named.send(["one", "", "two"]).await.unwrap();
    let request = router.recv().await.unwrap();
    assert_eq!(request.identity(), "named");
    assert_eq!(*request, ["one", "", "two"]);
    unnamed.send("question").await.unwrap();
    let question = router.recv().await.unwrap();
    let generated = question.identity().as_bytes();
    assert_eq!((generated.len(), generated[0]), (5, 0));

    router.reply(&question, "answer").await.unwrap();
    router.route(request.identity(), ["three", "four"]).await.unwrap();
    assert_eq!(unnamed.recv().await.unwrap(), ["answer"]);
    assert_eq!(named.recv().await.unwrap(), ["three", "four"]);
}

over_every_transport!(every_way_to_receive_returns_the_identity);

async fn every_way_to_receive_returns_the_identity(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (mut router, endpoint) = bound(Router::builder(), transport).await;
    let dealer = connected("named", &endpoint).await;

    let mut batch = Vec::new();
    for number in 0..7_u8 {
        dealer.send([number]).await.unwrap();
        let message = match number {
            0 => router.recv().await.unwrap(),
            1 => router.recv_timeout(Duration::from_secs(60)).await.unwrap(),
            2 => {
                let (message, remote) = router.recv_from().await.unwrap();
                assert_eq!(remote.identity(), Some(message.identity()));
                message
            }
            3 => {
                router.recv_many(&mut batch, 10).await.unwrap();
                batch.pop().unwrap()
            }
            4 => router.next().await.unwrap(),
            5 => loop {
                match router.try_recv() {
                    Ok(message) => break message,
                    Err(_) => tokio::task::yield_now().await,
                }
            },
            _ => loop {
                match router.try_recv_from() {
                    Ok((message, _)) => break message,
                    Err(_) => tokio::task::yield_now().await,
                }
            },
        };
        assert_eq!(message, RouterMessage::new(&identity("named"), [number]));
    }
}

over_every_transport!(every_way_to_send_reaches_the_remote);

async fn every_way_to_send_reaches_the_remote(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (mut router, endpoint) = bound(Router::builder(), transport).await;
    let dealer = connected("named", &endpoint).await;
    let to = identity("named");
    until_known(&router, &to).await;
    let request = RouterMessage::new(&to, "request");

    router.route(&to, "1").await.unwrap();
    router.try_route(&to, "2").unwrap();
    router.route_timeout(&to, "3", Duration::ZERO).await.unwrap();
    router.reply(&request, "4").await.unwrap();
    router.try_reply(&request, "5").unwrap();
    router.reply_timeout(&request, "6", Duration::ZERO).await.unwrap();
    router.reserve_route(&to).await.unwrap().send("7").unwrap();
    router.try_reserve_route(&to).unwrap().send(["8"]).unwrap();
    SinkExt::send(&mut router, RouterMessage::new(&to, "9")).await.unwrap();
    router.clone().lossy().send(RouterMessage::new(&to, "10")).await.unwrap();
    for number in 1..=10 {
        assert_eq!(dealer.recv().await.unwrap(), [number.to_string()]);
    }
}

#[tokio::test]
async fn a_failed_send_returns_the_message_and_the_identity() {
    let _watchdog = Watchdog::start();
    let mut router = Router::new();
    let unknown = identity("unknown");
    let message = Multipart::from(["a", "b"]);

    let failed = router.route(&unknown, message.clone()).await.unwrap_err();
    assert!(matches!(&failed, RouteError::HostUnreachable(_)));
    assert_eq!(failed.into_inner(), message);
    let failed = router.try_route(&unknown, message.clone()).unwrap_err();
    assert_eq!(failed.into_inner(), message);
    let message = RouterMessage::new(&unknown, message);
    let failed = SinkExt::send(&mut router, message.clone()).await.unwrap_err();
    assert_eq!(failed.into_inner(), message);
    let mut lossy = router.lossy();
    lossy.send(message).await.unwrap();
    assert_eq!(lossy.dropped(), 1);
}

#[tokio::test]
async fn undelivered_messages_are_returned_with_their_identity() {
    let _watchdog = Watchdog::start();
    let router = Router::builder().linger(Duration::ZERO).build();
    let to = identity("absent");
    router.connect_identity(Transport::Tcp.any(), &to).await.unwrap_err();
    router.connect_identity("tcp://127.0.0.1:1", &to).await.unwrap();
    router.route(&to, ["a", "b"]).await.unwrap();
    let (report, undelivered) = router.close_with_undelivered().await;
    assert_eq!(report.undelivered, 1);
    assert_eq!(undelivered, [RouterMessage::new(&to, ["a", "b"])]);
}

#[tokio::test]
async fn an_echo_outlives_its_remotes() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    tokio::spawn(router.clone().map(Ok).forward(router.lossy()));
    for _ in 0..3 {
        let dealer = connected("same", &endpoint).await;
        dealer.send(["echo", "me"]).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), ["echo", "me"]);
        dealer.close().await;
    }
}
