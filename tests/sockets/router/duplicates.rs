//! A remote with the identity of another one is refused until that one has left.

use tokio_zmtp::monitor::DialFailure;

use super::*;
use crate::remote::{COMMAND, GREETING, Remote, command, property};
use crate::security::{AdmitAll, mechanisms};
use crate::transports::over_every_transport;
use crate::watchdog::Watchdog;

over_every_transport!(a_refused_remote_is_admitted_when_the_first_has_left);

async fn a_refused_remote_is_admitted_when_the_first_has_left(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let mut of_router = router.monitor();
    let first = connected("same", &endpoint).await;
    events::until_established(&mut of_router).await;

    let second = dealer("same").build();
    let mut of_second = second.monitor();
    second.connect(&endpoint).await.unwrap();
    second.send("early").await.unwrap();
    for _ in 0..3 {
        until_refused(&mut of_second, "duplicate identity").await;
        let (_, failure) = until_failed(&mut of_router).await;
        let HandshakeFailure::DuplicateIdentity { identity } = failure else {
            panic!("{failure:?}")
        };
        assert_eq!(identity, "same");
    }
    assert_eq!(router.remotes().len(), 1);
    assert!(router.stats().refused.identity >= 3);

    first.send("last").await.unwrap();
    first.close().await;
    second.remotes().connected().await.unwrap();
    // The message of the first is still unread.
    let mut received = [router.recv().await.unwrap(), router.recv().await.unwrap()];
    received.sort_by_key(|message| message[0].to_vec());
    assert!(received.iter().all(|message| message.identity() == "same"));
    assert_eq!((&received[0][0], &received[1][0]), (&b"early"[..], &b"last"[..]));
    router.reply(&received[1], "welcome").await.unwrap();
    assert_eq!(second.recv().await.unwrap(), ["welcome"]);
}

#[tokio::test]
async fn a_duplicate_is_refused_under_every_mechanism_and_in_either_role() {
    let _watchdog = Watchdog::start();
    for (one, other) in mechanisms() {
        for (of_router, of_dealers) in [(one.clone(), other.clone()), (other, one)] {
            let dealers = || dealer("same").mechanism(of_dealers.clone()).authenticator(AdmitAll);
            let router = Router::builder().mechanism(of_router).authenticator(AdmitAll).build();
            let mut of_router = router.monitor();
            let endpoint = router.bind("tcp://127.0.0.1:*").await.unwrap();
            let first = dealers().connect(&endpoint).await.unwrap();
            events::until_established(&mut of_router).await;

            let second = dealers().connect(&endpoint).await.unwrap();
            let (_, failure) = until_failed(&mut of_router).await;
            assert!(matches!(failure, HandshakeFailure::DuplicateIdentity { .. }), "{failure:?}");

            first.close().await;
            second.send("next").await.unwrap();
            assert_eq!(router.recv().await.unwrap().identity(), "same");
        }
    }
}

#[tokio::test]
async fn a_router_that_dials_refuses_a_duplicate() {
    let _watchdog = Watchdog::start();
    for (one, other) in mechanisms() {
        for (of_router, of_dealers) in [(one.clone(), other.clone()), (other, one)] {
            let dealers = || dealer("same").mechanism(of_dealers.clone()).authenticator(AdmitAll);
            let first = dealers().bind("tcp://127.0.0.1:*").await.unwrap();
            let second = dealers().bind("tcp://127.0.0.1:*").await.unwrap();
            let router = Router::builder()
                .mechanism(of_router)
                .authenticator(AdmitAll)
                .reconnect_interval(Duration::from_millis(1))
                .connect(first.last_endpoint().unwrap())
                .await
                .unwrap();
            until_known(&router, &identity("same")).await;
            let mut of_router = router.monitor();
            router.connect(second.last_endpoint().unwrap()).await.unwrap();
            let (_, failure) = until_failed(&mut of_router).await;
            assert!(matches!(failure, HandshakeFailure::DuplicateIdentity { .. }), "{failure:?}");

            router.disconnect(first.last_endpoint().unwrap()).await.unwrap();
            second.send("next").await.unwrap();
            assert_eq!(router.recv().await.unwrap().identity(), "same");
        }
    }
}

