//! Messages whose remote is unknown, has left, or has a full queue.

use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{RouteError, TryRouteError, Unroutable};

use super::*;
use crate::remote::{GREETING, Remote, command, property};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_router_does_not_wait_for_a_full_remote() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder().send_hwm(1), Transport::Tcp).await;
    let _stalled = fill(&router, &endpoint).await;
    let full = identity("full");

    assert!(matches!(router.route(&full, "x").await, Err(RouteError::Timeout(_))));
    assert!(matches!(router.try_route(&full, "x"), Err(TryRouteError::Full(_))));
    assert!(matches!(router.reserve_route(&full).await, Err(RouteError::Timeout(()))));
    // Waiting is the choice of the sender.
    let mut waiting =
        tokio_test::task::spawn(router.route_timeout(&full, "x", Duration::from_secs(600)));
    assert!(waiting.poll().is_pending());

    let dealer = connected("other", &endpoint).await;
    dealer.send("hello").await.unwrap();
    let hello = router.recv().await.unwrap();
    router.reply(&hello, "welcome").await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), ["welcome"]);
}

#[tokio::test]
async fn a_remote_that_leaves_is_unreachable_immediately() {
    let _watchdog = Watchdog::start();
    let (router, endpoint) = bound(Router::builder().send_hwm(1), Transport::Tcp).await;
    let stalled = fill(&router, &endpoint).await;
    let full = identity("full");
    let mut waiting =
        tokio_test::task::spawn(router.route_timeout(&full, "x", Duration::from_secs(600)));
    assert!(waiting.poll().is_pending());
    drop(stalled);
    assert!(matches!(waiting.await, Err(RouteError::HostUnreachable(_))));
    assert!(matches!(router.route(&full, "x").await, Err(RouteError::HostUnreachable(_))));
}

#[tokio::test]
async fn dropped_messages_are_counted_and_reported() {
    let _watchdog = Watchdog::start();
    let builder = Router::builder().send_hwm(1).unroutable(Unroutable::Drop);
    let (router, endpoint) = bound(builder, Transport::Tcp).await;
    for _ in 0..3 {
        router.route(&identity("unknown"), "x").await.unwrap();
        router.try_route(&identity("unknown"), "x").unwrap();
    }
    assert_eq!(router.stats().dropped.unroutable, 6);

    let mut of_router = router.monitor();
    let _stalled = named(&router, &endpoint).await;
    let full = identity("full");
    while router.stats().dropped.missed < 5 {
        router.route(&full, vec![0; 1_000_000]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let remote = router.remote(&full).unwrap();
    let stats = router.remotes().stats(remote.connection_id()).unwrap();
    assert_eq!(stats.missed, router.stats().dropped.missed);
    // The first of each series is reported.
    let (_, connection, _) = events::until_dropped(&mut of_router, 1, DropCause::QueueFull).await;
    assert_eq!(connection, Some(remote.connection_id()));
    // A slot is not dropped.
    assert!(router.try_reserve_route(&identity("unknown")).is_err());
}

/// Connects a remote that does not read, and fills its queue.
async fn fill(router: &Router, endpoint: &Endpoint) -> Remote {
    let stalled = named(router, endpoint).await;
    let full = identity("full");
    let limit = Duration::from_millis(50);
    while router.route_timeout(&full, vec![0; 1_000_000], limit).await.is_ok() {}
    stalled
}

/// Connects a remote that does not read.
async fn named(router: &Router, endpoint: &Endpoint) -> Remote {
    let mut of_router = router.monitor();
    let mut remote = Remote::dial(endpoint).await;
    let properties = [property("Socket-Type", b"DEALER"), property("Identity", b"full")].concat();
    remote.write(&[&GREETING[..], &command("READY", &properties)].concat()).await;
    events::until_established(&mut of_router).await;
    remote
}
