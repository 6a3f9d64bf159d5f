//! Connections through which nothing passes, and which do not end.

use std::time::Duration;

use tokio::time::Instant;
use tokio_zmtp::monitor::{DisconnectReason, Monitor};
use tokio_zmtp::{Builder, Client, Server};

use crate::events;
use crate::network::{Host, Network};
use crate::scenario::run;

#[test]
fn both_sides_detect_it_in_time_and_queued_messages_arrive_after_the_repair() {
    for (seed, cut) in (0..).zip([Cut::Both, Cut::ToServer, Cut::ToClient]) {
        run(seed, async |network| {
            let [here, there] = [network.host(), network.host()];
            let (server, client) =
                (watching(Server::builder()).build(), watching(Client::builder()).build());
            there.listen(&server);
            here.connect(&client, &there).await;
            client.send("before").await.unwrap();
            assert_eq!(server.recv().await.unwrap(), "before");
            let [mut of_client, mut of_server] = [client.monitor(), server.monitor()];

            let begun = Instant::now();
            cut.apply(&network, &here, &there);
            let (at_client, at_server) =
                tokio::join!(disconnected(&mut of_client), disconnected(&mut of_server));
            for ((reason, at), may_be_told) in
                [(at_client, cut == Cut::ToServer), (at_server, cut == Cut::ToClient)]
            {
                let limit = INTERVAL + TIMEOUT + SLACK;
                assert!(at - begun <= limit, "{cut:?}: {:?}", at - begun);
                // The side that still receives something learns it from the other.
                let is_expected = matches!(
                    (&reason, may_be_told),
                    (DisconnectReason::HeartbeatTimedOut, false)
                        | (DisconnectReason::ClosedByRemote, true)
                );
                assert!(is_expected, "{cut:?}: {reason:?}");
            }

            for number in 0..10_u32 {
                client.send(number.to_string()).await.unwrap();
            }
            network.repair(&here, &there);
            for number in 0..10_u32 {
                assert_eq!(server.recv().await.unwrap(), number.to_string());
            }
        });
    }
}

#[test]
fn a_side_without_heartbeats_detects_it_by_the_time_to_live() {
    run(1, async |network| {
        let [here, there] = [network.host(), network.host()];
        let ttl = Duration::from_secs(5);
        let (server, client) =
            (Server::new(), watching(Client::builder()).heartbeat_ttl(ttl).build());
        there.listen(&server);
        let mut monitor = server.monitor();
        here.connect(&client, &there).await;
        // The first PING announces the time.
        events::until_established(&mut monitor).await;
        tokio::time::sleep(INTERVAL + SLACK).await;
        let begun = Instant::now();
        network.cut(&here, &there);
        let (reason, at) = disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
        assert!(at - begun <= ttl, "{:?}", at - begun);
    });
}

#[test]
fn without_heartbeats_a_connection_outlasts_it() {
    run(1, async |network| {
        let [here, there] = [network.host(), network.host()];
        let (server, client) = (Server::new(), Client::new());
        there.listen(&server);
        here.connect(&client, &there).await;
        client.remotes().connected().await.unwrap();
        network.cut(&here, &there);
        client.send("late").await.unwrap();
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        network.repair(&here, &there);
        assert_eq!(server.recv().await.unwrap(), "late");
        assert_eq!(client.stats().reconnects, 0);
    });
}

/// Jitter that is shorter than the timeout ends no connection.
#[test]
fn slow_networks_pass_heartbeats() {
    for seed in 0..20 {
        run(seed, async |network| {
            network.set_latency(Duration::ZERO, TIMEOUT / 2 - SLACK);
            let [here, there] = [network.host(), network.host()];
            let (server, client) =
                (watching(Server::builder()).build(), watching(Client::builder()).build());
            there.listen(&server);
            here.connect(&client, &there).await;
            for number in 0..50_u32 {
                client.send(number.to_string()).await.unwrap();
                let request = server.recv().await.unwrap();
                assert_eq!(request, number.to_string());
                server.reply(&request, "ok").await.unwrap();
                assert_eq!(client.recv().await.unwrap(), "ok");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            assert_eq!(client.stats().reconnects, 0);
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Both,
    ToServer,
    ToClient,
}

impl Cut {
    fn apply(self, network: &Network, client: &Host, server: &Host) {
        match self {
            Self::Both => network.cut(client, server),
            Self::ToServer => network.cut_one_way(client, server),
            Self::ToClient => network.cut_one_way(server, client),
        }
    }
}

fn watching<S>(builder: Builder<S>) -> Builder<S> {
    builder
        .heartbeat_interval(INTERVAL)
        .heartbeat_timeout(TIMEOUT)
        .reconnect_interval(Duration::from_millis(100))
}

async fn disconnected(monitor: &mut Monitor) -> (DisconnectReason, Instant) {
    (events::until_disconnected(monitor).await, Instant::now())
}

const INTERVAL: Duration = Duration::from_secs(1);

const TIMEOUT: Duration = Duration::from_secs(2);

/// The round trip, and the resolution of timers.
const SLACK: Duration = Duration::from_millis(10);
