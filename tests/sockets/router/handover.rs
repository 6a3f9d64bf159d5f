//! A remote takes over the identity of another one.

use tokio_zmtp::monitor::{DisconnectReason, DropCause};

use super::*;
use crate::remote::{COMMAND, GREETING, LONGER_THAN_BUFFERS, Remote, command, message, property};
use crate::transports::over_every_transport;
use crate::watchdog::Watchdog;

over_every_transport!(a_newcomer_takes_over_the_identity);

async fn a_newcomer_takes_over_the_identity(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder().handover(true), transport).await;
    let mut of_router = router.monitor();
    let same = identity("same");
    let first = Dealer::builder().identity(same.clone()).reconnect_interval(None).build();
    let mut of_first = first.monitor();
    first.connect(&endpoint).await.unwrap();
    first.send("from the first").await.unwrap();
    router.remotes().connected().await.unwrap();
    while router.stats().queued.incoming == 0 {
        tokio::task::yield_now().await;
    }

    let second = connected("same", &endpoint).await;
    let reason = events::until_disconnected(&mut of_router).await;
    assert!(matches!(reason, DisconnectReason::HandedOver), "{reason:?}");
    events::until_disconnected(&mut of_first).await;

    second.send("from the second").await.unwrap();
    let mut received = [router.recv().await.unwrap(), router.recv().await.unwrap()];
    received.sort_by_key(|message| message[0].to_vec());
    assert_eq!(
        (&received[0][0], &received[1][0]),
        (&b"from the first"[..], &b"from the second"[..])
    );
    assert!(received.iter().all(|message| *message.identity() == same));
    for request in &received {
        router.reply(request, "welcome").await.unwrap();
        assert_eq!(second.recv().await.unwrap(), ["welcome"]);
    }
    assert_eq!(router.remotes().len(), 1);
}

#[tokio::test]
async fn a_remote_that_does_not_read_is_closed_and_its_messages_are_counted() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder().handover(true), Transport::Tcp).await;
    let same = identity("same");
    let mut of_router = router.monitor();
    let mut stalled = Remote::dial(&endpoint).await;
    stalled.write(&[&GREETING[..], &ready("same"), &message(b"last")].concat()).await;
    events::until_established(&mut of_router).await;
    let mut routed = 0;
    while router.try_route(&same, vec![0; 100_000]).is_ok() {
        routed += 1;
        tokio::task::yield_now().await;
    }
    let written = router.stats().sent.messages;

    let second = connected("same", &endpoint).await;
    let event = events::until(&mut of_router, |kind| {
        matches!(kind, EventKind::MessagesDropped { .. } | EventKind::Disconnected { .. })
    });
    let EventKind::Disconnected { reason: DisconnectReason::HandedOver, .. } = event.await.kind
    else {
        panic!("the connection did not end first")
    };
    let dropped = routed - written;
    assert!(dropped > 0);
    events::until_dropped(&mut of_router, dropped, DropCause::Undelivered).await;
    assert_eq!(router.stats().dropped.undelivered, dropped);
    assert_eq!(router.recv().await.unwrap().identity(), &same);
    router.route(&same, "new").await.unwrap();
    assert_eq!(second.recv().await.unwrap(), ["new"]);
    stalled.read_to_end().await;
}

#[tokio::test]
async fn a_waiting_sender_sends_to_the_newcomer() {
    let _watchdog = Watchdog::start();
    let builder = Router::builder().handover(true).send_hwm(1);
    let (router, endpoint) = bound(builder, Transport::Tcp).await;
    let same = identity("same");
    let mut of_router = router.monitor();
    let mut stalled = Remote::dial(&endpoint).await;
    stalled.write(&[&GREETING[..], &ready("same")].concat()).await;
    events::until_established(&mut of_router).await;
    while router.route_timeout(&same, vec![0; 1_000_000], Duration::from_millis(50)).await.is_ok() {
    }
    let mut waiting =
        tokio_test::task::spawn(router.route_timeout(&same, "waited", Duration::from_secs(600)));
    assert!(waiting.poll().is_pending());
    let second = connected("same", &endpoint).await;
    waiting.await.unwrap();
    assert_eq!(second.recv().await.unwrap(), ["waited"]);
}

#[tokio::test]
async fn an_identity_can_be_handed_over_repeatedly() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder().handover(true), Transport::Tcp).await;
    let same = identity("same");
    let mut dealers = Vec::new();
    for number in 0..50_u8 {
        let builder = Dealer::builder().identity(same.clone()).reconnect_interval(None);
        let dealer = builder.connect(&endpoint).await.unwrap();
        dealer.send([number]).await.unwrap();
        let message = router.recv().await.unwrap();
        assert_eq!((message.identity(), &message[0]), (&same, &[number][..]));
        router.reply(&message, [number]).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), [[number]]);
        dealers.push(dealer);
    }
    while router.remotes().len() > 1 {
        tokio::task::yield_now().await;
    }
}

/// The remote in the middle takes over the identity, is sent a message that it does not read, and
/// loses the identity before its handshake ends.
#[tokio::test]
async fn a_remote_that_loses_its_identity_in_its_handshake_is_closed() {
    let _watchdog = Watchdog::start();
    let builder = Router::builder().handover(true).send_hwm(1).ended_hwm_bytes(1);
    let (router, endpoint) = bound(builder, Transport::Tcp).await;
    let same = identity("same");
    let mut of_router = router.monitor();
    let mut remotes = Vec::new();
    for _ in 0..3 {
        let mut remote = Remote::dial(&endpoint).await;
        remote.exchange(&GREETING, GREETING.len()).await;
        remotes.push(remote);
    }
    let [first, second, third] = &mut remotes[..] else { unreachable!() };
    first.write(&ready("same")).await;
    events::until_established(&mut of_router).await;

    // While the messages of ended remotes exceed the limit, no handshake ends.
    let leaving = connected("leaving", &endpoint).await;
    leaving.send("unread").await.unwrap();
    leaving.close().await;
    events::until_disconnected(&mut of_router).await;
    while router.stats().ended.messages == 0 {
        tokio::task::yield_now().await;
    }
    second.write(&ready("same")).await;
    let reason = events::until_disconnected(&mut of_router).await;
    assert!(matches!(reason, DisconnectReason::HandedOver), "{reason:?}");
    router.route(&same, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    third.write(&ready("same")).await;
    while router.try_route(&same, "new").is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*router.recv().await.unwrap(), ["unread"]);

    events::until_established(&mut of_router).await;
    let reason = events::until_disconnected(&mut of_router).await;
    assert!(matches!(reason, DisconnectReason::HandedOver), "{reason:?}");
    second.read_to_end().await;
    assert_eq!(router.stats().dropped.undelivered, 1);
    assert_eq!(third.read_frame().await.0, COMMAND);
    assert_eq!(third.read_message().await, b"new");
}

fn ready(identity: &str) -> Vec<u8> {
    let properties =
        [property("Socket-Type", b"DEALER"), property("Identity", identity.as_bytes())];
    command("READY", &properties.concat())
}
