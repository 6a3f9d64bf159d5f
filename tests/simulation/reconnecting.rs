//! Connections that are established again after a fault.

use std::time::Duration;

use tokio::time::{self, Instant};
use tokio_zmtp::monitor::{DialFailure, DisconnectReason, EventKind, Monitor};
use tokio_zmtp::{Builder, Client, Server};

use crate::events;
use crate::scenario::run;

#[test]
fn delays_double_up_to_the_limit_during_a_partition_and_restart_after_a_message() {
    run(1, async |network| {
        let [here, there] = [network.host(), network.host()];
        let (server, client) = (Server::new(), quick().build());
        there.listen(&server);
        network.cut(&here, &there);
        let mut monitor = client.monitor();
        here.connect(&client, &there).await;
        for expected in [100, 200, 400, 800, 1_000, 1_000, 1_000] {
            let begun = Instant::now();
            let failed = events::until(&mut monitor, is_failed).await;
            assert!(matches!(
                failed.kind,
                EventKind::ConnectFailed { reason: DialFailure::TimedOut { limit: ATTEMPT } }
            ));
            assert_eq!(begun.elapsed(), ATTEMPT);
            expect_delay(&mut monitor, expected).await;
        }
        network.repair(&here, &there);
        events::until_established(&mut monitor).await;

        // Without a message, a connection that ends soon counts as a failure.
        network.reset(&here, &there);
        events::until_disconnected(&mut monitor).await;
        expect_delay(&mut monitor, 1_000).await;
        events::until_established(&mut monitor).await;

        client.send("useful").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "useful");
        network.reset(&here, &there);
        events::until_disconnected(&mut monitor).await;
        expect_delay(&mut monitor, 100).await;
    });
}

#[test]
fn a_server_that_is_down_refuses_attempts_until_it_listens() {
    run(2, async |network| {
        let [here, there] = [network.host(), network.host()];
        let client = quick().build();
        let mut monitor = client.monitor();
        here.connect(&client, &there).await;
        client.send("early").await.unwrap();
        for expected in [100, 200, 400] {
            events::until(&mut monitor, is_failed).await;
            expect_delay(&mut monitor, expected).await;
        }
        let server = Server::new();
        let listener = there.listen(&server);
        assert_eq!(server.recv().await.unwrap(), "early");
        listener.abort();
        there.stop_listening();
        network.reset(&here, &there);
        events::until(&mut monitor, is_failed).await;
        client.send("late").await.unwrap();
        let server = Server::new();
        there.listen(&server);
        assert_eq!(server.recv().await.unwrap(), "late");
    });
}

#[test]
fn a_partition_that_heals_before_a_timeout_loses_and_repeats_nothing() {
    run(3, async |network| {
        let [here, there] = [network.host(), network.host()];
        let (server, client) = (Server::new(), quick().build());
        there.listen(&server);
        here.connect(&client, &there).await;
        client.remotes().connected().await.unwrap();
        for round in 0..10_u32 {
            if round % 2 == 0 {
                network.cut(&here, &there);
            } else {
                network.cut_one_way(&there, &here);
            }
            for number in 0..20_u32 {
                client.send(format!("{round} {number}")).await.unwrap();
            }
            time::sleep(Duration::from_secs(600)).await;
            network.repair(&here, &there);
            for number in 0..20_u32 {
                assert_eq!(server.recv().await.unwrap(), format!("{round} {number}"));
            }
        }
        assert_eq!(client.stats().reconnects, 0);
    });
}

/// Without heartbeats, a client does not notice the crash until it writes.
#[test]
fn a_crash_is_noticed_by_the_next_message_which_is_lost() {
    run(4, async |network| {
        let [here, there] = [network.host(), network.host()];
        let (server, client) = (Server::new(), quick().build());
        there.listen(&server);
        here.connect(&client, &there).await;
        client.remotes().connected().await.unwrap();
        let mut monitor = client.monitor();
        there.crash();
        let there = there.restart();
        let server = Server::new();
        there.listen(&server);

        client.send("lost").await.unwrap();
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Io(_)), "{reason:?}");
        client.send("delivered").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "delivered");
        let stats = client.stats();
        assert_eq!((stats.sent.messages, stats.dropped.undelivered, stats.reconnects), (2, 0, 1));
    });
}

#[test]
fn with_immediate_senders_wait_for_the_next_connection() {
    run(5, async |network| {
        let [here, there] = [network.host(), network.host()];
        let client = quick().immediate(true).heartbeat_interval(HEARTBEAT).build();
        let server = Server::new();
        there.listen(&server);
        here.connect(&client, &there).await;
        client.send("before").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "before");
        let mut monitor = client.monitor();
        network.cut(&here, &there);
        // More than the network takes: the rest is queued, and ends with the connection.
        let mut accepted = 1;
        while client.try_send(vec![7; 50_000]).is_ok() {
            accepted += 1;
            tokio::task::yield_now().await;
        }
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
        assert!(client.try_send("during").is_err());
        let stats = client.stats();
        assert_eq!(stats.sent.messages + stats.dropped.undelivered, accepted, "{stats:?}");
        assert!(stats.dropped.undelivered > 0);

        let mut sending = tokio_test::task::spawn(client.send("during"));
        assert!(sending.poll().is_pending());
        network.repair(&here, &there);
        sending.await.unwrap();
        while server.recv().await.unwrap() != "during" {}
    });
}

fn quick() -> Builder<Client> {
    Client::builder()
        .connect_timeout(ATTEMPT)
        .reconnect_interval(Duration::from_millis(100))
        .reconnect_interval_max(Duration::from_secs(1))
}

/// Waits for the delay before the next attempt. Up to half of it is random.
async fn expect_delay(monitor: &mut Monitor, millis: u64) {
    let retried =
        events::until(monitor, |kind| matches!(kind, EventKind::ConnectRetried { .. })).await;
    let EventKind::ConnectRetried { delay } = retried.kind else { panic!("{retried:?}") };
    let (expected, begun) = (Duration::from_millis(millis), Instant::now());
    assert!(expected / 2 <= delay && delay <= expected, "{delay:?} of {expected:?}");
    events::until(monitor, |kind| matches!(kind, EventKind::ConnectDelayed)).await;
    // Timers have a resolution of a millisecond.
    let waited = begun.elapsed();
    assert!(delay <= waited && waited <= delay + Duration::from_millis(1), "{waited:?}");
}

fn is_failed(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ConnectFailed { .. })
}

const ATTEMPT: Duration = Duration::from_secs(3);

const HEARTBEAT: Duration = Duration::from_secs(1);
