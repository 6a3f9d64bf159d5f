//! Messages for dealers of libzmq that are not there, have left, or do not read.

use interop::{BytesOption, SocketOption};
use support::events;
use tokio_zmtp::{Multipart, Unroutable};

use super::*;

over_tcp_and_ipc!(a_message_for_an_unknown_identity_is_dropped_if_configured);

/// Corresponds to the first part of `test_router_mandatory` of libzmq.
async fn a_message_for_an_unknown_identity_is_dropped_if_configured(transport: Transport) {
    let (router, _) = bound(Router::builder().unroutable(Unroutable::Drop), transport).await;
    router.route(&identity("UNKNOWN"), "DATA").await.unwrap();
    assert_eq!(router.stats().dropped.unroutable, 1);
}

over_tcp_and_ipc!(a_message_is_returned_until_their_dealer_is_connected);

/// Corresponds to the second part of `test_router_mandatory` of libzmq.
async fn a_message_is_returned_until_their_dealer_is_connected(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let returned = TryRouteError::HostUnreachable(Multipart::from("Hello"));
    assert_eq!(router.try_route(&identity("X"), "Hello"), Err(returned));
    let dealer = dealer(b"X", &endpoint);
    send(&dealer, &[b"Hello".to_vec()]).await;
    assert_eq!(router.recv().await.unwrap().identity(), "X");
    router.try_route(&identity("X"), "Hello").unwrap();
    assert_eq!(recv(&dealer).await, [b"Hello".to_vec()]);
}

over_tcp_and_ipc!(their_dealer_that_does_not_read_is_full_and_affects_no_other);

/// Corresponds to `test_get_peer_state` in `test_router_mandatory` of libzmq.
async fn their_dealer_that_does_not_read_is_full_and_affects_no_other(transport: Transport) {
    let (router, endpoint) = bound(Router::builder().send_hwm(2), transport).await;
    let [reading, stalled] = [b"X", b"Y"].map(|name| with_hwm_of_one(name, &endpoint));
    for dealer in [&reading, &stalled] {
        send(dealer, &[b"Hello".to_vec()]).await;
        router.recv().await.unwrap();
    }
    let body = vec![7; 0x1_0000];
    while router.try_route(&identity("Y"), &body[..]).is_ok() {
        router.route(&identity("X"), &body[..]).await.unwrap();
        assert!(recv(&reading).await == [&body[..]]);
    }
    let full = router.try_route(&identity("Y"), "one more");
    assert_eq!(full, Err(TryRouteError::Full(Multipart::from("one more"))));
    for _ in 0..100 {
        router.try_route(&identity("X"), "still").unwrap();
        assert_eq!(recv(&reading).await, [b"still".to_vec()]);
    }
}

over_tcp_and_ipc!(their_full_dealer_receives_everything_that_was_accepted);

/// Corresponds to `test_router_mandatory_hwm` of libzmq, where the rest is not received.
async fn their_full_dealer_receives_everything_that_was_accepted(transport: Transport) {
    let (router, endpoint) = bound(Router::builder().send_hwm(1), transport).await;
    let dealer = with_hwm_of_one(b"X", &endpoint);
    send(&dealer, &[b"Hello".to_vec()]).await;
    router.recv().await.unwrap();
    let message = |number: u32| vec![number.to_be_bytes().to_vec(), vec![0; 0x1_0000]];
    let mut accepted = 0;
    loop {
        let parts: Multipart = message(accepted).iter().collect();
        match router.try_route(&identity("X"), &parts) {
            Ok(()) => accepted += 1,
            Err(error) => {
                assert_eq!(error, TryRouteError::Full(parts));
                break;
            }
        }
    }
    for number in 0..accepted {
        assert!(recv(&dealer).await == message(number));
    }
    router.route(&identity("X"), "end").await.unwrap();
    assert_eq!(recv(&dealer).await, [b"end".to_vec()]);
}

over_tcp_and_ipc!(a_queue_ends_with_their_dealer_and_its_messages_remain);

/// Corresponds to `test_destroy_queue_on_disconnect` in `test_spec_router` of libzmq, which libzmq
/// fails. Received messages outlive their remote.
async fn a_queue_ends_with_their_dealer_and_its_messages_remain(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let mut of_router = router.monitor();
    let dealer = dealer(b"B", &endpoint);
    events::until_established(&mut of_router).await;
    send(&dealer, &[b"DEF".to_vec()]).await;
    until_some(|| (router.stats().queued.incoming == 1).then_some(())).await;
    disconnect(&dealer, &endpoint, events::until_disconnected(&mut of_router)).await;
    let gone = router.try_route(&identity("B"), "ABC");
    assert_eq!(gone, Err(TryRouteError::HostUnreachable(Multipart::from("ABC"))));
    let unread = router.recv().await.unwrap();
    assert_eq!((unread.identity(), &unread[0]), (&identity("B"), &b"DEF"[..]));

    dealer.connect(&endpoint.to_string()).unwrap();
    events::until_established(&mut of_router).await;
    router.route(&identity("B"), "GHI").await.unwrap();
    assert_eq!(recv(&dealer).await, [b"GHI".to_vec()]);
}

/// Connects a dealer of theirs that queues one message of each direction.
fn with_hwm_of_one(identity: &[u8], endpoint: &Endpoint) -> Socket {
    let dealer = socket(SocketType::Dealer);
    dealer.set_bytes(BytesOption::RoutingId, identity).unwrap();
    dealer.set(SocketOption::RecvHwm, 1).unwrap();
    dealer.connect(&endpoint.to_string()).unwrap();
    dealer
}
