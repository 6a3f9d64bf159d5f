//! Notices of dealers of libzmq that connect and leave.

use std::io::Write;
use std::net::TcpStream;

use tokio_zmtp::TryRecvError;
use tokio_zmtp::monitor::DisconnectReason;

use super::*;

over_tcp_and_ipc!(their_dealer_that_connects_and_leaves_is_reported);

/// Corresponds to `test_router_notify_both` in `test_router_notify` of libzmq.
async fn their_dealer_that_connects_and_leaves_is_reported(transport: Transport) {
    let (router, endpoint) = bound(noticing(), transport).await;
    let mut of_router = router.monitor();
    let dealer = dealer(b"X", &endpoint);
    let connected = events::until_established(&mut of_router).await;
    let remote = router.remote(&identity("X")).unwrap();
    assert_eq!(connected.connection_id, Some(remote.connection_id()));
    send(&dealer, &[b"Hello".to_vec()]).await;
    let hello = router.recv().await.unwrap();
    assert_eq!((hello.identity(), &hello[0]), (&identity("X"), &b"Hello"[..]));
    let gone = disconnect(&dealer, &endpoint, router.recv()).await.unwrap();
    assert_eq!((gone.identity(), &gone[0]), (&identity("X"), &b"gone"[..]));
    let disconnected = |kind: &EventKind| matches!(kind, EventKind::Disconnected { .. });
    let left = events::until(&mut of_router, disconnected).await;
    assert_eq!(left.connection_id, connected.connection_id);
    assert!(router.remote(&identity("X")).is_none());
}

/// Corresponds to `test_handshake_fail` in `test_router_notify` of libzmq.
#[tokio::test]
async fn a_failed_handshake_is_reported_as_such() {
    guarded(async {
        let (router, endpoint) = bound(noticing(), Transport::Tcp).await;
        let mut of_router = router.monitor();
        let address = endpoint.to_string().replace("tcp://", "");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"not-a-handshake").unwrap();
        let ended = |kind: &EventKind| {
            matches!(kind, EventKind::HandshakeFailed { .. } | EventKind::HandshakeSucceeded)
        };
        let ended = events::until(&mut of_router, ended).await.kind;
        assert!(matches!(ended, EventKind::HandshakeFailed { .. }), "{ended:?}");
        assert!(matches!(router.try_recv(), Err(TryRecvError::Empty)));
    })
    .await;
}

over_tcp_and_ipc!(their_dealer_that_is_lost_within_a_message_leaves_no_part_of_it);

/// Corresponds to `test_error_during_multipart` in `test_router_notify` of libzmq.
async fn their_dealer_that_is_lost_within_a_message_leaves_no_part_of_it(transport: Transport) {
    let (router, endpoint) = bound(noticing().max_message_size(64), transport).await;
    let mut of_router = router.monitor();
    let dealer = dealer(b"X", &endpoint);
    send(&dealer, &[b"Hello2".to_vec(), vec![b'*'; 127]]).await;
    let reason = events::until_disconnected(&mut of_router).await;
    assert!(matches!(reason, DisconnectReason::MessageTooLarge { .. }), "{reason:?}");
    let notice = router.recv().await.unwrap();
    assert_eq!((notice.identity(), notice.len()), (&identity("X"), 1));
    assert_eq!(*notice, ["gone"]);
}

/// Returns options for a router that receives a message when a remote has left.
fn noticing() -> Builder<Router> {
    Router::builder().disconnect_message("gone")
}
