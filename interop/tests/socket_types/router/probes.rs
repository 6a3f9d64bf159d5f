//! Probes, which make a socket known to a ROUTER before its first message.

use interop::{BytesOption, SocketOption};

use super::*;

over_tcp_and_ipc!(a_router_of_theirs_receives_the_probe_of_our_router);

/// Corresponds to the part of `test_probe_router` of libzmq about ROUTER.
async fn a_router_of_theirs_receives_the_probe_of_our_router(transport: Transport) {
    let theirs = socket(SocketType::Router);
    theirs.bind(&own_endpoint(transport)).unwrap();
    let builder = reconnecting(Router::builder().identity(identity("X")).probe_router(true));
    let router = builder.connect(theirs.last_endpoint().unwrap()).await.unwrap();
    assert_eq!(recv(&theirs).await, [b"X".to_vec(), vec![]]);
    send(&theirs, &[b"X".to_vec(), b"Hello".to_vec()]).await;
    let hello = router.recv().await.unwrap();
    assert_eq!(*hello, ["Hello"]);
    assert_eq!(hello.identity().as_bytes().len(), 5, "it is generated");
}

over_tcp_and_ipc!(our_router_receives_the_probes_of_their_router_and_dealer);

/// Corresponds to `test_probe_router` of libzmq, the other way round.
async fn our_router_receives_the_probes_of_their_router_and_dealer(transport: Transport) {
    for socket_type in [SocketType::Router, SocketType::Dealer] {
        let (router, endpoint) = bound(Router::builder(), transport).await;
        let theirs = socket(socket_type);
        theirs.set_bytes(BytesOption::RoutingId, b"X").unwrap();
        theirs.set(SocketOption::ProbeRouter, 1).unwrap();
        theirs.connect(&endpoint.to_string()).unwrap();
        let probe = router.recv().await.unwrap();
        assert_eq!(probe.identity(), "X");
        assert_eq!(*probe, [""]);
        router.reply(&probe, "Hello").await.unwrap();
        let mut hello = recv(&theirs).await;
        if let SocketType::Router = socket_type {
            assert_eq!(hello.remove(0).len(), 5, "it is generated");
        }
        assert_eq!(hello, [b"Hello".to_vec()]);
    }
}
