//! Identities that the application assigns to endpoints.

use tokio_zmtp::ConnectError;

use super::*;
use crate::transports::over_every_transport;
use crate::watchdog::Watchdog;

over_every_transport!(messages_wait_for_a_remote_with_an_assigned_identity);

async fn messages_wait_for_a_remote_with_an_assigned_identity(transport: Transport) {
    let _watchdog = Watchdog::start();
    let to = identity("storage");
    let dealer = Dealer::builder().identity(identity("ignored")).build();
    // Reserves the address.
    let endpoint = dealer.bind(transport.any()).await.unwrap();
    dealer.unbind(&endpoint).await.unwrap();
    let router = quick().build();
    router.connect_identity(&endpoint, &to).await.unwrap();
    router.route(&to, "early").await.unwrap();
    assert!(router.remote(&to).is_none());

    let mut of_router = router.monitor();
    for message in ["early", "late"] {
        dealer.bind(&endpoint).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), [message]);
        dealer.send("answer").await.unwrap();
        assert_eq!(router.recv().await.unwrap().identity(), "storage");
        assert_eq!(router.remote(&to).unwrap().identity(), Some(&to));
        dealer.unbind(&endpoint).await.unwrap();
        events::until_disconnected(&mut of_router).await;
        router.route(&to, "late").await.unwrap();
    }
}

#[tokio::test]
async fn an_assigned_identity_is_unique() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder().handover(true), Transport::Tcp).await;
    let (taken, accepted) = (identity("taken"), identity("accepted"));
    router.connect_identity("tcp://127.0.0.1:1", &taken).await.unwrap();
    let again = router.connect_identity("tcp://127.0.0.1:2", &taken).await;
    let Err(ConnectError::DuplicateIdentity { identity, .. }) = again else { panic!("{again:?}") };
    assert_eq!(identity, taken);

    // An accepted remote cannot take it over.
    let dealer = dealer("taken").build();
    let mut of_dealer = dealer.monitor();
    dealer.connect(&endpoint).await.unwrap();
    until_refused(&mut of_dealer, "duplicate identity").await;

    router.disconnect("tcp://127.0.0.1:1").await.unwrap();
    dealer.remotes().connected().await.unwrap();
    let _accepted = connected("accepted", &endpoint).await;
    until_known(&router, &accepted).await;
    // The application can take over the identity of an accepted remote.
    router.connect_identity("tcp://127.0.0.1:2", &accepted).await.unwrap();
    router.disconnect("tcp://127.0.0.1:2").await.unwrap();
}

over_every_transport!(a_dialed_remote_keeps_its_first_identity);

async fn a_dialed_remote_keeps_its_first_identity(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (first, second) = (identity("first"), identity("second"));
    let dealer = Dealer::builder().identity(first.clone()).build();
    let endpoint = dealer.bind(transport.any()).await.unwrap();
    let router = quick().connect(&endpoint).await.unwrap();
    dealer.send("one").await.unwrap();
    assert_eq!(router.recv().await.unwrap().identity(), &first);
    let mut of_router = router.monitor();
    dealer.close().await;
    events::until_disconnected(&mut of_router).await;
    router.route(&first, "for the next connection").await.unwrap();

    let dealer = Dealer::builder().identity(second.clone()).bind(&endpoint).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), ["for the next connection"]);
    dealer.send("two").await.unwrap();
    assert_eq!(router.recv().await.unwrap().identity(), &first);
    assert!(router.try_route(&second, "unknown").is_err());
}

over_every_transport!(routers_know_each_other_by_announced_or_assigned_identities);

async fn routers_know_each_other_by_announced_or_assigned_identities(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (bound, endpoint) = bound(Router::builder().identity(identity("server")), transport).await;
    let client = Router::builder().identity(identity("client")).connect(&endpoint).await.unwrap();
    let (server, assigned) = (identity("server"), identity("assigned"));
    until_known(&client, &server).await;
    client.route(&server, "hello").await.unwrap();
    let hello = bound.recv().await.unwrap();
    assert_eq!(hello.identity(), "client");
    bound.reply(&hello, "welcome").await.unwrap();
    assert_eq!(client.recv().await.unwrap().identity(), &server);

    let other = Router::new();
    other.connect_identity(&endpoint, &assigned).await.unwrap();
    other.route(&assigned, "hello").await.unwrap();
    let hello = bound.recv().await.unwrap();
    bound.reply(&hello, "welcome").await.unwrap();
    assert_eq!(other.recv().await.unwrap().identity(), &assigned);
}

#[tokio::test]
async fn of_two_routers_that_know_each_other_only_one_can_connect() {
    let _watchdog = Watchdog::start();
    let names = [identity("one"), identity("two")];
    let routers = names.clone().map(|name| quick().identity(name).build());
    let [one, two] = &routers;
    let mut endpoints = Vec::new();
    for router in &routers {
        endpoints.push(router.bind("tcp://127.0.0.1:*").await.unwrap());
    }
    let mut monitors = [one.monitor(), two.monitor()];
    one.connect_identity(&endpoints[1], &names[1]).await.unwrap();
    two.connect_identity(&endpoints[0], &names[0]).await.unwrap();
    one.route(&names[1], "hello").await.unwrap();
    for monitor in &mut monitors {
        let refuses = |kind: &EventKind| {
            let EventKind::HandshakeFailed { reason } = kind else { return false };
            matches!(reason, HandshakeFailure::DuplicateIdentity { .. })
        };
        events::until(monitor, refuses).await;
    }
    two.disconnect(&endpoints[0]).await.unwrap();
    let hello = two.recv().await.unwrap();
    assert_eq!((hello.identity(), hello.first()), (&names[0], &b"hello"[..]));
    two.reply(&hello, "welcome").await.unwrap();
    assert_eq!(one.recv().await.unwrap().identity(), &names[1]);
}

over_every_transport!(a_router_probes_another);

async fn a_router_probes_another(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let prober = Router::builder().probe_router(true).connect(&endpoint).await.unwrap();
    let probe = router.recv().await.unwrap();
    assert_eq!(*probe, [""]);
    router.reply(&probe, "welcome").await.unwrap();
    assert_eq!(*prober.recv().await.unwrap(), ["welcome"]);
}

/// Returns options for a router that reconnects quickly.
fn quick() -> Builder<Router> {
    Router::builder().reconnect_interval(Duration::from_millis(1))
}