#[tokio::test]
async fn a_stalled_remote_keeps_its_identity_and_affects_no_other() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut of_router = router.monitor();
    // Announces its identity, and reads nothing.
    let mut stalled = Remote::dial(&endpoint).await;
    stalled.write(&[&GREETING[..], &ready("same")].concat()).await;
    events::until_established(&mut of_router).await;

    let mut second = Remote::dial(&endpoint).await;
    second.write(&[&GREETING[..], &ready("same")].concat()).await;
    assert_eq!(second.read(GREETING.len()).await, GREETING);
    let refusal = b"\x05ERROR\x12duplicate identity".to_vec();
    assert_eq!(second.read_frame().await, (COMMAND, refusal));
    assert_eq!(second.read_to_end().await, b"");
    let ((address, ..), _) = until_failed(&mut of_router).await;
    assert_eq!(address, Some(second.address()));

    let other = connected("other", &endpoint).await;
    other.send("hello").await.unwrap();
    let hello = router.recv().await.unwrap();
    router.reply(&hello, "welcome").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), ["welcome"]);

    drop(stalled);
    events::until_disconnected(&mut of_router).await;
    let mut third = Remote::dial(&endpoint).await;
    third.write(&[&GREETING[..], &ready("same")].concat()).await;
    events::until_established(&mut of_router).await;
}

#[tokio::test]
async fn a_remote_in_its_handshake_has_no_identity() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut stalled = Remote::dial(&endpoint).await;
    let handshake = [&GREETING[..], &ready("same")].concat();
    stalled.write(&handshake[..handshake.len() - 1]).await;
    stalled.peek().await;
    let dealer = connected("same", &endpoint).await;
    dealer.send("hello").await.unwrap();
    assert_eq!(router.recv().await.unwrap().identity(), "same");
}

#[tokio::test]
async fn an_identity_ends_with_its_connection_although_messages_are_unread() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut of_router = router.monitor();
    for number in 0..10_u8 {
        let dealer = connected("same", &endpoint).await;
        dealer.send([number]).await.unwrap();
        dealer.close().await;
        events::until_disconnected(&mut of_router).await;
    }
    for number in 0..10 {
        let message = router.recv().await.unwrap();
        assert_eq!((message.identity().to_str(), &message[0]), (Ok("same"), &[number][..]));
    }
    assert!(matches!(
        router.try_route(&identity("same"), "gone"),
        Err(tokio_zmtp::TryRouteError::HostUnreachable(_))
    ));
}

#[tokio::test]
async fn generated_identities_collide_with_no_announced_one() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let (mut dealers, mut identities) = (Vec::new(), std::collections::HashSet::new());
    for number in 0..50_u32 {
        let announced = [&[0][..], &number.to_be_bytes()].concat();
        let named = Dealer::builder().identity(announced.try_into().unwrap());
        for builder in [named, Dealer::builder()] {
            let dealer = builder.connect(&endpoint).await.unwrap();
            dealer.send("hello").await.unwrap();
            assert!(identities.insert(router.recv().await.unwrap().identity().clone()));
            dealers.push(dealer);
        }
    }
    assert_eq!(router.remotes().len(), 100);
}

#[tokio::test]
async fn a_dealer_reports_that_it_is_refused() {
    let _watchdog = Watchdog::start();
    let (_router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let _first = connected("same", &endpoint).await;
    let second = dealer("same").connect(&endpoint).await.unwrap();
    let limit = Duration::from_millis(200);
    let error = second.remotes().connected_timeout(limit).await.unwrap_err();
    let tokio_zmtp::NoRemoteError::Timeout(Some(DialFailure::Handshake(failure))) = error else {
        panic!("{error:?}")
    };
    assert_eq!(failure.to_string(), "the remote refuses this socket: duplicate identity");
}

fn ready(identity: &str) -> Vec<u8> {
    let properties =
        [property("Socket-Type", b"DEALER"), property("Identity", identity.as_bytes())];
    command("READY", &properties.concat())
}
