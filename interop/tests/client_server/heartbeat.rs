//! Each end sends PINGs, and disconnects a remote that does not answer.

use std::time::Duration;

use interop::{EventKind, Monitor, Socket, SocketOption};
use tokio::time;
use tokio_zmtp::Client;
use tokio_zmtp::monitor::{self, DisconnectReason};

use crate::ours::OurClient;
use crate::pairing::{
    ANY_PORT, Binds, ClientSide, DEFAULT_HWM, GUARD, POLL_INTERVAL, ServerSide, Side, greet,
    guarded,
};
use crate::relay::Relay;
use crate::{ours, theirs};

#[tokio::test]
async fn our_client_that_binds_answers_pings() {
    guarded(our_client_answers_pings(Binds::Client)).await;
}

#[tokio::test]
async fn our_client_that_connects_answers_pings() {
    guarded(our_client_answers_pings(Binds::Server)).await;
}

#[tokio::test]
async fn our_server_that_binds_answers_pings() {
    guarded(our_server_answers_pings(Binds::Server)).await;
}

#[tokio::test]
async fn our_server_that_connects_answers_pings() {
    guarded(our_server_answers_pings(Binds::Client)).await;
}

#[tokio::test]
async fn a_server_answers_the_pings_of_our_client() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let monitor = server.0.monitor().unwrap();
        let client = ours::client_with_heartbeats(INTERVAL, TIMEOUT);
        stays_connected_while_idle(&client, &server, Binds::Server, &monitor).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_answers_the_pings_of_our_server() {
    guarded(async {
        let client = theirs::client(DEFAULT_HWM);
        let monitor = client.0.monitor().unwrap();
        let server = ours::server_with_heartbeats(INTERVAL, TIMEOUT);
        stays_connected_while_idle(&client, &server, Binds::Server, &monitor).await;
    })
    .await;
}

/// Neither of the servers sends a PING: the TTL in the PINGs of the clients determines their
/// timeout.
#[tokio::test]
async fn a_server_disconnects_our_client_after_the_ttl_of_its_pings() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let monitor = server.0.monitor().unwrap();
        let builder = Client::builder().heartbeat_interval(INTERVAL);
        let builder = builder.heartbeat_timeout(GUARD).heartbeat_ttl(TIMEOUT);
        let client = OurClient(builder.build());
        let relay = join_through_relay(&client, &server, Binds::Server).await;
        greet(&client, &server).await;
        while relay.pongs() == 0 {
            time::sleep(POLL_INTERVAL).await;
        }
        assert_no_disconnect(&monitor);

        relay.fall_silent();

        while monitor.try_next().unwrap().is_none_or(|event| event.kind != EventKind::Disconnected)
        {
            time::sleep(POLL_INTERVAL).await;
        }
    })
    .await;
}

#[tokio::test]
async fn our_server_disconnects_a_client_after_the_ttl_of_its_pings() {
    guarded(async {
        let server = ours::server(DEFAULT_HWM);
        let mut monitor = server.0.monitor();
        let client = theirs::client(DEFAULT_HWM);
        for (option, time) in [
            (SocketOption::HeartbeatInterval, INTERVAL),
            (SocketOption::HeartbeatTimeout, GUARD),
            (SocketOption::HeartbeatTtl, TIMEOUT),
        ] {
            client.0.set(option, time.as_millis().try_into().unwrap()).unwrap();
        }
        let relay = join_through_relay(&client, &server, Binds::Server).await;
        greet(&client, &server).await;
        while relay.pongs() == 0 {
            time::sleep(POLL_INTERVAL).await;
        }

        relay.fall_silent();

        let reason = loop {
            let event = monitor.recv().await.unwrap().unwrap();
            if let monitor::EventKind::Disconnected { reason, .. } = event.kind {
                break reason;
            }
        };
        assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    })
    .await;
}

async fn our_client_answers_pings(binds: Binds) {
    let server = theirs::server(DEFAULT_HWM);
    let monitor = with_heartbeats(&server.0);
    stays_connected_while_idle(&ours::client(DEFAULT_HWM), &server, binds, &monitor).await;
}

async fn our_server_answers_pings(binds: Binds) {
    let client = theirs::client(DEFAULT_HWM);
    let monitor = with_heartbeats(&client.0);
    stays_connected_while_idle(&client, &ours::server(DEFAULT_HWM), binds, &monitor).await;
}

async fn stays_connected_while_idle(
    client: &impl ClientSide,
    server: &impl ServerSide,
    binds: Binds,
    monitor: &Monitor,
) {
    let relay = join_through_relay(client, server, binds).await;
    let id = greet(client, server).await;
    while relay.pongs() < PONGS {
        time::sleep(POLL_INTERVAL).await;
        assert_no_disconnect(monitor);
    }
    assert_eq!(greet(client, server).await, id);
    assert_no_disconnect(monitor);
}

async fn join_through_relay(client: &impl Side, server: &impl Side, binds: Binds) -> Relay {
    match binds {
        Binds::Client => {
            let relay = Relay::start(&client.bind(ANY_PORT).await);
            server.connect(relay.endpoint()).await;
            relay
        }
        Binds::Server => {
            let relay = Relay::start(&server.bind(ANY_PORT).await);
            client.connect(relay.endpoint()).await;
            relay
        }
    }
}

fn with_heartbeats(socket: &Socket) -> Monitor {
    for (option, time) in [
        (SocketOption::HeartbeatInterval, INTERVAL),
        (SocketOption::HeartbeatTimeout, TIMEOUT),
        (SocketOption::HeartbeatTtl, TIMEOUT),
    ] {
        socket.set(option, time.as_millis().try_into().unwrap()).unwrap();
    }
    socket.monitor().unwrap()
}

fn assert_no_disconnect(monitor: &Monitor) {
    while let Some(event) = monitor.try_next().unwrap() {
        assert_ne!(event.kind, EventKind::Disconnected);
    }
}

const INTERVAL: Duration = Duration::from_millis(50);

/// A timeout that suffices for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The number of PONGs that take longer than the timeout, so libzmq must have accepted them.
const PONGS: usize = (TIMEOUT.as_millis() / INTERVAL.as_millis() + 10) as usize;
