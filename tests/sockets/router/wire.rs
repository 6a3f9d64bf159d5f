//! What a router accepts and sends, byte by byte.

use tokio_zmtp::TryRouteError;
use tokio_zmtp::monitor::DisconnectReason;

use super::*;
use crate::remote::{COMMAND, GREETING, MORE, Remote, command, message, property};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn an_identity_has_up_to_255_bytes() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    for announced in [&b"\0"[..], b"\0\0", &[0xFF; 255], b"a\nb"] {
        let mut remote = greeted(&endpoint, announced).await;
        remote.write(&message(b"x")).await;
        let message = router.recv().await.unwrap();
        assert_eq!(message.identity(), announced);
        router.reply(&message, "y").await.unwrap();
        assert_eq!(remote.read_frame().await.1[..6], b"\x05READY"[..]);
        assert_eq!(remote.read_message().await, b"y");
    }
}

#[tokio::test]
async fn an_empty_or_missing_identity_is_generated() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut empty = greeted(&endpoint, b"").await;
    let mut missing = Remote::dial(&endpoint).await;
    missing.write(&[&GREETING[..], &crate::remote::ready("REQ")].concat()).await;
    for remote in [&mut empty, &mut missing] {
        remote.write(&message(b"x")).await;
        let message = router.recv().await.unwrap();
        assert_eq!((message.identity().as_bytes().len(), message.identity().as_bytes()[0]), (5, 0));
    }
}

#[tokio::test]
async fn a_longer_identity_is_refused() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut of_router = router.monitor();
    let mut remote = greeted(&endpoint, &[b'x'; 256]).await;
    let refusal = b"\x05ERROR\x10invalid identity".to_vec();
    assert_eq!(remote.read_frame().await, (COMMAND, refusal));
    assert_eq!(remote.read_to_end().await, b"");
    let (_, failure) = until_failed(&mut of_router).await;
    assert!(matches!(failure, HandshakeFailure::InvalidIdentity(_)), "{failure:?}");
    assert_eq!(router.stats().refused.identity, 1);
}

#[tokio::test]
async fn the_envelope_of_a_request_belongs_to_the_application() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut req = greeted(&endpoint, b"req").await;
    req.write(b"\x01\0\0\x05hello").await;
    let request = router.recv().await.unwrap();
    assert_eq!(*request, ["", "hello"]);
    router.reply(&request, ["", "welcome"]).await.unwrap();
    req.read_frame().await;
    assert_eq!(req.read_frame().await, (MORE, Vec::new()));
    assert_eq!(req.read_message().await, b"welcome");
}

#[tokio::test]
async fn the_ready_has_the_type_and_the_identity() {
    let _watchdog = Watchdog::start();
    let builder = Router::builder().identity(identity("me"));
    let (_router, endpoint) = bound(builder, Transport::Tcp).await;
    let mut remote = greeted(&endpoint, b"dealer").await;
    let ready = [property("Socket-Type", b"ROUTER"), property("Identity", b"me")].concat();
    assert_eq!(remote.read_frame().await, (COMMAND, [b"\x05READY", &ready[..]].concat()));
}

#[tokio::test]
async fn a_message_that_never_ends_is_bounded_and_affects_no_other_remote() {
    let _watchdog = Watchdog::start();
    let builder = Router::builder().max_message_parts(1_000);
    let (router, endpoint) = bound(builder, Transport::Tcp).await;
    let mut of_router = router.monitor();
    let mut endless = greeted(&endpoint, b"endless").await;
    endless.write_what_is_taken(&[MORE, 0].repeat(1_000_000)).await;
    let reason = events::until_disconnected(&mut of_router).await;
    assert!(matches!(reason, DisconnectReason::TooManyParts { limit: 1_000 }), "{reason:?}");
    let gone = router.try_route(&identity("endless"), "x");
    assert!(matches!(gone, Err(TryRouteError::HostUnreachable(_))));

    let dealer = connected("honest", &endpoint).await;
    dealer.send("hello").await.unwrap();
    assert_eq!(router.recv().await.unwrap().identity(), "honest");
}

#[tokio::test]
async fn half_a_message_is_dropped_with_its_connection() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), Transport::Tcp).await;
    let mut of_router = router.monitor();
    let mut remote = greeted(&endpoint, b"same").await;
    remote.write(&[&message(b"whole")[..], b"\x01\x04half"].concat()).await;
    assert_eq!(*router.recv().await.unwrap(), ["whole"]);
    drop(remote);
    events::until_disconnected(&mut of_router).await;
    let dealer = connected("same", &endpoint).await;
    dealer.send("next").await.unwrap();
    assert_eq!(*router.recv().await.unwrap(), ["next"]);
}

/// Connects a remote that announces an identity, and reads the greeting of the socket.
async fn greeted(endpoint: &Endpoint, identity: &[u8]) -> Remote {
    let mut remote = Remote::dial(endpoint).await;
    let properties = [property("Socket-Type", b"DEALER"), property("Identity", identity)].concat();
    remote.write(&[&GREETING[..], &command("READY", &properties)].concat()).await;
    assert_eq!(remote.read(GREETING.len()).await, GREETING);
    remote
}
